"""Lets a training begin its run in trackio.

Axolotl 0.19 pins trackio 0.19, and transformers 5.16 calls a later one: it names an argument that this one does not
have. Nor does it pass on the project and the Space that Axolotl's keys name.
"""

import inspect
from typing import Any

from recipebook.run.tracked import TrackioRun


def begin_by_keys(project: str | None, space: str | None, earlier: TrackioRun | None) -> None:
    """Let `trackio.init` take the recipe's project and Space, and leave out what it does not know.

    `earlier` is the run that an attempt before this one began: it is continued.
    """
    import trackio

    begin: Any = trackio.init
    known = inspect.signature(begin).parameters

    def init(**given: Any) -> Any:
        named = {"space_id": space, **({"project": project} if project else {})}
        if earlier:
            named["name"] = earlier.name
        return begin(**{name: value for name, value in {**given, **named}.items() if name in known})

    trackio.init = init
