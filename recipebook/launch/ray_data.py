"""Work that is cut into parts, done by Ray Data wherever the cluster has room: parts in, what becomes of each out.

    list(map_in_order(do, ["a", "b"]))      →  [do("a"), do("b")], each computed on some node

Ray may do parts in any order, and one again whose node has died; results come in the order of the parts, each once.
"""

import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from recipebook.errors import UserError
from recipebook.launch.ray_cluster import connect
from recipebook.project import INSTALLATION, PROJECT, VARIABLE

Part = TypeVar("Part")
Made = TypeVar("Made")


def map_in_order(do: Callable[[Part], Made], parts: Sequence[Part]) -> Iterator[Made]:
    """Yield the result of each part; what a part raises as a UserError or an OSError is raised here."""
    connect({"PYTHONPATH": str(INSTALLATION), VARIABLE: str(PROJECT)})
    import ray
    import ray.data

    try:
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        # So that few results wait for one that comes before them; what is yielded does not rest on it.
        context.execution_options.preserve_order = True
        rows = [{"at": at, "work": pickle.dumps((do, part))} for at, part in enumerate(parts)]
        done = ray.data.from_items(rows, override_num_blocks=len(rows)).map(_do_row)
        waiting: dict[int, bytes] = {}
        wanted = 0
        for row in done.iter_rows():
            waiting.setdefault(row["at"], row["made"])
            while wanted in waiting:
                yield _take(pickle.loads(waiting.pop(wanted)))
                wanted += 1
    finally:
        ray.shutdown()


def _do_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """On a node: an error that a user can mend comes back as a value, since Ray would wrap it in its own."""
    do, part = pickle.loads(row["work"])
    try:
        made = do(part)
    except (UserError, OSError) as error:
        made = error
    return {"at": row["at"], "made": pickle.dumps(made)}


def _take(made: Any) -> Any:
    if isinstance(made, (UserError, OSError)):
        raise made
    return made
