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
# As in index.md.
ORDER = (
    "../README.md",
    "index.md",
    "projects.md",
    "recipes.md",
    "results.md",
    "from-other-tools.md",
    "from-scripts.md",
    "containers.md",
    "recipe.md",
    "data.md",
    "../converters/README.md",
    "methods.md",
    "stages.md",
    "continue.md",
    "axolotl-keys.md",
    "gpu.md",
    "fleets.md",
    "services.md",
    "reinforcement.md",
    "shell.md",
    "evaluation.md",
    "metrics.md",
    "../runs/README.md",
    "tables.md",
    "use.md",
    "feedback.md",
    "publish.md",
    "troubleshooting.md",
    "debugging.md",
    "extending.md",
    "architecture.md",
    "../CONTRIBUTING.md",
    "mutants.md",
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
