"""A recipe, or none, in; all that was found of this machine out, in the order of a first run."""

from collections.abc import Iterator

from recipebook.doctor.devices import check_driver, check_gpu, check_torch
from recipebook.doctor.finding import MachineFinding
from recipebook.doctor.installed import check_lock, check_python
from recipebook.doctor.places import check_places
from recipebook.doctor.reach import check_hub, check_port, check_sandbox, check_telemetry
from recipebook.recipe.keys import Recipe


def examine(recipe: Recipe | None) -> Iterator[MachineFinding]:
    """Each finding as soon as it is known; nothing is started, changed or downloaded but the base's config.json."""
    yield check_python()
    yield check_lock()
    yield check_gpu(recipe)
    yield check_driver()
    yield from check_torch()
    yield from check_places(recipe)
    yield check_port(recipe)
    yield from check_hub(recipe)
    yield check_telemetry()
    yield check_sandbox(recipe)
