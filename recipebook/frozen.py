"""The base of every model that is read from a file and written to one.

    class Rejection(Frozen):
        reason: str
        records: int

In: `{"reason": "no answer", "record": 3}`. Out: pydantic's ValidationError, since `record` is no field.
"""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A model that cannot be changed once read, and has no room for a misspelt key."""

    model_config = ConfigDict(frozen=True, extra="forbid")
