"""The templates that a template includes, by name."""

import pytest
from jinja2 import TemplateSyntaxError

from recipebook.recipe.template_syntax import list_included, parse_template


def test_included_templates_are_listed_in_order() -> None:
    text = '{% include "b.j2" %}{% if x %}{% include "a.j2" %}{% endif %}{% include name %}'
    assert list_included(text) == ("a.j2", "b.j2")


def test_the_tag_of_chat_templates_and_loop_controls_are_known() -> None:
    assert list_included("{% for a in b %}{% generation %}{{ a }}{% endgeneration %}{% break %}{% endfor %}") == ()


def test_an_equal_text_is_parsed_once() -> None:
    assert parse_template("{{ one }}") is parse_template("{{ " + "one }}")


def test_bad_syntax_raises() -> None:
    with pytest.raises(TemplateSyntaxError):
        parse_template("{% if %}")
