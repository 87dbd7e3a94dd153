"""The norms of a tuned model's modules (recipebook/run/norms.py) in; at which of them it acts, and how much, out.

Acting(kind="adapter", modules=28, idle=(), smallest=0.21, median=0.74, largest=2.1)
"""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any, Literal

from recipebook.frozen import Frozen


class Acting(Frozen):
    """The modules at which a tuned model acts, and those at which it does not though its settings name them.

    Of a whole model the `modules` are its weights, by tensor.
    """

    kind: Literal["adapter", "model"]
    modules: int
    """That the settings target; those that act are these without the idle ones."""
    idle: tuple[str, ...] = ()
    """Where nothing is added to the base."""
    without_weights: tuple[str, ...] = ()
    """The idle ones for which the file has no weights."""
    surplus: tuple[str, ...] = ()
    """Weights of the file that belong to no targeted module, and so are not used."""
    unmatched: tuple[str, ...] = ()
    """Names of `target_modules` that no module of the base has."""
    smallest: float = 0.0
    """Of the norms where it acts; so are `median` and `largest`."""
    median: float = 0.0
    largest: float = 0.0

    @property
    def active(self) -> int:
        """The number of modules at which it acts."""
        return self.modules - len(self.idle)


def describe_acting(kind: Literal["adapter", "model"], norms: Mapping[str, float], **lists: Sequence[str]) -> Acting:
    """Sum the norms of all modules up; `lists` are the other fields of `Acting`."""
    norms_that_act = sorted(norm for norm in norms.values() if norm != 0)
    ends = {"smallest": norms_that_act[0], "largest": norms_that_act[-1]} if norms_that_act else {}
    middle = {"median": median(norms_that_act)} if norms_that_act else {}
    idle = tuple(name for name, norm in norms.items() if norm == 0)
    named = {field: tuple(names) for field, names in lists.items()}
    return Acting.model_validate({"kind": kind, "modules": len(norms), "idle": idle, **named, **ends, **middle})


def list_unmatched(config: Mapping[str, Any], modules: Sequence[str]) -> Iterator[str]:
    """Names of `target_modules` that match none of the adapted modules; a pattern always matches some."""
    targets = config.get("target_modules")
    for target in sorted(targets) if isinstance(targets, list) else ():
        if not any(module == target or module.endswith(f".{target}") for module in modules):
            yield target
