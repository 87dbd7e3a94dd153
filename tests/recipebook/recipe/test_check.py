import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recipebook.modules import METRIC
from recipebook.project import PROJECT
from recipebook.recipe.check import check_all
from recipebook.recipe.places import KeyPath
from recipebook.recipe.references import find_options_faults

OPTIONS = """\
from pathlib import Path
from pydantic import BaseModel, ConfigDict, field_validator

class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")
    api: Path = Path("samples/api.yaml")
    limit: float = 0.5

    @field_validator("limit")
    @classmethod
    def refuse_seven(cls, value: float) -> float:
        if value == 7:
            raise ValueError("not seven")
        return value
"""

FILES = {
    "recipes/x.yaml": """\
description: all of it
model:
  base: models/made-later
  chat_template: chatml
data:
  source: samples/robot.json
  converter: robot
  options: {limit: 1}
training:
  method: sft
eval:
  metrics:
    exact: {api: samples/api.yaml}
""",
    "recipes/profiles/tiny.yaml": "training: {epochs: 1}\n",
    "samples/robot.json": "[]",
    "samples/api.yaml": "",
    "converters/__init__.py": "",
    "converters/robot.py": OPTIONS,
    "converters/echo.py": OPTIONS,
    "eval/metrics/__init__.py": "",
    "eval/metrics/exact.py": OPTIONS,
    "templates/_common.yaml.j2": "{{ recipe | yaml }}\n",
    "templates/sft.yaml.j2": '{% include "_common.yaml.j2" %}\n',
    "templates/chat/chatml.jinja": "{% for m in messages %}{% generation %}x{% endgeneration %}{% break %}{% endfor %}",
}

Change = Callable[..., Path]


@pytest.fixture
def change(tmp_path: Path) -> Change:
    """Write a project in which all is well but for `old` being `new` in one file; return its folder."""

    def write(name: str = "recipes/x.yaml", old: str = "", new: str = "") -> Path:
        for path, text in {**FILES, name: FILES.get(name, "").replace(old, new, 1)}.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        return tmp_path

    return write


def test_a_main_figure_that_no_metric_has_is_a_line(change: Change) -> None:
    root = change()
    (root / "eval" / "metrics" / "exact.py").write_text(f"{OPTIONS}FIGURES = {{'right': 'it is'}}\n")
    (root / "recipes" / "x.yaml").write_text(FILES["recipes/x.yaml"] + "  main: accuracy\n")
    assert check_all(root) == ["recipes/x.yaml:14:9: eval.main: no figure 'accuracy' in the metrics; it has: right"]


def test_a_project_in_which_all_is_well_has_no_lines(change: Change) -> None:
    root = change()
    assert check_all(root) == []
    assert check_all(root, only="x") == []


R, T = "recipes/x.yaml", "recipes/profiles/tiny.yaml"


