"""The stored results of recipes in; docs/results.md out: tables, verdicts, and the commands that repeat a row.

| `robot-lora` | exact | 577 | 0.000 | 0.834 [0.801, 0.862] | +0.834 [0.799, 0.868] | <0.001 | 7:10 | 1:02 | 1.4 GiB |
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from eval.report.pages import format_difference, format_estimate, format_number, format_p
from eval.report.verdict import judge_result
from eval.results.records import (
    MEMBERS,
    PROFILES,
    RESULTS,
    Failure,
    ProfileRecords,
    RecipeRecord,
    list_measured,
    read_results,
)
from recipebook.hardware import Hardware
from recipebook.progress import format_seconds

INTRODUCTION = f"""\
# Results

What each recipe comes to on a machine without a GPU: its main figure on held-out rows, of the base model and of the
tuned one. `make results` trains and evaluates all recipes and writes this page.

- **Profiles.** `tiny` trains the embedded model of a million parameters, which this project made. It shows within
  minutes that everything works. `small` trains SmolLM2-135M-Instruct, a real instruct model of 135 million parameters.
  Neither is the base that the recipes name for a GPU, so none of these figures is comparable with published ones.
- **Wins and losses.** Every recipe has a row, and below each table a verdict in words. The tuned model wins only if the
  95 % interval of the difference excludes 0. A failed recipe has the reason in its row.
- **Answers** are those that were scored. Where a recipe limits its evaluation (`eval.limit`), the number of held-out
  rows is beside them.
- **Fleets** are trained with {MEMBERS} members. A fleet that votes has the figure of its vote, any other fleet the
  figure over the answers of all members. Training time is the sum over the members.
- **Stages.** A recipe with stages has the figure of its last model under the recipe's own `eval`, and the training time
  of all stages. Where only a stage has an `eval`, as in `os-interaction-rl`, the figure is by that of the last one. It
  is then compared with the model of the stage before, which the column base names.
- **Times** are of a shared machine: on an idle one they are shorter. The base model's answers are kept, so the first of
  several recipes with the same held-out rows takes longest to evaluate. Memory is the peak of the trainer's process.
- **To repeat** everything, run `make results`; after an interruption the same command resumes. `PROFILE=small` and
  `RECIPE=robot-lora` choose a part. The last table of each profile has the commands that repeat a single row.

One recipe has no row: `tiny-base` trains the embedded model itself.

How intervals and p-values are computed is in
[evaluation.md](evaluation.md#how-the-numbers-are-made), what each figure means in [metrics.md](metrics.md).
"""
HEADING = (
    "| recipe | figure | answers | base | tuned [95 %] | difference [95 %] | p | training | evaluation | memory |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
)
REPEAT = "| recipe | run | date | commands that repeat it |\n| --- | --- | --- | --- |"
COLUMNS = 10


def render_results(folder: Path = RESULTS) -> str:
    """The page of all results."""
    names = list_measured()
    stored = sorted(path.stem for path in folder.glob("*.json"))
    profiles = [*PROFILES, *(name for name in stored if name not in PROFILES)]
    return "\n".join([INTRODUCTION, *(_render_profile(read_results(name, folder), names) for name in profiles)])


def _render_profile(results: ProfileRecords, names: Sequence[str]) -> str:
    found = {name: results.find(name) for name in names}
    records = [one for one in found.values() if isinstance(one, RecipeRecord)]
    rows = [_render_row(name, one) for name, one in found.items()]
    return "\n".join(
        [f"## Profile {results.profile}\n", *_list_facts(records), HEADING, *rows, "", *_list_rest(records)]
    )


def _list_facts(records: Sequence[RecipeRecord]) -> Iterator[str]:
    """What was trained where, and how many won."""
    if not records:
        return
    bases = dict.fromkeys(f"`{one.base}`{f' ({one.base_origin})' if one.base_origin else ''}" for one in records)
    machines = dict.fromkeys(_name_machine(one.machine) for one in records)
    days = sorted({one.date for one in records})
    lost = [f"`{one.recipe}`" for one in records if not one.better]
    yield f"- Base: {'; '.join(bases)}."
    yield f"- Machine: {'; '.join(machines)}."
    yield f"- Date: {days[0]}{f' to {days[-1]}' if days[1:] else ''}."
    yield f"- Better than the base: {len(records) - len(lost)} of {len(records)}{_name_lost(lost)}.\n"


def _name_lost(lost: Sequence[str]) -> str:
    return f"; not shown to be better: {', '.join(lost)}" if lost else ""


def _name_machine(machine: Hardware) -> str:
    gpus = ", ".join([*machine.gpus, *machine.other_gpus]) or "no GPU"
    return f"{machine.cpu}, {machine.cores} cores, {machine.memory_gib:g} GiB of memory, {gpus}"


def _render_row(name: str, one: RecipeRecord | Failure | None) -> str:
    if not isinstance(one, RecipeRecord):
        said = f"failed on {one.date}: {_escape(one.reason)}" if one else "not run yet"
        return f"| `{name}` | {said} |{' |' * (COLUMNS - 2)}"
    result = one.result
    cells = (
        f"`{name}`",
        f"{result.figure} (less is better)" if result.less_is_better else result.figure,
        f"{one.rows}, of {one.drawn.of} rows" if one.drawn else str(one.rows),
        f"{format_number(result.base.mean)}{f' ({one.start})' if one.start else ''}" if result.base else "-",
        format_estimate(result.tuned),
        format_difference(result.difference),
        format_p(result.p_adjusted),
        format_seconds(one.training_seconds),
        "-" if one.evaluation_seconds is None else format_seconds(one.evaluation_seconds),
        "-" if one.memory_gib is None else f"{one.memory_gib:.1f} GiB",
    )
    return f"| {' | '.join(cells)} |"


def _list_rest(records: Sequence[RecipeRecord]) -> Iterator[str]:
    """The verdicts in words, and what repeats each row."""
    if not records:
        return
    yield from (f"- `{one.recipe}`: {judge_result(one.result, one.rows, _name_before(one))}" for one in records)
    yield f"\n{REPEAT}"
    for one in records:
        commit = f", commit {one.commit[:10]}{' and changes' if one.changed else ''}" if one.commit else ""
        commands = ", ".join(f"`{command}`" for command in one.commands)
        yield f"| `{one.recipe}` | {one.run}, identity {one.identity}{commit} | {one.date} | {commands} |"
    yield ""


def _name_before(one: RecipeRecord) -> str:
    return f"stage {one.start}" if one.start else "base"


def _escape(text: str) -> str:
    return text.replace("|", "\\|")
