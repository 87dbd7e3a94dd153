"""Shell tasks for TRL: a row in, the name that a collection finds its task by and the task as JSON out.

    {"messages": […], "meta": {"origin": "samples/shell_tasks.json#12", "task": "{\\"number\\": 572, …}"}}
    → {"prompt": "samples/shell_tasks.json#12", "task": "{\\"number\\": 572, …}"}

TRL passes nothing but `prompt` to the function that plays episodes, and two tasks may have the same words. So the
prompt is the row's origin; trainer/rollouts.py writes the dialogue itself.
"""

from collections.abc import Callable
from typing import Any

Strategy = tuple[Callable[..., dict[str, Any]], dict[str, Any]]


def write_tasks(cfg: Any, **settings: Any) -> Strategy:
    """A strategy as Axolotl loads it: the function that maps a row, and the settings of the mapping."""
    return write_task, {"remove_columns": "__all__"}


def write_task(sample: dict[str, Any]) -> dict[str, str]:
    """One row's task under its name."""
    return {"prompt": sample["meta"]["origin"], "task": sample["meta"]["task"]}
