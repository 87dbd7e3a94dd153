"""What a smart home assistant says it did: an answer and its reference in, figures on devices and settings out.

    {"prediction": "AC to 23 degrees, heat mode.", "reference": "Setting the AC to 22 degrees in heat mode."}
    → {"exact": 0.0, "device_f1": 1.0, "param_precision": 0.5, "numerical_precision": 0.0, "numerical_mae": 1.0, …}

Settings by device are read from both texts (eval/reading/devices.py). Four kinds of things are counted: `device`,
`param` (a setting of a device), and of those `numerical` (temperature, volume, brightness, fan speed, alarm volume) and
`categorical` (the others). With P predicted, R in the reference and M in both, with the same value (`*_micro_*`: the
same of all answers together, by the sums of |M|, |P| and |R|):

    *_precision    |M| / |P|
    *_recall       |M| / |R|
    *_f1           2 |M| / (|P| + |R|)
    *_tp           |M|
    *_fp           |P - M|, a wrong value included
    *_fn           |R - M|, a wrong value included
    numerical_mae  mean |predicted - reference| of the numbers on both sides that do not match
    exact          1 if P and R are equal, which two answers without settings are

`strict` is the default: names and phrases are whole words, numbers match within `tolerance`, and 0/0 is None and
leaves the mean, unless P and R are both empty: then they agree, and precision and f1 are 1. `compat` repeats the
published figures, with all that is odd in them: parts of words count ("arm" in "warm"), numbers match within 1 and so
do true and false, a wrong number or category is in fp alone and so lowers no recall, and 0/0 is 0 for numerical and
categorical figures, while a device or param figure is 1 where P and R are both empty and 0 where one of them is.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from eval.reading.devices import NUMERICAL, Actions, Mode, Value, extract_actions
from eval.reading.pairing import compare_counts, divide, is_within
from eval.scoring.predictions import Prediction
from recipebook.frozen import Frozen

_KINDS = {
    "device": "devices",
    "param": "settings",
    "numerical": "numerical settings",
    "categorical": "settings other than numbers",
}
_SHARES = {
    "precision": "share of the predicted {} that are right",
    "recall": "share of the reference's {} that were predicted",
    "f1": "harmonic mean of precision and recall of {}",
}
_COUNTS = {
    "tp": "{} predicted rightly, per answer",
    "fp": "{} predicted wrongly, per answer",
    "fn": "{} missed, per answer",
}
FIGURES = {
    "exact": "every device and setting is right",
    **{f"{kind}_{share}": text.format(things) for kind, things in _KINDS.items() for share, text in _SHARES.items()},
    "numerical_mae": "the mean error of the numbers that do not match",
    **{
        f"{kind}_micro_{share}": f"{text.format(things)}, over all answers together"
        for kind, things in _KINDS.items()
        for share, text in _SHARES.items()
    },
    **{f"{kind}_{count}": text.format(things) for kind, things in _KINDS.items() for count, text in _COUNTS.items()},
}
BINARY = frozenset({"exact"})
UNTESTED = frozenset(f"{kind}_{count}" for kind in _KINDS for count in _COUNTS)
LESS_IS_BETTER = frozenset({"numerical_mae", *(f"{kind}_{count}" for kind in _KINDS for count in ("fp", "fn"))})
LEAST = dict.fromkeys((*UNTESTED, "numerical_mae"), 0.0)
RATIOS = {
    f"{kind}_micro_{share}": (
        tuple(f"{kind}_{count}" for count in top),
        tuple(f"{kind}_{count}" for count in bottom),
    )
    for kind in _KINDS
    for share, top, bottom in (
        ("precision", ("tp",), ("tp", "fp")),
        ("recall", ("tp",), ("tp", "fn")),
        ("f1", ("tp", "tp"), ("tp", "tp", "fp", "fn")),
    )
}
COMPAT_TOLERANCE = 1.0

# 2: f1 and precision are 1 where neither answer nor reference has anything.
VERSION = 2


class Options(Frozen):
    """What a recipe may set."""

    mode: Mode = Field("strict", description="`compat` to repeat the published figures, oddities included")
    tolerance: Annotated[float, Field(ge=0)] = Field(
        0.0, description="how far off a number may be in mode strict; compat allows 1"
    )

    @field_validator("tolerance")
    @classmethod
    def _check_tolerance(cls, value: float, info: ValidationInfo) -> float:
        if info.data.get("mode") == "compat" and value != COMPAT_TOLERANCE:
            raise ValueError("mode compat has a tolerance of 1")
        return value


def score(predictions: Sequence[Prediction], options: Options) -> list[dict[str, float | None]]:
    """Score answers one by one, in order."""
    return [_score_one(item.prediction, item.reference, options) for item in predictions]


def list_evadable(options: Options) -> frozenset[str]:
    """An answer without settings has no precision, and one without wrong numbers no error of them; compat has both."""
    if options.mode == "compat":
        return frozenset()
    return frozenset({"numerical_mae", *(f"{kind}_precision" for kind in _KINDS)})


def _score_one(prediction: str, reference: str, options: Options) -> dict[str, float | None]:
    strict = options.mode == "strict"
    predicted, wanted = extract_actions(prediction, options.mode), extract_actions(reference, options.mode)
    counts, errors = _compare(predicted, wanted, strict, options.tolerance)
    scores: dict[str, float | None] = dict.fromkeys(FIGURES)
    scores["exact"] = float(predicted == wanted)
    for kind in _KINDS:
        tp, fp, fn = (counts[f"{kind}_{count}"] for count in _COUNTS)
        shares = _share_out(tp, fp, fn)
        scores |= {f"{kind}_{count}": float(counts[f"{kind}_{count}"]) for count in _COUNTS}
        scores |= {f"{kind}_micro_{name}": value for name, value in shares.items()}
        if strict:
            scores |= compare_counts(kind, tp, tp + fp, tp + fn)
            continue
        empty = float(kind in ("device", "param") and not tp + fp + fn)
        scores |= {f"{kind}_{name}": empty if value is None else value for name, value in shares.items()}
    scores["numerical_mae"] = sum(errors) / len(errors) if errors else None if strict else 0.0
    return scores


def _compare(predicted: Actions, wanted: Actions, strict: bool, tolerance: float) -> tuple[Counter[str], list[float]]:
    """Count what is right, wrong and missed of every kind, and list the errors of the numbers that do not match."""
    counts = Counter(
        device_tp=len(predicted.keys() & wanted.keys()),
        device_fp=len(predicted.keys() - wanted.keys()),
        device_fn=len(wanted.keys() - predicted.keys()),
    )
    errors: list[float] = []
    answered, expected = _flatten(predicted), _flatten(wanted)
    for setting in answered.keys() | expected.keys():
        kind = "numerical" if setting[1] in NUMERICAL else "categorical"
        if setting not in expected:
            found, kinds = ["fp"], ["fp"]
        elif setting not in answered:
            found, kinds = ["fn"], ["fn"]
        elif _match(answered[setting], expected[setting], strict, tolerance):
            found, kinds = ["tp"], ["tp"]
        else:
            found, kinds = ["fp", "fn"], ["fp", "fn"] if strict else ["fp"]
            if kind == "numerical":
                errors.append(abs(float(answered[setting]) - float(expected[setting])))
        counts.update(f"param_{count}" for count in found)
        counts.update(f"{kind}_{count}" for count in kinds)
    return counts, sorted(errors)


def _flatten(actions: Actions) -> dict[tuple[str, str], Value]:
    return {(device, name): value for device, settings in actions.items() for name, value in settings.items()}


def _match(answer: Value, expected: Value, strict: bool, tolerance: float) -> bool:
    if isinstance(answer, str) or isinstance(expected, str):
        return answer == expected
    if not strict:
        # True and False are 1 and 0 here, and so never more than the tolerance apart.
        return abs(answer - expected) <= COMPAT_TOLERANCE
    if isinstance(answer, bool) or isinstance(expected, bool):
        return answer is expected
    return is_within(answer, expected, tolerance)


def _share_out(tp: int, fp: int, fn: int) -> dict[str, float | None]:
    return {"precision": divide(tp, tp + fp), "recall": divide(tp, tp + fn), "f1": divide(2 * tp, 2 * tp + fp + fn)}
