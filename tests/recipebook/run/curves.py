"""Curves as trainings log them, for tests that judge them: losses in, lines of metrics.jsonl out."""

from typing import Any

FALLING = [2.0, 1.8, 1.2, 1.0, 0.8, 0.6, 0.5, 0.4, 0.32, 0.28]


def log(losses: list[float], validation: dict[int, float] | None = None, **more: list[float]) -> list[dict[str, Any]]:
    """Lines of metrics.jsonl, a loss every 10 steps; `more` are other figures of the same steps."""
    train = [
        {"step": 10 * at, "loss": loss, **{key.replace("_of_", "/"): values[at - 1] for key, values in more.items()}}
        for at, loss in enumerate(losses, 1)
    ]
    return train + [{"step": step, "eval_loss": loss} for step, loss in (validation or {}).items()]


def log_pairs(trained: float, held_out: float, margin: float = 2.0, chosen: float = 0.5) -> list[dict[str, Any]]:
    """Lines of a training on pairs: the shares told apart, the margin, and the reward of the chosen answers."""
    lines = log([0.69, 0.65, 0.6, 0.55, 0.5, 0.45, 0.4, 0.38, 0.36, 0.35], rewards_of_accuracies=[trained] * 10,
                rewards_of_margins=[margin] * 10, rewards_of_chosen=[chosen] * 10)  # fmt: skip
    held = {"eval_rewards/accuracies": held_out, "eval_rewards/margins": margin}
    return [*lines, {"step": 0, "eval_loss": 0.69}, {"step": 100, "eval_loss": 0.5, **held}]
