"""How a shell task ended, and what that is worth: `correct` in, 1.0 out.

The outcome comes from the evaluation script's exit status in the task's sandbox. How the session ended is another
matter: a correct outcome may come with the status `task_limit_reached`.
"""

from typing import Literal, get_args

Outcome = Literal["correct", "incorrect", "unknown", "unset", "ignored"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


def reward(outcome: Outcome) -> float:
    """1 for a correct outcome, -0.5 for an incorrect one, 0 for a task without a verdict."""
    match outcome:
        case "correct":
            return 1.0
        case "incorrect":
            return -0.5
    return 0.0
