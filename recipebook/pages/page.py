"""A template and its values in; one closed page of HTML out, in the style of all pages.

    render_page(Path("recipebook/fleet"), "members.html.j2", {}, fleet="traits", lines=[…]) → "<!doctype html>…"

A page needs nothing else: no network, no scripts, no fonts. Text from models and data files is escaped in it, never
markup. A template includes `style.html.j2` from here, and any template of its own folder.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def render_page(folder: Path, template: str, filters: Mapping[str, Callable[..., str]], **values: object) -> str:
    """Fill a template, which is named by its path in `folder`."""
    environment = Environment(
        loader=FileSystemLoader([folder, Path(__file__).parent]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= filters
    return environment.get_template(template).render(**values)
