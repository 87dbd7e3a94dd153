"""What outputs prove: likelihoods that moved, answers that changed, and neither."""

import pytest

from eval.scoring.evidence import Evidence, LikelihoodShift, find_no_effect, measure_shift
from recipebook.run.acting import Acting, describe_acting, list_unmatched

ACTING = Acting(kind="adapter", modules=28, idle=("a",), smallest=0.1, median=0.2, largest=0.3)
WHOLE = ACTING.model_copy(update={"kind": "model"})
MOVED = LikelihoodShift(rows=8, moved=1, median=0.0, largest=0.5)
STILL = LikelihoodShift(rows=8, moved=0, median=0.0, largest=0.0)


def test_a_row_moves_as_much_a_token_as_its_text_that_moves_most() -> None:
    before = [[(-8.0, 4), (-3.0, 1)], [(-5.0, 5)], [(-1.0, 10)]]
    after = [[(-6.0, 4), (-3.25, 1)], [(-5.0, 5)], [(-1.00005, 10)]]
    # 2 by 4 and 0.25 by 1; nothing; 0.00005 by 10, which is rounding.
    shift = measure_shift(before, after)
    assert shift and (shift.rows, shift.moved, shift.largest) == (3, 1, 0.5)
    assert shift.median == pytest.approx(0.000005)


def test_texts_without_tokens_are_no_rows() -> None:
    assert measure_shift([[], [(0.0, 0)]], [[], [(0.0, 0)]]) is None
    shift = measure_shift([[(-1.0, 0), (-2.0, 2)]], [[(-9.0, 0), (-3.0, 2)]])
    assert shift == LikelihoodShift(rows=1, moved=1, median=0.5, largest=0.5)


@pytest.mark.parametrize(
    ("changed", "shift", "acting"),
    [
        (1, STILL, ACTING),
        (1, None, None),
        (0, MOVED, ACTING),
        (None, MOVED, ACTING),
        # A whole model's weights are others, and nobody measured likelihoods.
        (0, None, WHOLE),
    ],
)
def test_one_change_is_proof_enough(changed: int | None, shift: LikelihoodShift | None, acting: Acting | None) -> None:
    assert find_no_effect(Evidence(acting=acting, rows=20, answers_changed=changed, likelihoods=shift)) is None


@pytest.mark.parametrize(
    ("changed", "shift", "acting", "told"),
    [
        (
            0,
            STILL,
            ACTING,
            "none of 20 answers changed and no likelihood of 8 given answers moved by 0.00001 nats a token",
        ),
        (None, STILL, ACTING, "no likelihood of 8 given answers moved by 0.00001 nats a token"),
        (
            0,
            STILL,
            WHOLE,
            "none of 20 answers changed and no likelihood of 8 given answers moved by 0.00001 nats a token",
        ),
        # As vLLM answers, of which no likelihood is known.
        (0, None, ACTING, "none of 20 answers changed"),
    ],
)
def test_no_change_at_all_is_a_fault(
    changed: int | None, shift: LikelihoodShift | None, acting: Acting, told: str
) -> None:
    fault = find_no_effect(Evidence(acting=acting, rows=20, answers_changed=changed, likelihoods=shift))
    start = "the tuned model changes nothing: its weights differ from the base's at 27 modules, but "
    assert fault == start + told


def test_norms_are_summed_up_where_the_model_acts() -> None:
    acting = describe_acting("adapter", {"a": 0.0, "b": 3.0, "c": 1.0, "d": 7.0}, surplus=["e"])
    assert acting == Acting(
        kind="adapter", modules=4, idle=("a",), surplus=("e",), smallest=1.0, median=3.0, largest=7.0
    )
    assert acting.active == 3


def test_targets_are_whole_parts_of_a_module_s_name() -> None:
    modules = ["layers.0.q_proj", "layers.0.k_proj", "lm_head"]
    targets = {"target_modules": ["q_proj", "proj", "lm_head", "0.k_proj"]}
    assert [*list_unmatched(targets, modules)] == ["proj"]
    assert [*list_unmatched({"target_modules": ".*_proj"}, modules)] == []
