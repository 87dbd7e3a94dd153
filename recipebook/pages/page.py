"""A template and its values in; one closed page of HTML out, in the style of all pages.

    render_page(Path("recipebook/fleet"), "members.html.j2", {}, fleet="traits", lines=[…]) → "<!doctype html>…"

A page needs nothing else: no network, no fonts, and at most one script, which its Content-Security-Policy names by
hash. Text from models and data files is escaped in it, never markup. A template extends `layout.html.j2` from here,
and may include any template of its own folder.
"""

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

Filters = Mapping[str, Callable[..., str]]
Links = Sequence[tuple[str, str]]
"""Titles and addresses of other pages."""


def render_page(
    folder: Path, template: str, filters: Filters, *, script: Path | None = None, links: Links = (), **values: object
) -> str:
    """Fill a template, which is named by its path in `folder`."""
    return "".join(stream_page(folder, template, filters, script=script, links=links, **values))


def stream_page(
    folder: Path, template: str, filters: Filters, *, script: Path | None = None, links: Links = (), **values: object
) -> Iterator[str]:
    """Fill a template piece by piece, for pages that are too large to be held twice."""
    environment = Environment(
        loader=FileSystemLoader([folder, Path(__file__).parent]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= filters
    text = script.read_text(encoding="utf-8") if script else None
    values |= {"script": text, "script_hash": _hash_script(text) if text else None, "links": links}
    return environment.get_template(template).generate(**values)


def _hash_script(text: str) -> str:
    """As a Content-Security-Policy names a script that may run."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
