"""A page is made of a template of any folder and the style of all; what it is given is text."""

from pathlib import Path

import pytest
from jinja2 import UndefinedError

from recipebook.pages.page import render_page


def test_a_template_has_the_style_its_filters_and_no_markup_from_values(tmp_path: Path) -> None:
    (tmp_path / "x.html.j2").write_text('{% include "style.html.j2" %}<p>{{ said|twice }}</p>')
    page = render_page(tmp_path, "x.html.j2", {"twice": lambda text: text * 2}, said="<i>&")
    assert page.endswith("<p>&lt;i&gt;&amp;&lt;i&gt;&amp;</p>")
    assert page.startswith("<style>\n:root { --page: #fff;")


def test_a_value_that_is_not_given_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "x.html.j2").write_text("<p>{{ said }}</p>")
    with pytest.raises(UndefinedError, match="'said' is undefined"):
        render_page(tmp_path, "x.html.j2", {})
