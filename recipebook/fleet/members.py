"""The members of a fleet: a recipe with a `matrix` in; each member with its own recipe and its state out.

    MemberState(member=Member("joy_plus", {"data.options.pole": "joy_plus"}), state="changed",
                why="its settings changed", resolved=Resolved(…), dataset=Dataset(…), identity="5d0c…", run=None)

A member is recognised as any run is: by rows, settings, base model, template and versions. An older run with another
identity is kept; its differences are shown as the reason for training again.
"""

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from recipebook import project
from recipebook.data.dataset import Dataset, prepare
from recipebook.data.placebo import prepare_placebo
from recipebook.errors import UserError, on_one_line
from recipebook.fleet.expand import MatrixFault, Member, apply, expand
from recipebook.progress import ProgressLine
from recipebook.recipe.faults import read_recipe
from recipebook.recipe.layers import COMMAND_LINE
from recipebook.recipe.places import KeyPath, place_of
from recipebook.recipe.references import check_references
from recipebook.recipe.resolve import Resolved
from recipebook.recipe.switches import check_switches
from recipebook.run import identities, rundir
from recipebook.run.earlier import read_inputs
from recipebook.run.manifest import Manifest
from recipebook.run.provenance import format_changes
from recipebook.run.rundir import Run
from recipebook.sources.inputs import find_inputs
from recipebook.sources.shards import list_values
from recipebook.suggestions import offer
from recipebook.train.base_weights import require_weights
from recipebook.train.chat_template import require_template
from recipebook.train.continuing import check_begun
from recipebook.train.kinds import check_kinds
from recipebook.train.main_figure import check_main_figure
from recipebook.train.placebo import name_placebo
from recipebook.train.refusal import Candidate, find_reasons

State = Literal["trained", "unfinished", "failed", "new", "changed", "left out"]
SHARDS = "shards"


@dataclass(frozen=True)
class MemberState:
    """A member, ready to be trained, or trained, or left out; `placebo_of` is the identity of a placebo's member."""

    member: Member
    resolved: Resolved
    dataset: Dataset
    identity: str
    state: State
    why: str
    run: Run | None
    placebo_of: str | None = None

    @property
    def wanted(self) -> bool:
        """Whether there is something left to train."""
        return self.state not in ("trained", "left out")

    @property
    def overrides(self) -> tuple[str, ...]:
        """The member's settings, written as overrides on the command line."""
        return tuple(f"{key}={value}" for key, value in self.member.settings.items())


def list_members(resolved: Resolved, only: Sequence[str] = (), limit: int | None = None) -> list[Member]:
    """The members whose names match one of `only`, or all; the first `limit` of them."""
    matrix = resolved.recipe.matrix
    if matrix is None:
        raise UserError(f"{resolved.name} has no matrix, so it is one run and has no members")
    for key in matrix.values:
        _check_key(resolved, key)
    columns = partial(_list_column, resolved)
    try:
        members = expand(matrix, columns, partial(_list_files, resolved), None if only else limit)
    except MatrixFault as fault:
        raise _place_fault(resolved, fault) from None
    names = [member.name for member in members]
    for pattern in only:
        if not fnmatch.filter(names, pattern):
            raise UserError(f"ONLY: {resolved.name} has no member '{pattern}'{offer(pattern, names[:50])}")
    chosen = [one for one in members if not only or any(fnmatch.fnmatchcase(one.name, pattern) for pattern in only)]
    return chosen[:limit]


def resolve_member(resolved: Resolved, member: Member) -> Resolved:
    """The recipe of one member."""
    data = resolved.recipe.model_dump(mode="json", exclude={"matrix"}, exclude_none=True)
    try:
        data = apply(member.settings, data)
    except MatrixFault as fault:
        raise _place_fault(resolved, fault) from None
    recipe, faults = read_recipe(data)
    if recipe:
        places = resolved.places | {
            tuple(key.split(".")): resolved.places.get(("matrix", "values", key), COMMAND_LINE)
            for key in member.settings
        }
        return replace(resolved, recipe=recipe, places=places)
    place = place_of(resolved.places, _find_key(faults[0].path, member))
    raise UserError(f"{place}: member {member.name}: {on_one_line(faults[0].text)}")


def stand(resolved: Resolved, members: Sequence[Member], *, force: bool = False) -> list[MemberState]:
    """Prepare the rows of every member and determine its state."""
    resolved_members = [resolve_member(resolved, member) for member in members]
    for member, each in zip(members, resolved_members, strict=True):
        check_references(each)
        check_switches(_leave_own(each, member))
    trained = _index_runs()
    line = ProgressLine("members")
    standings = []
    for at, (member, each) in enumerate(zip(members, resolved_members, strict=True)):
        line.draw(at, len(members))
        try:
            standings.append(_stand(member, each, trained, resolved, force=force))
        except UserError as error:
            line.clear()
            raise UserError(f"{resolved.name}: member {member.name}: {error}") from error
    line.clear()
    return standings


def stand_placebos(resolved: Resolved, standings: Sequence[MemberState], *, force: bool) -> list[MemberState]:
    """The placebo of every member that is not left out: its training on its own answers, shuffled by its seed."""
    fleet, trained, placebos = name_placebo(resolved), _index_runs(), list[MemberState]()
    for one in standings:
        if one.state == "left out":
            continue
        recipe = one.resolved.recipe
        dataset = prepare_placebo(one.dataset, recipe.training.seed)
        identity = identities.identify(recipe, dataset.rows_digest)
        own = name_placebo(one.resolved)
        new = MemberState(one.member, own, dataset, identity, "new", "there is none yet", None, one.identity)
        placebos.append(_look_up(new, trained, fleet, force=force))
    return placebos


