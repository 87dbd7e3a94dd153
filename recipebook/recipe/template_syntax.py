"""A template's text in; its syntax tree, or the templates that it includes, out; each text is parsed once.

list_included("{% include '_adapter.yaml.j2' %}")  →  ("_adapter.yaml.j2",)
"""

import functools

from jinja2 import Environment, meta, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser


class _GenerationTag(Extension):
    """The tag by which chat templates mark the assistant's text; Jinja itself does not know it."""

    tags = {"generation"}  # noqa: RUF012

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


_ENVIRONMENT = Environment(extensions=["jinja2.ext.loopcontrols", "jinja2.ext.do", _GenerationTag], autoescape=False)


@functools.cache
def parse_template(text: str) -> nodes.Template:
    """The syntax tree, which nobody may change; raises TemplateSyntaxError."""
    return _ENVIRONMENT.parse(text)


@functools.cache
def list_included(text: str) -> tuple[str, ...]:
    """The templates that a template includes by name."""
    return tuple(sorted(name for name in meta.find_referenced_templates(parse_template(text)) if name))
