"""What GPUs can do, by the names that nvidia-smi prints; and a GPU's name as a user writes it in, its card out.

find_card("NVIDIA H100 80GB HBM3")  → Card(name="H100", memory_gib=79.6, teraflops=989)
find_card("GeForce GT 710")         → None
"""

import re
from typing import NamedTuple

from recipebook.errors import UserError
from recipebook.hardware import detect, measure_gpu_memory
from recipebook.suggestions import shorten


class Card(NamedTuple):
    """A kind of GPU."""

    name: str
    memory_gib: float
    """As nvidia-smi shows it, which is less than on the box."""
    teraflops: float
    """Dense 16-bit matrix products with sums in 32 bits, 10^12 operations a second, by NVIDIA's data sheets."""


# A name that another begins with comes after it.
CARDS = (
    Card("B200", 179.1, 2250),
    Card("H200", 139.8, 989),
    Card("GH200", 94.5, 989),
    Card("H100", 79.6, 989),
    Card("A100-40", 39.6, 312),
    Card("A100", 79.3, 312),
    Card("L40S", 45.0, 362),
    Card("L40", 45.0, 181),
    Card("L4", 22.5, 121),
    Card("A10G", 22.5, 70),
    Card("A10", 22.5, 125),
    Card("A6000", 48.0, 155),
    Card("T4", 15.0, 65),
    Card("V100", 31.7, 125),
    Card("5090", 31.8, 209),
    Card("4090", 24.0, 165),
    Card("3090", 24.0, 71),
)


class Target(NamedTuple):
    """The GPUs that a plan's memory and time are for, and what an hour of their machine costs."""

    card: Card | None
    price: float | None = None
    named: bool = False
    """Whether the user named the card, so that nothing of this machine counts."""


def choose_target(name: str | None, price: float | None) -> Target:
    """The card that was named, else this machine's, with the memory that it has."""
    if name is not None:
        return Target(require_card(name), price, named=True)
    memory = measure_gpu_memory()
    if memory is None:
        return Target(None, price)
    gpu = detect().gpus[0]
    known = find_card(gpu)
    return Target(Card(known.name if known else gpu, memory, known.teraflops * _share(gpu) if known else 0), price)


def require_card(name: str) -> Card:
    """The card of a name that a user gives; raises with those that are known."""
    if card := find_card(name):
        return card
    raise UserError(f"no card '{shorten(name)}' is known; there are: {', '.join(card.name for card in CARDS)}")


def find_card(name: str) -> Card | None:
    """The card of a GPU's name; both memory sizes of the A100 have their own.

    Smaller cards have longer numbers: an RTX A1000 is no A100, and a T400 no T4.
    """
    plain = name.upper().replace(" ", "-")
    if "A100" in plain and "40" in plain.partition("A100")[2]:
        return next(card for card in CARDS if card.name == "A100-40")
    return next((card for card in CARDS if re.search(rf"(?<!\d){card.name}(?!\d)", plain)), None)


def _share(name: str) -> float:
    """The part of a card's compute that a slice of it has, in sevenths: 3/7 of `NVIDIA A100 MIG 3g.20gb`."""
    sevenths = re.search(r" MIG (?:(\d)c\.)?(\d)g\.", name)
    return int(sevenths[1] or sevenths[2]) / 7 if sevenths else 1