@pytest.mark.parametrize(
    ("name", "old", "new", "line"),
    [
        (R, "data:", "dat:", "recipes/x.yaml:5:1: unknown key 'dat'; did you mean 'data'?\n"
         "recipes/x.yaml:1:1: missing key 'data'"),
        (R, "  method", "  metod", "recipes/x.yaml:10:3: unknown key 'metod' under training; did you mean 'method'?"),
        (R, "eval:", "axolotl: {flash_atention: true}\neval:",
         "recipes/x.yaml:11:11: unknown key 'flash_atention' under axolotl; did you mean 'flash_attention'?"),
        (R, "method: sft", "epochs: lots",
         "recipes/x.yaml:10:11: training.epochs: 'lots' is not a number (greater than 0)"),
        (R, "robot.json", "robto.json",
         "recipes/x.yaml:6:11: no file 'samples/robto.json'; did you mean 'samples/robot.json'?"),
        (R, "converter: robot", "converter: robto",
         "recipes/x.yaml:7:14: no converter 'robto' in converters/; did you mean 'robot'? it has: echo, robot"),
        (R, "    exact:", "    exat:",
         "recipes/x.yaml:13:5: no metric 'exat' in eval/metrics/; did you mean 'exact'? it has: exact"),
        (R, "method: sft", "optimizer: adamw_trch",
         "recipes/x.yaml:10:14: training.optimizer: Axolotl has no 'adamw_trch'; did you mean 'adamw_torch'?"),
        (R, "method: sft", "optimizer: best",
         "recipes/x.yaml:10:14: training.optimizer: Axolotl has no 'best'; adamw_torch is the usual one"),
        (R, "method: sft", "method: dpo", "recipes/x.yaml:10:11: no template 'dpo' in templates/; it has: sft"),
        (R, "chatml", "chatm",
         "recipes/x.yaml:4:18: no chat template 'chatm' in templates/chat/; did you mean 'chatml'? "
         "it has: chatml, tokenizer"),
        (R, "eval:", "profiles: {tinny: {}}\neval:",
         "recipes/x.yaml:11:12: no profile 'tinny' in recipes/profiles/; did you mean 'tiny'? it has: tiny"),
        (R, "data:", "model:", "recipes/x.yaml:5:1: key 'model' is given twice, first on line 2"),
        (R, "  method", "\tmethod", "recipes/x.yaml:10:1: a tab indents this line; use spaces"),
        (R, "limit: 1", "limt: 1", "recipes/x.yaml:8:13: unknown key 'limt' under data.options; did you mean 'limit'?"),
        (R, "limit: 1", "limit: x", "recipes/x.yaml:8:20: data.options.limit: 'x' is not a number"),
        (R, "limit: 1", "limit: 7", "recipes/x.yaml:8:20: data.options.limit: not seven"),
        (R, "api: samples/api", "api: samples/apy",
         "recipes/x.yaml:13:18: no file 'samples/apy.yaml'; did you mean 'samples/api.yaml'?"),
        (T, "epochs", "epoch",
         "recipes/profiles/tiny.yaml:1:12: unknown key 'epoch' under training; did you mean 'epochs'?"),
        (T, "training: {epochs: 1}", "- 1", "recipes/profiles/tiny.yaml:1:1: the top is a list, not a mapping of keys"),
        (T, "training: {epochs: 1}", "extends: x", "recipes/profiles/tiny.yaml:1:1: a profile cannot have 'extends'"),
        ("templates/sft.yaml.j2", "{%", "\n{% if %}{%",
         "templates/sft.yaml.j2:2: Expected an expression, got 'end of statement block'"),
        ("templates/sft.yaml.j2", "_common", "_comon",
         "templates/sft.yaml.j2: no template '_comon.yaml.j2' in templates/; did you mean '_common.yaml.j2'? "
         "it has: _common.yaml.j2, sft.yaml.j2"),
        ("templates/chat/chatml.jinja", "{% endfor %}", "",
         "templates/chat/chatml.jinja:1: Unexpected end of template. "
         "Jinja was looking for the following tags: 'endfor' or 'else'. "
         "The innermost block that needs to be closed is 'for'."),
        ("converters/robot.py", "class", "klass",
         "recipes/x.yaml:7:14: converters/robot.py cannot be used: SyntaxError: invalid syntax (robot.py, line 4)"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_once_with_its_place(change: Change, name: str, old: str, new: str, line: str) -> None:
    assert sorted(check_all(change(name, old, new))) == sorted(line.split("\n"))


def test_a_mistake_in_a_recipes_section_for_a_profile_is_named_once(change: Change) -> None:
    root = change("recipes/x.yaml", "eval:", "profiles: {tiny: {training: {epochs: -1, lerning_rate: 3}}}\neval:")
    assert check_all(root) == [
        "recipes/x.yaml:11:38: profiles.tiny.training.epochs: -1 is not a number (greater than 0)",
        "recipes/x.yaml:11:42: unknown key 'lerning_rate' under profiles.tiny.training; did you mean 'learning_rate'?",
    ]


def test_a_mistake_that_only_one_profile_makes_is_found(change: Change) -> None:
    root = change("recipes/profiles/tiny.yaml", "training: {epochs: 1}", "training: {method: dpo}")
    assert check_all(root) == ["recipes/profiles/tiny.yaml:1:20: no template 'dpo' in templates/; it has: sft"]


def test_recipes_in_folders_are_checked(change: Change) -> None:
    root = change("recipes/family/y.yaml")
    assert check_all(root) == ["recipes/family/y.yaml:1:1: the file is empty"]
    assert check_all(root, only="x") == []


def test_a_project_without_recipes_is_told(tmp_path: Path) -> None:
    assert check_all(tmp_path) == ["no recipes in recipes/"]


def test_this_projects_own_recipes_are_well() -> None:
    assert check_all() == []


def test_a_check_imports_nothing_heavy() -> None:
    program = (
        "import sys; from recipebook.recipe.check import check_all; check_all();"
        "print([name for name in ('torch', 'transformers', 'axolotl', 'datasets', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("remote: {url: 'https://me:hunter2@host/v1'}", "remote.url: an address with a user name, password or key"),
        ("remote: {url: 'https://host/v1?X-Amz-Signature=hunter2'}", "remote.url: an address with a user"),
        ("axolotl: {hub_model_id: 'https://hf.co/x?token=hunter2'}", "axolotl.hub_model_id: an address with a user"),
        ("profiles: {tiny: {remote: {url: 'ftp://hunter2@host'}}}", "profiles.tiny.remote.url: an address with a user"),
        ("remote: {url: 'http://[::1'}", "remote.url: no address, such as https://api.example.org/v1"),
        ("remote: {url: 'https://host:99999/v1'}", "remote.url: no address, such as https://"),
        ("remote: {url: nowhere}", "remote.url: no address, such as https://"),
        ("matrix: {values: {training.seed.x.y: [1]}}", "matrix.values: training.seed: a mapping is not a whole number"),
        (
            "matrix: {values: {training.sed: [1]}}",
            "matrix.values: unknown key 'sed' under training; did you mean 'seed'",
        ),
        ("matrix: {values: {lora.r: [8, -1]}}", "matrix.values: lora.r: -1 is not a whole number (greater than 0)"),
        ("stages: [{name: [a]}]", "name: a list is not text"),
        ("lora: {rank: 3}", "unknown key 'rank' under lora; write lora.r"),
        ("launch: {per_device_train_batch_size: 3}", "write training.batch_size"),
    ],
)
def test_a_broken_section_is_refused_and_no_secret_is_repeated(change: Change, text: str, fault: str) -> None:
    lines = check_all(change(old="eval:", new=f"{text}\neval:"))
    assert any(fault in line for line in lines)
    assert "hunter2" not in "".join(lines)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("converter: robot", "converter: robot\n  where: {language: no}", "put the word in quotes"),
        ("converter: robot", "converter: robot\n  split: {validation: 0.6, test: 0.6}", "add up to 1.2: none is left"),
        ("method: sft", "method: sft\n  seed: 4294967296", "(at least 0, less than 4294967296)"),
        (
            "method: sft",
            "method: sft\n  max_steps: 100000000000000000000000",
            "is not a whole number (greater than 0); the most is 1000000000",
        ),
        (
            "method: sft",
            "method: sft\n  epochs: 1e300",
            "1e+300 is not a number (greater than 0); the most is 1000000000",
        ),
        (
            "method: sft",
            "method: sft\n  save_steps: 1e10",
            "save_steps: 10000000000.0 is not a whole number (greater than 0); the most is",
        ),
        ("method: sft", "method: sft\n  lr: 1", "unknown key 'lr' under training; write training.learning_rate"),
    ],
)
def test_a_value_that_would_fail_later_fails_in_check(change: Change, old: str, new: str, fault: str) -> None:
    assert any(fault in line for line in check_all(change(old=old, new=new)))


def test_the_robots_api_is_read_by_check(tmp_path: Path) -> None:
    (tmp_path / "api.yaml").write_text("robot.turn:\n  angle: {type: nubmer}\n")
    (found,) = find_metric_faults(PROJECT, "robot", {"api": str(tmp_path / "api.yaml")})
    assert found.startswith(f"eval.metrics.robot: {tmp_path / 'api.yaml'}:2:17: robot.turn.angle.type: Input should be")
    assert find_metric_faults(PROJECT, "robot", {}) == []


def find_metric_faults(root: Path, name: str, options: dict[str, Any]) -> list[str]:
    path: KeyPath = ("eval", "metrics", name)
    return [fault.text for fault in find_options_faults(root, METRIC, name, options, path, path)]
