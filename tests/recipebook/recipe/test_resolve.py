import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipebook.errors import UserError
from recipebook.modules import PROFILE, list_names
from recipebook.recipe.layers import list_recipes
from recipebook.recipe.resolve import Resolved, resolve
from recipebook.train.opening import dump_recipe

WHOLE = """\
description: all of it
model:
  base: some/model
data:
  source: samples/robot.json
  converter: robot
training:
  epochs: 2
  learning_rate: 2e-05
lora:
  r: 8
"""

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write files of recipes/ (`a__b` stands for a/b) beside the profile `tiny`, and return the project's folder."""

    def put(tiny: str = "training: {epochs: 5}\n", **recipes: str) -> Path:
        for name, text in {"profiles__tiny": tiny, **recipes}.items():
            path = tmp_path / "recipes" / (name.replace("__", "/") + ".yaml")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return put


def refusal(root: Path, name: str = "x", profile: str | None = None, overrides: tuple[str, ...] = ()) -> list[str]:
    with pytest.raises(UserError) as caught:
        resolve(name, profile, overrides, root)
    return str(caught.value).split("\n")


def numbers(resolved: Resolved) -> tuple[float, int | None]:
    lora = resolved.recipe.lora
    return resolved.recipe.training.epochs, lora.r if lora else None


def test_a_recipe_alone_is_what_it_says(write: Write) -> None:
    resolved = resolve("x", root=write(x=WHOLE))
    assert resolved.recipe.model_dump(exclude_unset=True) == {
        "description": "all of it",
        "model": {"base": "some/model"},
        "data": {"source": "samples/robot.json", "converter": "robot"},
        "training": {"epochs": 2, "learning_rate": 2e-05},
        "lora": {"r": 8},
    }
    assert (resolved.name, resolved.profile, resolved.source.name) == ("x", None, "x.yaml")
    assert resolved.recipe.training.learning_rate == 2e-05
    assert str(resolved.places[("training", "epochs")].value) == "recipes/x.yaml:8:11"


def test_each_layer_wins_over_the_one_before(write: Write) -> None:
    own = "extends: base\nlora: {r: 9}\nprofiles:\n  tiny: {lora: {r: 10}}\n"
    root = write(base=WHOLE, x="extends: base\nlora: {r: 9}\n", y=own)
    assert numbers(resolve("base", root=root)) == (2, 8)
    assert numbers(resolve("x", root=root)) == (2, 9)
    assert numbers(resolve("x", "tiny", root=root)) == (5, 9)
    assert numbers(resolve("y", "tiny", root=root)) == (5, 10)
    resolved = resolve("y", "tiny", ["lora.r=11", "training.epochs=1.5"], root)
    assert numbers(resolved) == (1.5, 11)
    assert str(resolved.places[("lora", "r")].value) == "SET"
    assert resolved.recipe.data.model_dump(exclude_unset=True) == {"source": "samples/robot.json", "converter": "robot"}


def test_a_section_set_to_null_is_taken_out(write: Write) -> None:
    root = write(x=WHOLE, y="extends: x\nlora:\n")
    assert resolve("y", root=root).recipe.lora is None
    assert resolve("x", overrides=["lora=null"], root=root).recipe.lora is None
    anew = resolve("x", overrides=["lora=null", "lora.alpha=3"], root=root).recipe.lora
    assert anew and anew.model_dump(exclude_unset=True) == {"alpha": 3}
    assert refusal(root, overrides=("model=null",)) == ["recipes/x.yaml:1:1: missing key 'model'"]


def test_lists_replace_and_do_not_merge(write: Write) -> None:
    base = WHOLE + "  target_modules: [a, b]\n"
    resolved = resolve("x", overrides=["lora.target_modules=[c]"], root=write(x=base))
    assert resolved.recipe.lora and resolved.recipe.lora.target_modules == ("c",)
    assert ("lora", "target_modules", 1) not in resolved.places


def test_what_is_dumped_resolves_to_the_same(write: Write) -> None:
    root = write(x=WHOLE)
    resolved = resolve("x", "tiny", ["training.learning_rate=1e-5"], root)
    (root / "recipes" / "again.yaml").write_text(dump_recipe(resolved.recipe))
    assert resolve("again", root=root).recipe == resolved.recipe


