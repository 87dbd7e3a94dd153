"""A recipe as a fleet over learning rates: on which rows, and what is advised by which losses."""

import json
from pathlib import Path

import pytest

from recipebook.data.dataset import prepare
from recipebook.errors import UserError
from recipebook.fleet.members import list_members, name_fleet, resolve_member
from recipebook.fleet.rates import TriedRate, advise, sweep_rates
from recipebook.recipe.resolve import resolve


def test_five_rates_around_the_recipes_own_are_members() -> None:
    fleet = sweep_rates(resolve("robot-lora", None), (), 30)
    members = list_members(fleet)
    assert [one.settings for one in members] == [
        {"training.learning_rate": rate} for rate in (1e-5, 3e-5, 1e-4, 3e-4, 1e-3)
    ]
    assert name_fleet(fleet) == "robot-lora-rates"
    member = resolve_member(fleet, members[0]).recipe.training
    assert (member.learning_rate, member.max_steps, member.eval_steps) == (1e-5, 30, 30)


def test_tried_rates_have_no_placebos() -> None:
    assert sweep_rates(resolve("robot-lora", None, ["eval.placebo=shuffled"]), (), 30).recipe.eval.placebo is None


def read_prompts(path: Path) -> set[str]:
    return {json.loads(line)["messages"][-2]["content"] for line in path.read_text().splitlines()}


@pytest.mark.parametrize("override", ["data.split.test=0.1", "data.split.validation=0"])
def test_only_train_rows_of_the_recipe_are_trained_on_or_compared_by(tmp_path: Path, override: str) -> None:
    resolved = resolve("robot-lora", "tiny", [override])
    own = prepare(resolved.recipe.data, tmp_path)
    swept = prepare(sweep_rates(resolved, (), 30).recipe.data, tmp_path)
    own_train = read_prompts(own.path("train"))
    used = read_prompts(swept.path("train")) | read_prompts(swept.path("validation"))
    assert used <= own_train
    assert 0.05 < swept.rows["validation"] / own.rows["train"] < 0.15
    assert not read_prompts(swept.path("train")) & read_prompts(swept.path("validation"))


@pytest.mark.parametrize(
    ("recipe", "overrides", "line"),
    [
        ("robot-sweep", [], "this one has a matrix"),
        ("os-interaction-rl", ["training.method=grpo"], "this one learns from rewards"),
        ("robot-lora", ["data.split.file=samples/robot.json"], "data.split.file of this one lists"),
    ],
)
def test_what_has_no_single_training_on_shares_of_rows_is_refused(recipe: str, overrides: list[str], line: str) -> None:
    with pytest.raises(UserError, match=f"^{recipe}: make find-lr takes a recipe of one training .*{line}"):
        sweep_rates(resolve(recipe, None, overrides), (), 30)


def test_one_rate_is_no_comparison() -> None:
    with pytest.raises(UserError, match="RATES: two"):
        sweep_rates(resolve("robot-lora", None), (1e-4, 1e-4), 30)


def test_the_smallest_rate_that_is_nearly_as_good_as_the_best_is_advised() -> None:
    tried = [
        TriedRate(1e-5, 2.4, 2.5),
        TriedRate(1e-4, 1.03, 2.5),
        TriedRate(1e-3, 1.0, 2.5),
        TriedRate(1e-2, 9.0, 2.5),
    ]
    advice = advise(tried, 30)
    # The best gains 1.5; 0.0001 gains 1.47 of it, and 0.95 x 1.5 = 1.425 would do.
    assert advice.rate == 1e-4
    assert advice.lines == (
        'SET="training.learning_rate=0.0001" to begin with: held-out loss 2.500 before, 1.000 at best',
        "as good after 30 steps: 0.0001, 0.001; the smallest is the safest",
    )


def test_the_best_at_an_end_is_to_be_tried_further() -> None:
    advice = advise([TriedRate(1e-5, 2.4, 2.5), TriedRate(1e-4, 1.0, 2.5)], 30)
    assert advice.lines[-1] == 'the best is the largest that was tried: RATES="0.0003 0.001 0.003" tries further'


@pytest.mark.parametrize("loss", [None, 2.6])
def test_where_nothing_is_learned_no_rate_is_advised(loss: float | None) -> None:
    advice = advise([TriedRate(1e-4, loss, 2.5), TriedRate(1e-3, None, 2.5, "failed")], 30)
    assert advice.rate is None and advice.lines[0].startswith("no rate l")


def test_a_rate_that_failed_is_not_advised_though_it_has_a_loss() -> None:
    tried = [TriedRate(1e-4, 2.0, 2.5), TriedRate(1e-3, 1.0, 2.5, "nothing was learned: worse than guessing")]
    assert advise(tried, 30).rate == 1e-4
