"""The page on stages that write data: its examples are recipes; mistakes are told, and changed files seen."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from recipebook.errors import UserError
from recipebook.pipeline.inputs import list_steps
from recipebook.project import PROJECT
from recipebook.recipe.layers import read_layers
from recipebook.recipe.stages import read_stages

EXAMPLES = re.findall(r"```yaml\n(.*?)```", (PROJECT / "docs" / "stages.md").read_text(), re.DOTALL)
KINDS = ("generate_pairs", "augment", "generate_conversations")
HEAD = "description: d\nextends: toolformer-sft\n"


def write(folder: Path, text: str) -> str:
    (folder / "recipe.yaml").write_text(HEAD + text)
    return str(folder / "recipe.yaml")


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_a_recipe(tmp_path: Path, example: str) -> None:
    stages = read_stages(read_layers(write(tmp_path, example), None, (), PROJECT))
    assert {stage.kind for stage in stages} & set(KINDS)


def test_there_is_an_example_of_each() -> None:
    assert len(EXAMPLES) == 5
    assert all(any(f"{kind}:" in one for one in EXAMPLES) for kind in KINDS)


@pytest.mark.parametrize(
    ("stage", "told"),
    [
        ("generate_pairs: {metric: toolformer, answrs: 3}", ":5:"),
        ("generate_pairs: {metric: toolformer, figures: {exakt: 1}}", "no figure 'exakt' that is better when more"),
        ("augment: {tools: samples/augment_tool.yaml}", "no file 'samples/augment_tool.yaml'"),
        (
            "augment: {tools: samples/augment_tools.yaml, source: 'stage:later'}",
            "no earlier stage 'later' that makes rows",
        ),
        ("generate_conversations: {endpoint: {url: 'http://a:b@c/v1', model: m}}", "holds more than an address"),
    ],
)
def test_a_mistake_in_a_stage_is_told_with_its_place_before_anything_runs(
    tmp_path: Path, stage: str, told: str
) -> None:
    with pytest.raises(UserError) as error:
        read_stages(read_layers(write(tmp_path, f"stages:\n  - name: made\n    {stage}\n"), None, (), PROJECT))
    assert told in str(error.value) and re.match(r".*recipe\.yaml:[45]:", str(error.value))


def test_a_file_that_an_option_names_counts_by_its_content(tmp_path: Path) -> None:
    tools = tmp_path / "tools.yaml"
    tools.write_bytes((PROJECT / "samples" / "augment_tools.yaml").read_bytes())
    (tmp_path / "data.jsonl").write_text('{"original_text": "a b", "augmented_text": "a b"}\n' * 3)
    data = f"data: {{source: {tmp_path}/data.jsonl, split: {{validation: 0, test: 0}}}}\n"
    recipe = write(tmp_path, f"{data}stages:\n  - {{name: made, augment: {{tools: {tools}}}}}\n")
    (before,) = list_steps(read_stages(read_layers(recipe, "tiny", (), PROJECT)))
    (same,) = list_steps(read_stages(read_layers(recipe, "tiny", (), PROJECT)))
    tools.write_text(tools.read_text() + "# more\n")
    (after,) = list_steps(read_stages(read_layers(recipe, "tiny", (), PROJECT)))
    assert before.identity == same.identity != after.identity
    assert [key for key in before.inputs if before.inputs[key] != after.inputs[key]] == [f"file {tools}"]


def test_checking_a_recipe_with_stages_loads_no_library_of_the_trainer() -> None:
    script = (
        "import sys, stages.generate_pairs, stages.augment, stages.generate_conversations\n"
        "print([name for name in ('torch', 'transformers', 'axolotl', 'scipy', 'httpx') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
