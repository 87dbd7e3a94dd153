"""What the pages say is there: their links, their paths, their commands, their recipes."""

import argparse
import re
import shlex
import subprocess

import pytest
import yaml

from commands import build_parser
from recipebook import modules
from recipebook.project import PROJECT
from recipebook.recipe.keys import Recipe
from recipebook.recipe.layers import list_recipes

TRACKED = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
    cwd=PROJECT, capture_output=True, text=True, check=True,
).stdout.splitlines()  # fmt: skip
# Every page is in all.md again, without its links; what is written by people and programs is read once.
PAGES = {name: (PROJECT / name).read_text(encoding="utf-8") for name in sorted(TRACKED) if name != "docs/all.md"}
FOLDERS = (
    "benchmarks|commands|converters|docs|eval|exports|models|recipebook|recipes|release|samples|services|stages|"
    "templates|tests|trainer"
)
KINDS = [value for value in vars(modules).values() if isinstance(value, modules.Kind)]
# What make would make first: the environment, and the base of the profile small.
MADE = tuple(
    word
    for file in (".venv/light", ".venv/ready", ".venv/dev", ".cache/models/smollm2-135m-instruct/origin.json")
    for word in ("-o", file)
)
MAKEFILE = (PROJECT / "Makefile").read_text(encoding="utf-8")
# Names that stand for any.
ANY = re.compile(
    r"[<*…]|\bmake_x\b|\bx\b|stages/(sft|pairs|dpo)/|models/joy-and-wisdom|models/robot(-\w+)?|recipes/first|"
    r"tests/golden/$"
)


def list_code(text: str) -> list[str]:
    """The words between backticks and the lines of blocks."""
    blocks = re.findall(r"^ *```\w*\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE))
    return [line.partition("  #")[0].strip() for block in blocks for line in block.splitlines()] + spans


def list_anchors(text: str) -> set[str]:
    """The names by which a page's headings are linked, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


COMMANDS = sorted(
    {code for text in PAGES.values() for code in list_code(text) if re.match(r"(\S+=\S+ )?make [a-z]", code)}
)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_page_and_a_heading(page: str) -> None:
    broken = []
    for link in re.findall(r"\]\(((?!http)[^)\s]+)\)", PAGES[page]):
        name, _, anchor = link.partition("#")
        path = ((PROJECT / page).parent / name).resolve() if name else PROJECT / page
        if not path.exists() or (anchor and anchor not in list_anchors(path.read_text(encoding="utf-8"))):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", PAGES)
def test_every_path_of_the_project_that_a_page_names_exists(page: str) -> None:
    words = {word for code in list_code(PAGES[page]) for word in re.split(r"[\s=,'\"(){}\[\]]+", code)}
    paths = {word.rstrip(":.") for word in words if re.match(rf"({FOLDERS})/[\w./-]+$", word) and not ANY.search(word)}
    assert sorted(path for path in paths if not (PROJECT / path).exists()) == []


def test_there_are_commands() -> None:
    assert len(COMMANDS) > 30


@pytest.mark.parametrize("command", COMMANDS)
def test_every_make_command_is_a_goal_whose_arguments_parse(command: str) -> None:
    # What stands before make is its environment.
    words = shlex.split(command)
    words = words[words.index("make") + 1 :]
    defaults = ["RECIPE=robot-lora", "RUN=robot-lora", "RUNS=a b", "WEIGHTS=1 1", "OUT=out", "FOLDER=mine"]
    defaults += ["CARD=card", "DRY=1", "IN=x.yml", "TASKS=tasks.json"]
    # A goal refuses what its rule does not read.
    rule = next((part for part in MAKEFILE.split("\n\n") if part.startswith(f"{words[0]}:")), "")
    missing = [] if len(words) > 1 else [one for one in defaults if re.search(rf"\b{one.partition('=')[0]}\b", rule)]
    done = subprocess.run(
        ["make", "-n", *MADE, *words, *missing],
        cwd=PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for line in done.stdout.replace("\\\n", " ").splitlines():
        if "-m recipebook " in line:
            parse(line)


def parse(line: str) -> argparse.Namespace:
    words = shlex.split(line.partition("-m recipebook ")[2] or line.removeprefix("recipebook "))
    return build_parser(words[0]).parse_args(words)


def test_every_recipebook_command_parses() -> None:
    lines = [code for text in PAGES.values() for code in list_code(text) if "-m recipebook " in code]
    found = {shlex.split(line.partition("-m recipebook ")[2])[0] for line in lines}
    assert {"convert", "export", "score"} <= found
    for line in sorted({code for text in PAGES.values() for code in list_code(text) if code.startswith("recipebook ")}):
        assert parse(line).command
    for line in lines:
        if line.partition("-m recipebook ")[2].count(" "):
            assert parse(line).command


def test_every_goal_is_explained_by_make_help() -> None:
    goals = re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    assert "train" in goals
    printed = subprocess.run(["make", "help"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    assert [goal for goal in goals if f"  make {goal} " not in printed] == []


def test_the_recipe_of_the_readme_is_one() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGES["README.md"], re.DOTALL)
    assert Recipe.model_validate(yaml.safe_load(text.replace("1e-4", "1.0e-4"))).lora


def test_the_readme_fits_one_screen() -> None:
    assert len(PAGES["README.md"].splitlines()) <= 60


def test_the_pages_name_every_recipe() -> None:
    names = {*re.findall(r"`([a-z-]+)`", PAGES["docs/recipes.md"])}
    preferred = {f"preference{name}" for name in names if name.startswith("-")}
    assert [name for name in list_recipes() if name not in names | preferred] == []


def test_the_index_links_every_page() -> None:
    linked = {((PROJECT / "docs") / link).resolve() for link in re.findall(r"\]\(([^)#]+)", PAGES["docs/index.md"])}
    pages = {(PROJECT / name).resolve() for name in PAGES} - {PROJECT / "docs" / "index.md"}
    assert sorted(str(path) for path in pages - linked) == []


@pytest.mark.parametrize(
    "page", [name for name in PAGES if name not in ("docs/recipe.md", "docs/data.md", "docs/metrics.md")]
)
def test_paragraphs_are_short(page: str) -> None:
    text = re.sub(r"^ *```.*?^ *```", "", PAGES[page], flags=re.DOTALL | re.MULTILINE)
    long = [part for part in text.split("\n\n") if part.count("\n") > 3 and not re.match(r"\s*([-|>#]|\d\.)", part)]
    assert long == []


def test_there_are_recipes() -> None:
    assert list_recipes() == [
        "dial-dpo",
        "os-interaction-rl",
        "persona-per-user",
        "persona-unified",
        "persona-unified-anonymous",
        "preference-dpo",
        "preference-ipo",
        "preference-kto",
        "preference-orpo",
        "preference-simpo",
        "robot-curriculum",
        "robot-ensemble",
        "robot-lora",
        "robot-sweep",
        "tiny-base",
        "toolformer-sft",
        "toolformer-weighted",
        "trait",
        "traits",
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_of_additions_has_every_kind_of_extension(kind: modules.Kind) -> None:
    assert f"`{kind.folder}/x{kind.ending}`" in PAGES["docs/extending.md"]
