"""Work that is cut into parts, done by a Ray cluster wherever it has room: parts in, what becomes of each out.

    list(map_in_order(do, ["a", "b"]))      →  [do("a"), do("b")], each computed on some node

Ray may do parts in any order, and one again whose node has died; results come in the order of the parts, each once.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from recipebook.errors import UserError, take_first_line
from recipebook.launch.ray_cluster import connect
from recipebook.project import INSTALLATION, PROJECT, VARIABLE

NODE_DEATHS = 3

Part = TypeVar("Part")
Made = TypeVar("Made")


def map_in_order(do: Callable[[Part], Made], parts: Sequence[Part]) -> Iterator[Made]:
    """Yield the result of each part; what a part raises as a UserError or an OSError is raised here."""
    connect({"PYTHONPATH": str(INSTALLATION), VARIABLE: str(PROJECT)})
    import ray

    try:
        task = ray.remote(max_retries=NODE_DEATHS)(_do)
        for ref in [task.remote(do, part) for part in parts]:
            made = ray.get(ref)
            if isinstance(made, (UserError, OSError)):
                raise made
            yield made
    except ray.exceptions.RayError as error:
        raise UserError(f"--launcher ray: {type(error).__name__}: {take_first_line(error)}") from error
    finally:
        ray.shutdown()


def _do(do: Callable[[Any], Any], part: Any) -> Any:
    """On a node: an error that a user can mend comes back as a value, since Ray would wrap it in its own."""
    try:
        return do(part)
    except (UserError, OSError) as error:
        return error