def find_unfit(states: Sequence[MemberState]) -> dict[str, str]:
    """The members whose training would fail on their rows, by name, and why."""
    reasons = find_reasons([Candidate(one.resolved.recipe, one.dataset) for one in states])
    return {one.member.name: reason for one, reason in zip(states, reasons, strict=True) if reason}


def format_unfit(resolved: Resolved, unfit: Mapping[str, str]) -> str:
    """The first member whose training would fail, and the number of others."""
    name, reason = next(iter(unfit.items()))
    more = f"; {len(unfit) - 1} more members would fail, too" if len(unfit) > 1 else ""
    return f"{resolved.name}: member {name}: {reason}{more}"


def _leave_own(each: Resolved, member: Member) -> Resolved:
    """A member's recipe in which only what its matrix sets is its own: the rest may be there for other members."""
    own = {tuple(key.split(".")) for key in member.settings}
    return replace(each, inherited=frozenset(path for path in each.places if path not in own))


def name_fleet(resolved: Resolved) -> str:
    """The folder of a fleet in runs/."""
    return resolved.name.replace("/", "-") + resolved.fleet_suffix


def _stand(
    member: Member, each: Resolved, trained: Mapping[str, tuple[Run, Manifest]], fleet: Resolved, *, force: bool
) -> MemberState:
    dataset = prepare(each.recipe.data, root=each.root, system=each.recipe.model.system)
    check_kinds(each.recipe, dataset)
    check_main_figure(each.recipe, dataset)
    check_begun(each)
    identity = identities.identify(each.recipe, dataset.rows_digest)
    standing = MemberState(member, each, dataset, identity, "new", "there is none yet", None)
    least = fleet.recipe.matrix.min_rows if fleet.recipe.matrix else 0
    if dataset.rows["train"] < least:
        why = f"{dataset.rows['train']} train rows, and matrix.min_rows is {least}"
        return replace(standing, state="left out", why=why)
    require_template(each.recipe)
    require_weights(each.recipe)
    return _look_up(standing, trained, fleet, force=force)


def _look_up(
    new: MemberState, trained: Mapping[str, tuple[Run, Manifest]], fleet: Resolved, *, force: bool
) -> MemberState:
    """A member's state by the run of its identity, or of its name, if there is one."""
    if force:
        return replace(new, why="FORCE=1")
    if new.identity in trained:
        run, manifest = trained[new.identity]
        return replace(new, run=run, **_describe_state(manifest))
    earlier = rundir.list_members(name_fleet(fleet), new.member.name)
    return replace(new, state="changed", why=_compare(*earlier[0], new.dataset, new.resolved)) if earlier else new


def _describe_state(manifest: Manifest) -> dict[str, Any]:
    if manifest.status == "trained":
        return {"state": "trained", "why": "same rows, settings, base and versions"}
    if manifest.status == "failed":
        return {"state": "failed", "why": manifest.reason or "it failed"}
    return {"state": "unfinished", "why": f"it is {manifest.status}: resumes from its last checkpoint"}


def _compare(run: Run, earlier: Manifest, dataset: Dataset, resolved: Resolved) -> str:
    """The inputs of the identity that differ from those of the newest run."""
    inputs = identities.list_inputs(resolved.recipe, dataset.rows_digest)
    return format_changes(read_inputs(earlier, run.folder), inputs)


def _index_runs() -> dict[str, tuple[Run, Manifest]]:
    """Runs by identity: a trained one if there is, else the newest."""
    found: dict[str, tuple[Run, Manifest]] = {}
    for run, manifest in rundir.list_readable():
        known = found.get(manifest.identity)
        if known is None or (manifest.status == "trained" and known[1].status != "trained"):
            found[manifest.identity] = (run, manifest)
    return found


def _place_fault(resolved: Resolved, fault: MatrixFault) -> UserError:
    return UserError(f"{place_of(resolved.places, ('matrix', *fault.key))}: {on_one_line(fault.text)}")


def _check_key(resolved: Resolved, key: str) -> None:
    path = tuple(key.split("."))
    place = resolved.places[("matrix", "values", key)].key
    if path[0] in ("matrix", "profiles", "extends", "description", "stages"):
        raise UserError(f"{place}: matrix.values: a member cannot have its own '{on_one_line(path[0])}'")
    spot = resolved.places.get(path)
    if spot is COMMAND_LINE:
        raise UserError(f"SET: the matrix of {resolved.name} sets {on_one_line(key)} for each member")


def _list_column(resolved: Resolved, column: str) -> Sequence[Any]:
    return list_values(resolved.recipe.data.source, column, resolved.root, project.CACHE / SHARDS)


def _list_files(resolved: Resolved, pattern: str) -> Sequence[Any]:
    return [each.name for each in find_inputs(pattern, resolved.root)]


def _find_key(path: KeyPath, member: Member) -> KeyPath:
    """The key of the matrix that set the wrong value."""
    dotted = ".".join(map(str, path))
    guilty = [key for key in member.settings if dotted.startswith(key) or key.startswith(dotted)]
    return ("matrix", "values", *guilty[:1])
