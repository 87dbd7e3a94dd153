"""The evidence that a tuned model acts in; lines for the terminal and the report out.

adapter: acts at 28 of 28 modules; norm of B·A, scaled: 0.212 to 2.140, median 0.741
effect: 571 of 577 answers changed; likelihoods moved on 8 of 8 rows, by 1.204 nats a token, at most 3.417
"""

from collections.abc import Iterator, Sequence

from eval.report.pages import format_number
from eval.scoring.evidence import Evidence, LikelihoodShift
from eval.scoring.summary import Summary
from recipebook.run.acting import Acting
from recipebook.run.adapter_names import WEIGHTS
from recipebook.terminal import format_count

NAMED = 3


def format_evidence(evidence: Evidence | None) -> list[str]:
    """Where the model acts, where it does not though its settings say so, and what changed; none of an old summary."""
    if evidence is None:
        return []
    changed, answers = evidence.answers_changed, format_count(evidence.rows, "answers")
    outputs = [
        "" if changed is None else f"{changed} of {answers} changed",
        _format_shift(evidence.likelihoods) if evidence.likelihoods else "",
    ]
    acting = list(_list_acting(evidence.acting)) if evidence.acting else []
    return [*acting, f"effect: {'; '.join(filter(None, outputs))}"]


def changes_no_answer(summary: Summary) -> bool:
    """Whether answers were generated and none differs from the base's, though the model acts."""
    return summary.evidence is not None and summary.evidence.answers_changed == 0


def _list_acting(acting: Acting) -> Iterator[str]:
    if acting.kind == "model":
        measure, parts = "norm of the difference", "weights of the model"
    else:
        measure, parts = "norm of B·A, scaled", "modules"
    norms = f"{_format_norm(acting.smallest)} to {_format_norm(acting.largest)}, median {_format_norm(acting.median)}"
    yield f"{acting.kind}: acts at {acting.active} of {acting.modules} {parts}; {measure}: {norms}"
    zero = [name for name in acting.idle if name not in acting.without_weights]
    if acting.kind == "adapter" and zero:
        yield f"does not act at {_name(zero)}: B·A is zero there"
    if acting.without_weights:
        yield f"does not act at {_name(acting.without_weights)}: targeted, but not in {WEIGHTS}"
    if acting.surplus:
        yield f"weights that are not used, as no targeted module has them: {_name(acting.surplus)}"
    if acting.unmatched:
        yield f"target_modules that no module of the base has: {', '.join(acting.unmatched)}"


def _name(modules: Sequence[str]) -> str:
    more = f" and {len(modules) - NAMED} more" if len(modules) > NAMED else ""
    return ", ".join(modules[:NAMED]) + more


def _format_shift(shift: LikelihoodShift) -> str:
    sizes = f"by {_format_norm(shift.median)} nats a token, at most {_format_norm(shift.largest)}"
    return f"likelihoods moved on {shift.moved} of {format_count(shift.rows, 'rows')}, {sizes}"


def _format_norm(value: float) -> str:
    """`0.741`; small ones as `3.1e-05`."""
    return format_number(value) if value == 0 or value >= 0.001 else f"{value:.1e}"
