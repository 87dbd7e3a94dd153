"""A transcript in the report: the agent's lines and the box's are told apart, and it is compared with no reference."""

from eval.report.transcripts import Piece, is_transcript, split_transcript
from eval.scoring.predictions import Prediction


def test_outputs_are_told_from_what_the_agent_wrote() -> None:
    text = "ls\n\n> a\n> \n> b\n\nIt is done."
    assert [*split_transcript(text)] == [
        Piece("same", "ls\n\n"),
        Piece("output", "> a\n> \n> b\n"),
        Piece("same", "\nIt is done."),
    ]
    assert "".join(piece.text for piece in split_transcript(text)) == text


def test_an_answer_with_rounds_is_a_transcript() -> None:
    answer = {"id": "1", "prompt": "p", "reference": "r", "prediction": "a", "baseline": None}
    assert is_transcript(Prediction.model_validate({**answer, "measures": {"rounds": 1.0, "invalid": 0.0}}))
    assert not is_transcript(Prediction.model_validate({**answer, "measures": {"answer": -0.3}}))
    assert not is_transcript(Prediction.model_validate(answer))