def test_recipes_are_found_in_folders_and_by_path(write: Write) -> None:
    root = write(family__x=WHOLE, _base=WHOLE)
    assert list_recipes(root) == ["family/x"]
    assert list_names(PROFILE, root) == ["tiny"]
    assert resolve("family/x", root=root).name == "family/x"
    assert resolve(str(root / "recipes/family/x.yaml"), root=root).name == "family/x"
    assert resolve("recipes/family/x.yaml", root=root).name == "family/x"


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("training:", "trainig:", "7:1: unknown key 'trainig'; did you mean 'training'?"),
        ("  learning_rate", "  lerning_rate",
         "9:3: unknown key 'lerning_rate' under training; did you mean 'learning_rate'?"),
        ("  epochs: 2", "  r: 2", "8:3: unknown key 'r' under training; it belongs under lora"),
        ("  epochs: 2", "  num_epochs: 2", "8:3: unknown key 'num_epochs' under training; did you mean 'epochs'?"),
        ("  epochs: 2", "  sequence_len: 2",
         "8:3: unknown key 'sequence_len' under training; write training.max_length"),
        (
            "  epochs: 2",
            "  neftune_noise_alpha: 2",
            "8:3: unknown key 'neftune_noise_alpha' under training; Axolotl's own keys go under axolotl",
        ),
        (
            "  r: 8",
            "  q: 8",
            "11:3: unknown key 'q' under lora; it has: alpha, dropout, kernels, quantize, r, target_modules",
        ),
        ("epochs: 2", "epochs: three", "8:11: training.epochs: 'three' is not a number (greater than 0)"),
        ("epochs: 2", "epochs: 0", "8:11: training.epochs: 0 is not a number (greater than 0)"),
        ("epochs: 2", "epochs: '2'", "8:11: training.epochs: '2' is not a number (greater than 0)"),
        ("epochs: 2", "epochs: true", "8:11: training.epochs: true is not a number (greater than 0)"),
        ("epochs: 2", "epochs: .inf",
         "8:11: training.epochs: Infinity is not a number (greater than 0); the most is 1000000000"),
        ("epochs: 2", "packing: 1", "8:12: training.packing: 1 is not true or false or one of: auto, records"),
        ("r: 8", "r: 8.5", "11:6: lora.r: 8.5 is not a whole number (greater than 0)"),
        ("r: 8", "quantize: 5bit", "11:13: lora.quantize: '5bit' is not one of: 4bit, 8bit"),
        ("r: 8", "target_modules: 3", "11:19: lora.target_modules: 3 is not a list (of 1 or more) or 'all-linear'"),
        ("r: 8", "target_modules: [a, 3]", "11:23: lora.target_modules.1: 3 is not text (not empty)"),
        ("converter: robot", "converter: ''", "6:14: data.converter: '' is not text (not empty)"),
        ("  converter: robot\n", "", "4:1: missing key 'converter' under data"),
        ("description: all of it\n", "", "1:1: missing key 'description'"),
        ("lora:\n  r: 8", "lora: [8]", "10:7: lora: a list is not a mapping"),
        ("lora:\n  r: 8", "axolotl: {qqq: 8}", "10:11: unknown key 'qqq' under axolotl"),
        ("lora:\n  r: 8", "profiles: {tny: {}}",
         "10:12: no profile 'tny' in recipes/profiles/; did you mean 'tiny'? it has: tiny"),
        (
            "lora:\n  r: 8",
            "profiles: {tiny: {lora: {R: 8}}}",
            "10:26: unknown key 'R' under profiles.tiny.lora; did you mean 'r'?",
        ),
        ("lora:\n  r: 8", "profiles: {tiny: {extends: x}}", "10:19: a profile cannot have 'extends'"),
        ("lora:\n  r: 8", "extends: y", "10:10: extends: no recipe 'y' in recipes/; it has: x"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_in_one_line_with_its_place(write: Write, old: str, new: str, line: str) -> None:
    assert WHOLE.count(old) == 1
    assert refusal(write(x=WHOLE.replace(old, new))) == [f"recipes/x.yaml:{line}"]


def test_every_mistake_has_its_line_in_the_files_order(write: Write) -> None:
    root = write(x=WHOLE.replace("r: 8", "R: 8").replace("epochs: 2", "epochs: 0"))
    assert refusal(root, overrides=("training.seed=x",)) == [
        "SET: training.seed: 'x' is not a whole number (at least 0, less than 4294967296)",
        "recipes/x.yaml:8:11: training.epochs: 0 is not a number (greater than 0)",
        "recipes/x.yaml:11:3: unknown key 'R' under lora; did you mean 'r'?",
    ]


def test_a_mistake_in_a_profile_or_base_is_told_with_that_file(write: Write) -> None:
    root = write(tiny="training: {epoch: 1}\n", x="extends: base\n", base=WHOLE.replace("r: 8", "r: x"))
    assert refusal(root, profile="tiny") == [
        "recipes/base.yaml:11:6: lora.r: 'x' is not a whole number (greater than 0)",
        "recipes/profiles/tiny.yaml:1:12: unknown key 'epoch' under training; did you mean 'epochs'?",
    ]


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("lora.r", "SET: 'lora.r' is not section.key=value; no blanks around ="),
        ("lora..r=1", "SET: 'lora..r=1' is not section.key=value"),
        ("loar.r=3", "SET: unknown key 'loar'; did you mean 'lora'?"),
        ("lora.r=x", "SET: lora.r: 'x' is not a whole number (greater than 0)"),
        ("lora.r=[", "SET: lora.r: did not find expected node content (while parsing a flow node)"),
        ("description.a=1", "SET: description: a mapping is not text (not empty)"),
        ("axolotl.lora_alhpa=1",
         "SET: unknown key 'lora_alhpa' under axolotl; did you mean lora.alpha, the recipe's own key?"),
    ],
)  # fmt: skip
def test_a_bad_override_is_told_in_one_line(write: Write, override: str, line: str) -> None:
    assert refusal(write(x=WHOLE), overrides=(override,)) == [line]


