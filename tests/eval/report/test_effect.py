"""The evidence in lines: where a model acts, where it does not, and what changed."""

from eval.report.effect import format_evidence
from eval.scoring.evidence import Evidence, LikelihoodShift
from recipebook.run.acting import Acting

SHIFT = LikelihoodShift(rows=8, moved=7, median=1.2, largest=3.4167)


def test_an_adapter_that_acts_everywhere_takes_two_lines() -> None:
    acting = Acting(kind="adapter", modules=28, smallest=0.2119, median=0.741, largest=2.14)
    assert format_evidence(Evidence(acting=acting, rows=577, answers_changed=571, likelihoods=SHIFT)) == [
        "adapter: acts at 28 of 28 modules; norm of B·A, scaled: 0.212 to 2.140, median 0.741",
        "effect: 571 of 577 answers changed; likelihoods moved on 7 of 8 rows, by 1.200 nats a token, at most 3.417",
    ]


def test_modules_that_do_not_act_are_named_with_the_reason() -> None:
    acting = Acting(
        kind="adapter", modules=28, idle=("a", "b", "c", "d", "e"), without_weights=("a",), surplus=("f",),
        unmatched=("query",), smallest=2e-5, median=0.5, largest=1,
    )  # fmt: skip
    assert format_evidence(Evidence(acting=acting, rows=2, answers_changed=None, likelihoods=SHIFT)) == [
        "adapter: acts at 23 of 28 modules; norm of B·A, scaled: 2.0e-05 to 1.000, median 0.500",
        "does not act at b, c, d and 1 more: B·A is zero there",
        "does not act at a: targeted, but not in adapter_model.safetensors",
        "weights that are not used, as no targeted module has them: f",
        "target_modules that no module of the base has: query",
        "effect: likelihoods moved on 7 of 8 rows, by 1.200 nats a token, at most 3.417",
    ]


def test_weights_of_a_whole_model_need_not_all_change() -> None:
    acting = Acting(kind="model", modules=46, idle=("a",), smallest=1, median=2, largest=3)
    assert format_evidence(Evidence(acting=acting, rows=9, answers_changed=9, likelihoods=None)) == [
        "model: acts at 45 of 46 weights of the model; norm of the difference: 1.000 to 3.000, median 2.000",
        "effect: 9 of 9 answers changed",
    ]


def test_a_vote_has_its_answers_alone_and_an_older_evaluation_nothing() -> None:
    vote = Evidence(acting=None, rows=9, answers_changed=0, likelihoods=None)
    assert format_evidence(vote) == ["effect: 0 of 9 answers changed"]
    assert format_evidence(None) == []
