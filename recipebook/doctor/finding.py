"""What one look at the machine came to: a name and a text; and where something is missing, what to do.

MachineFinding("python", "3.11.7")
MachineFinding("lock", "torch 2.12.0, and constraints.txt has 2.13.0", cure="rm .venv/ready; make setup")
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class MachineFinding:
    """A line of `make doctor`."""

    name: str
    text: str
    cure: str | None = None
    """What to do; None where all is well."""
