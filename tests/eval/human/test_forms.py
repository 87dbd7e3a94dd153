"""Forms: text stays text, nothing tells whose answer it is, and a person can fill one in, as a browser shows."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from eval.human.forms import render_forms
from eval.human.returned import read_returned
from eval.human.study import draw_study
from eval.human.systems import Question

EVIL = '</pre><script>window.evil = 1</script><img src=http://example.com/x onerror="window.evil = 1">&amp;'
CALLS: list[dict[str, Any]] = [{"function": {"name": "search", "arguments": '{"q": 1}'}}]
QUESTIONS = {
    "secret.json#1": Question(
        "secret.json#1", "secret.json#1",
        ({"role": "system", "content": "A shy baker."}, {"role": "user", "content": EVIL}),
        {"system-one": EVIL, "system-two": "robot.stop()"},
    ),
    "secret.json#2": Question(
        "secret.json#2", "secret.json#2",
        ({"role": "user", "content": "find shoes"},
         {"role": "assistant", "content": "", "tool_calls": CALLS},
         {"role": "tool", "content": "none"}),
        {"system-one": "", "system-two": "A" * 300},
    ),
}  # fmt: skip
KEY = draw_study(list(QUESTIONS.values()), ("system-one", "system-two"), ("robot",), 9, 2, 42)


def test_text_stays_text_and_only_the_forms_own_script_may_run() -> None:
    html = render_forms(KEY, QUESTIONS)[0]
    assert EVIL not in html
    assert html.count("<script") == 1
    assert "<img" not in html
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy and "default-src &#39;none&#39;" in policy[1].replace("'", "&#39;")
    assert re.search(r"script-src 'sha256-[A-Za-z0-9+/]{43}='", policy[1])


def test_a_form_has_no_hint_of_records_systems_or_their_order() -> None:
    forms = render_forms(KEY, QUESTIONS)
    for form in forms:
        assert [word for word in ("secret.json", "system-one", "system-two", "robot<", "seed") if word in form] == []
    assert 'data-study="' + KEY.study in forms[0]


def test_all_that_was_said_is_shown_with_calls_as_text() -> None:
    html = render_forms(KEY, QUESTIONS)[0]
    for text in ("A shy baker.", "search({&#34;q&#34;: 1})", "(an empty answer)", "<small>tool</small><pre>none</pre>"):
        assert text in html


@pytest.mark.parametrize("width", [400, 1200])
def test_a_person_fills_a_form_in_by_keyboard_and_saves_it(
    open_tab: Callable[..., Page], tmp_path: Path, width: int
) -> None:
    page = tmp_path / "evaluator-1.html"
    page.write_text(render_forms(KEY, QUESTIONS)[0])
    tab = open_tab(page, width)
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tab.locator("#next").click()
    for key in "543":
        tab.keyboard.press(key)
    # A line can also be gone to and chosen as in any form.
    assert tab.evaluate("document.activeElement.name") == "1-B-quality"
    for key in (" ", "ArrowRight", "Tab"):
        tab.keyboard.press(key)
    assert tab.evaluate("document.activeElement.name") == "1-B-fluency"
    tab.reload()
    assert tab.locator(":checked").count() == 4
    tab.locator("#save").click()
    assert tab.locator("#progress").inner_text().startswith("2 of 2 are still open")
    assert tab.evaluate("document.activeElement.name") == "1-B-fluency"
    for key in "11b" + "123" + "451" + "0":
        tab.keyboard.press(key)
    assert tab.locator("#progress").inner_text() == "2 of 2 done"
    with tab.expect_download() as download:
        tab.locator("#save").click()
    saved = tmp_path / "returned.json"
    download.value.save_as(saved)
    told = tab.locator("#progress").inner_text()
    assert told == f"saved as human-eval-{KEY.study}-evaluator-1.json: send it back"
    assert json.loads(saved.read_text()) == {
        "study": KEY.study,
        "evaluator": 1,
        "answers": [
            {
                "question": 1,
                "ratings": {
                    "A": {"quality": 5, "fluency": 4, "satisfaction": 3},
                    "B": {"quality": 2, "fluency": 1, "satisfaction": 1},
                },
                "best": "B",
            },
            {
                "question": 2,
                "ratings": {
                    "A": {"quality": 1, "fluency": 2, "satisfaction": 3},
                    "B": {"quality": 4, "fluency": 5, "satisfaction": 1},
                },
                "best": "no difference",
            },
        ],
    }
    assert tab.evaluate("window.evil") is None
    first, second = read_returned([saved], {KEY.study: KEY}).judgements
    assert first.ratings[KEY.sheets[0][0].systems[1]]["quality"] == 2
    assert (first.best, second.best) == (KEY.sheets[0][0].systems[1], None)