def test_an_unknown_recipe_or_profile_is_told_with_those_there_are(write: Write) -> None:
    root = write(robot=WHOLE, other=WHOLE)
    assert refusal(root, "robto") == ["no recipe 'robto' in recipes/; did you mean 'robot'? it has: other, robot"]
    assert refusal(root, "zzz") == ["no recipe 'zzz' in recipes/; it has: other, robot"]
    assert refusal(root, "elsewhere/robot.yaml") == ["no file 'elsewhere/robot.yaml'"]
    assert refusal(root, "a\nb") == [r"no recipe 'a\nb' in recipes/; it has: other, robot"]
    assert refusal(root, "robot", "gpu") == ["no profile 'gpu' in recipes/profiles/; it has: tiny"]


def test_extending_in_a_circle_is_told_with_the_circle(write: Write) -> None:
    root = write(x="extends: y\n", y="extends: z\n", z="\nextends: y\n")
    assert refusal(root) == ["recipes/z.yaml:2:10: extends goes in a circle: y -> z -> y"]


LINES = st.sampled_from(
    [*WHOLE.splitlines(), "extends: x", "profiles: {tiny: {}}", "axolotl: {seed: 1}", "  r: [", "lora:"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["model", "data", "base", "r", "lora", "profiles", "axolotl", "trl"]), inner),
)


@given(
    st.text(max_size=80) | st.lists(LINES, max_size=14).map("\n".join) | VALUES.map(lambda value: f"lora: {value!r}")
)
def test_any_text_is_a_recipe_or_a_user_error(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "recipes").mkdir()
        (Path(folder) / "recipes" / "x.yaml").write_bytes(text.encode("utf-8", "replace"))
        try:
            assert resolve("x", root=Path(folder)).recipe.description
        except UserError as error:
            assert all(line.startswith("recipes/x.yaml:") for line in str(error).split("\n"))


@given(st.text(max_size=20), VALUES)
def test_any_override_is_a_recipe_or_a_user_error(key: str, value: object) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "recipes").mkdir()
        (Path(folder) / "recipes" / "x.yaml").write_text(WHOLE)
        for override in (f"{key}={value}", f"lora={value}", f"axolotl.trl={value}", f"profiles={value}"):
            try:
                assert resolve("x", overrides=[override], root=Path(folder)).recipe.description
            except UserError as error:
                assert all(line.startswith(("SET: ", "recipes/x.yaml:1:1: ")) for line in str(error).split("\n"))
