"""What TRL is given of played episodes: rewards by outcome, and a mask that keeps the box's tokens out of the loss."""

import random
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from recipebook.playing.play import Played
from recipebook.project import PROJECT
from recipebook.shell.outcomes import Outcome
from recipebook.shell.tasks import Task
from trainer.collected import Collected
from trainer.rollouts import EpisodeKeys, join, reward

BASE = PROJECT / "models" / "tiny-base"
TASK = Task(number=1, instruction="Make /srv/a.", init="true", check="true")
KEYS = EpisodeKeys(
    collections=1, rounds=5, seconds=5, answer_tokens=8, redraws=0, least_success=0, control="none", correct=1.0,
    incorrect=-0.5, unset=0.0, seed=1,
)  # fmt: skip
OWN = [1, 1, 1, 0, 0]


def played(outcome: Outcome, ids: list[int]) -> Played:
    return Played(TASK, [5, 6], ids, OWN, outcome, "completed", 1, [""], [""])


@pytest.mark.parametrize(
    ("outcome", "worth"), [("correct", 1.0), ("incorrect", -0.5), ("unset", 0.0), ("unknown", None)]
)
def test_the_reward_of_an_outcome(outcome: Outcome, worth: float | None) -> None:
    assert KEYS.value(played(outcome, [9, 8, 2, 3, 4]), random.Random(1)) == worth


def test_under_the_control_rewards_are_drawn_by_lot_and_a_failed_box_still_has_none() -> None:
    control, lot = KEYS.model_copy(update={"control": "random"}), random.Random(1)
    drawn = [control.value(played("incorrect", [9, 8, 2, 3, 4]), lot) for _ in range(200)]
    assert set(drawn) == {1.0, -0.5}
    assert control.value(played("unknown", [9, 8, 2, 3, 4]), lot) is None


def test_a_group_with_one_reward_is_masked_throughout() -> None:
    episodes = [played("correct", [9, 8, 2, 3, 4]), played("incorrect", [9, 7, 2, 3, 4])]
    found = join([Collected(episodes, [1.0, -0.5]), Collected(episodes, [-0.5, -0.5])])
    assert found["env_mask"] == [OWN, OWN, [0] * 5, [0] * 5]
    assert found["completion_ids"] == [[9, 8, 2, 3, 4], [9, 7, 2, 3, 4]] * 2
    assert reward([], [], value=found["value"]) == [1.0, -0.5, -0.5, -0.5]


def find_gradient(last: list[int], folder: Path) -> torch.Tensor:
    """The gradient of TRL's loss on two episodes whose box printed the tokens `last` at their end."""
    torch.manual_seed(1)
    group = Collected([played("correct", [9, 8, 2, *last]), played("incorrect", [9, 7, 2, *last])], [1.0, -0.5])

    def rollout(prompts: list[str], trainer: Any) -> dict[str, Any]:
        return join([group])

    model = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32)
    settings = GRPOConfig(
        output_dir=str(folder), per_device_train_batch_size=2, num_generations=2, use_cpu=True, report_to=[],
        bf16=False, entropy_coef=0.1,
    )  # fmt: skip
    trainer = GRPOTrainer(
        model, reward, args=settings, train_dataset=Dataset.from_dict({"prompt": ["a", "b"]}),
        processing_class=AutoTokenizer.from_pretrained(BASE), rollout_func=rollout,
    )  # fmt: skip
    inputs = trainer._generate_and_score_completions([{"prompt": "a"}, {"prompt": "a"}])
    trainer.current_gradient_accumulation_steps = 1
    trainer._compute_loss(model, inputs).backward()  # type: ignore[no-untyped-call]
    return torch.cat([weight.grad.flatten() for weight in model.parameters() if weight.grad is not None])


def test_the_gradient_does_not_change_when_the_text_of_the_box_changes(tmp_path: Path) -> None:
    one, other = find_gradient([30, 40], tmp_path), find_gradient([50, 60], tmp_path)
    assert one.abs().sum() > 0
    assert torch.allclose(one, other, atol=1e-7)
