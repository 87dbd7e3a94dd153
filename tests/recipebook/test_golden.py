"""What every recipe renders to under every profile, whole, beside what it rendered to when a person last looked.

`make test TESTS="tests/recipebook/test_golden.py --remake"` writes tests/golden/ again; git shows what changed.
"""

from pathlib import Path

import pytest

from recipebook.launch.render import Inputs, render_axolotl, render_deepspeed
from recipebook.modules import PROFILE, list_names
from recipebook.project import PROJECT
from recipebook.recipe.layers import list_recipes
from recipebook.recipe.resolve import resolve
from recipebook.train.cards import find_card
from recipebook.train.settle import TrainingDevice, find_device, settle

GOLDEN = Path(__file__).parents[1] / "golden"
INPUTS = Inputs(train="data/train.jsonl", validation="data/validation.jsonl", prepared="../../.cache/prepared/abc")
WITHOUT_GPU = {"cpu", "mps", "small", "tiny"}
NO_GPU = TrainingDevice(gpu=False, bf16=False)


def name_golden(recipe: str, profile: str) -> str:
    return f"{recipe.replace('/', '-')}.{profile}.yaml"


@pytest.mark.parametrize("profile", list_names(PROFILE))
@pytest.mark.parametrize("name", list_recipes())
def test_a_recipe_renders_as_its_golden_file_says(request: pytest.FixtureRequest, name: str, profile: str) -> None:
    gpu = profile not in WITHOUT_GPU
    recipe = settle(resolve(name, profile).recipe, find_device(find_card("H100")) if gpu else NO_GPU).recipe
    documents = [render_axolotl(recipe, INPUTS, gpu=gpu, bf16=gpu), render_deepspeed(recipe, gpu=gpu) or ""]
    rendered = "---\n".join(filter(None, documents)).replace(str(PROJECT), "PROJECT")
    golden = GOLDEN / name_golden(name, profile)
    if request.config.getoption("remake"):
        golden.write_text(rendered)
    assert rendered == golden.read_text()


def test_every_golden_file_belongs_to_a_recipe_and_a_profile() -> None:
    known = {name_golden(name, profile) for name in list_recipes() for profile in list_names(PROFILE)}
    assert {path.name for path in GOLDEN.iterdir()} == known
