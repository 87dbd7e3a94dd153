"""The pages of docs/ that the code itself can write: models, modules and their samples in; Markdown out.

    recipe.md     every key of a recipe, from its models
    data.md       every converter: what it reads, with its options
    metrics.md    every figure of every metric, with its formula
    results.md    what every recipe comes to, from the records in docs/results/
    tables.md     every table of recipebook/frames/, with its columns
    gpu.md        GPUs, and the memory that bases take on them
    all.md        all pages in one file, for programs that read documentation

`python -m docs.generate` (`make docs`) writes them; a test fails while one is out of date.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from docs.converters_page import render_data
from docs.gpu_page import render_gpu
from docs.keys_page import render_recipe
from docs.metrics_page import render_metrics
from docs.results_page import render_results
from docs.tables_page import render_tables

DOCS = Path(__file__).parent
ORDER = (
    "../README.md",
    "index.md",
    "projects.md",
    "containers.md",
    "recipes.md",
    "results.md",
    "recipe.md",
    "data.md",
    "../converters/README.md",
    "methods.md",
    "axolotl-keys.md",
    "stages.md",
    "fleets.md",
    "services.md",
    "shell.md",
    "reinforcement.md",
    "gpu.md",
    "metrics.md",
    "evaluation.md",
    "use.md",
    "publish.md",
    "feedback.md",
    "continue.md",
    "tables.md",
    "../runs/README.md",
    "troubleshooting.md",
    "from-other-tools.md",
    "from-scripts.md",
    "debugging.md",
    "extending.md",
    "architecture.md",
    "mutants.md",
    "../CONTRIBUTING.md",
    "../CHANGELOG.md",
)
GENERATED: dict[str, Callable[[], str]] = {
    "recipe.md": render_recipe,
    "data.md": render_data,
    "metrics.md": render_metrics,
    "results.md": render_results,
    "tables.md": render_tables,
    "gpu.md": render_gpu,
}


def render_pages() -> dict[str, str]:
    """Every generated page by its name."""
    pages = {name: render() for name, render in GENERATED.items()}
    return {**pages, "all.md": "\n".join(_join_pages(pages))}


def _join_pages(generated: dict[str, str]) -> Iterator[str]:
    """All pages one after the other; links between them become the path of the page, which heads each."""
    for name in ORDER:
        path = (DOCS / name).resolve()
        text = generated[name] if name in generated else path.read_text(encoding="utf-8")
        yield f"<!-- {path.relative_to(DOCS.parent)} -->\n\n" + re.sub(r"\]\((?!http)[^)]*\)", "]", text)


if __name__ == "__main__":
    for name, text in render_pages().items():
        (DOCS / name).write_text(text, encoding="utf-8")
        print(f"written   docs/{name}")
