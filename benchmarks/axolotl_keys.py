"""Axolotl's own keys in; which of them act in a LoRA SFT run, as `docs/axolotl-keys.md`, out.

    python -m benchmarks.axolotl_keys

    | `lora_dropout` | yes | `model.adapters.default.lora_dropout`, … | `loaders/adapter`, … |

Each key of the snapshot gets another value in the configuration of robot-lora, and Axolotl sets everything up, up to
the first step (benchmarks/dry_run.py). What then differs is the evidence. What differs in nothing is looked up in
Axolotl's source: which modules read it, and whether a LoRA SFT run gets there. It takes about ten minutes on two cores.
"""

import ast
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from benchmarks.axolotl_values import INSTEAD_OF, PARTNERS, choose_value
from recipebook.data.dataset import prepare
from recipebook.files import write_text
from recipebook.launch.render import Inputs, render_axolotl
from recipebook.project import PROJECT
from recipebook.recipe.axolotl_keys import RECIPE_KEYS, RUNNER_KEYS, snapshot
from recipebook.recipe.resolve import resolve

PAGE = PROJECT / "docs" / "axolotl-keys.md"
RECIPE, ROWS = "robot-lora", 16
AS_IT_IS = "as it is"
FEW = 3
# What describes the configuration and does not act on it.
NOT_READING = ("utils/schemas", "cli/config_options", "telemetry", "scripts/")
# Reached by a LoRA SFT run after the first step only.
LATER = ("train", "core/trainers/base", "core/trainers/mixins", "utils/callbacks", "utils/train", "integrations/base")
HOLDERS = {"cfg", "_cfg", "axolotl_cfg", "_axolotl_cfg"}

VERDICTS = {
    "yes": "changes what is set up",
    "with": "changes it beside another key",
    "stops": "Axolotl acts on it and stops, on this machine or with the value tried",
    "refused": "Axolotl's own validation refuses it in such a run",
    "later": "is read while training or saving; nothing differs before the first step",
    "alike": "is read on the way, and nothing differs: another key decides, or the value tried says the same",
    "elsewhere": "is read only where such a run does not get to: on another way to train, or beside another key",
    "no": "nothing reads it",
}


ACTING = ("yes", "with", "stops")


class Verdict(NamedTuple):
    """Whether a key acts, what shows it, and which of Axolotl's modules read it."""

    word: str
    evidence: str
    modules: tuple[str, ...]


def judge_all() -> dict[str, Verdict]:
    """Every key of the snapshot with its verdict."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        base = _write_base(folder)
        alone = {key: _change(base, key, {key: value}) for key, value in _choose_values(base).items()}
        read = _build({AS_IT_IS: base, **alone}, folder, "--config")
        whole = _build({AS_IT_IS: base}, folder)
        heard = [key for key in alone if "facts" in read[key] and _is_heard(key, read, whole[AS_IT_IS]["reads"])]
        told = _build({AS_IT_IS: base, **{key: alone[key] for key in heard}}, folder)
        silent = [key for key in alone if key in INSTEAD_OF or key not in told or not _differs(told, key)]
        beside = _build({AS_IT_IS: base, **_list_second_cases(base, silent)}, folder)
    reading = find_readers()
    silenced = {key: whole[AS_IT_IS] for key in alone if "facts" in read[key] and key not in told}
    found = {**read, **silenced, **told, **beside}
    return {key: judge(key, found, reading.get(key, set())) for key in sorted(alone)}


def render(verdicts: Mapping[str, Verdict]) -> str:
    """The page."""
    counts = Counter(verdict.word for verdict in verdicts.values())
    acting, later, alike = sum(counts[word] for word in ACTING), counts["later"], counts["alike"]
    lines = [
        "# Axolotl's own keys in a LoRA SFT run",
        "",
        f"Of the {len(verdicts)} keys that Axolotl {snapshot()['axolotl']} accepts, **{acting} act** in a supervised",
        f"LoRA training, such as `{RECIPE}` is, before its first step. {later} more are read while training or saving.",
        f"{alike} are read on the way, and nothing differed with the value tried: some of them need a GPU, or rows",
        f"that are too long. The other {len(verdicts) - acting - later - alike} do nothing there.",
        "",
        "`python -m benchmarks.axolotl_keys` writes this page. It gives each key another value, lets Axolotl set up",
        "the training, and compares the trainer's arguments, model, adapter, optimizer, schedule, sampler, tokenizer",
        "and rows. The machine had no GPU: kernels and quantization show as `stops`.",
        "",
        "| verdict | keys | what it means |",
        "| --- | --- | --- |",
        *(f"| {word} | {counts[word]} | {text} |" for word, text in VERDICTS.items()),
        "",
        "A key that recipes have under a name of their own, or that the runner sets, is refused under `axolotl`.",
        "",
        "| key | in a recipe | verdict | what shows it | read by |",
        "| --- | --- | --- | --- | --- |",
    ]
    for key, verdict in verdicts.items():
        modules = ", ".join(f"`{name}`" for name in verdict.modules[:FEW])
        more = f" and {len(verdict.modules) - FEW} more" if len(verdict.modules) > FEW else ""
        evidence = verdict.evidence.replace("|", "\\|").replace("<", "&lt;")
        lines.append(f"| `{key}` | {_name_in_recipe(key)} | {verdict.word} | {evidence} | {modules}{more} |")
    return "\n".join(lines) + "\n"


def _name_in_recipe(key: str) -> str:
    if key in RECIPE_KEYS:
        return f"`{RECIPE_KEYS[key]}`"
    return "set by the runner" if key in RUNNER_KEYS else f"`axolotl.{key}`"


@cache
def find_readers() -> dict[str, set[str]]:
    """The modules of the installed Axolotl that read each key, by their syntax trees."""
    root = Path(str(find_spec("axolotl").submodule_search_locations[0]))  # type: ignore[union-attr,index]
    known = set(snapshot()["properties"])
    readers: dict[str, set[str]] = defaultdict(set)
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root).with_suffix("").as_posix().removesuffix("/__init__")
        if not name.startswith(NOT_READING):
            for key in known & set(list_reads(ast.parse(path.read_text(encoding="utf-8")))):
                readers[key].add(name)
    return readers


def list_reads(tree: ast.AST) -> Iterator[str]:
    """`cfg.key` and `self.cfg.key`; also the text "key", by which lists of keys and `cfg.get` name them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            if _names_config(node.value):
                yield node.attr
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            first = node.args[0] if node.args else None
            if name in ("get", "getattr", "hasattr") and _names_config(getattr(node.func, "value", first)):
                yield from (
                    arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
                )
        elif isinstance(node, ast.Subscript) and _names_config(node.value) and isinstance(node.slice, ast.Constant):
            yield str(node.slice.value)
        elif isinstance(node, ast.For) and isinstance(node.iter, ast.List):
            yield from (str(item.value) for item in node.iter.elts if isinstance(item, ast.Constant))


def _names_config(node: Any) -> bool:
    return (node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")) in HOLDERS


def _write_base(folder: Path) -> dict[str, Any]:
    """The configuration that keys are changed in, and a few rows beside it."""
    recipe = resolve(RECIPE, "tiny").recipe
    dataset = prepare(recipe.data, folder / "cache" / "data", PROJECT)
    for part in ("train", "validation"):
        lines = dataset.path(part).read_text(encoding="utf-8").splitlines(keepends=True)
        (folder / f"{part}.jsonl").write_text("".join(lines[:ROWS]), encoding="utf-8")
    inputs = Inputs(train="train.jsonl", validation="validation.jsonl", prepared="prepared")
    return dict(yaml.safe_load(render_axolotl(recipe, inputs, gpu=False)))


def _choose_values(base: Mapping[str, Any]) -> dict[str, Any]:
    schema = snapshot()
    named = schema["properties"].items()
    return {key: choose_value(key, described, schema["$defs"], base.get(key)) for key, described in named}


def _list_second_cases(base: Mapping[str, Any], keys: list[str]) -> dict[str, dict[str, Any]]:
    """For keys that need another, or replace one: a configuration without the key, and one with it; for flags, off."""
    values = _choose_values(base)
    cases = {}
    for key in keys:
        if key in PARTNERS or key in INSTEAD_OF:
            beside = PARTNERS.get(key, {})
            cases[f"{key} without"] = _change(base, key, beside)
            cases[f"{key} with"] = _change(base, key, {**beside, key: values[key]})
        elif values[key] is True and key not in base:
            cases[f"{key} off"] = _change(base, key, {key: False})
    return cases


def _change(base: Mapping[str, Any], key: str, values: Mapping[str, Any]) -> dict[str, Any]:
    changed = {name: value for name, value in base.items() if name not in INSTEAD_OF.get(key, ())} | dict(values)
    return {name: _place(value) for name, value in changed.items()}


def _place(value: Any) -> Any:
    return str(PROJECT / value) if isinstance(value, str) and value.startswith("models/") else value


def _build(cases: Mapping[str, Mapping[str, Any]], folder: Path, *flags: str) -> dict[str, Any]:
    """In a process of its own: what is set up in here would stay."""
    (folder / "cases").write_text(json.dumps(cases))
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", "benchmarks.dry_run", "cases", "facts", *flags]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(json.loads((folder / "facts").read_text()))


def judge(key: str, found: Mapping[str, Any], readers: set[str]) -> Verdict:
    """A key's verdict, from what was set up with it and without, and from the modules that read it."""
    base, alone = found[AS_IT_IS], found[key]
    modules = tuple(sorted(readers | set(base["reads"].get(key, ())) | set(alone.get("reads", {}).get(key, ()))))
    if key not in INSTEAD_OF and (differing := _compare_cases(base, alone)):
        return Verdict("yes", _format_facts(differing), modules)
    if differing := _compare_cases(base, found.get(f"{key} off", {})):
        return Verdict("yes", f"off: {_format_facts(differing)}", modules)
    if differing := _compare_cases(found.get(f"{key} without", {}), found.get(f"{key} with", {})):
        partner = ", ".join(f"`{name}: {json.dumps(value)}`" for name, value in PARTNERS.get(key, {}).items())
        beside = f"with {partner}: " if partner else ""
        return Verdict("with" if partner else "yes", beside + _format_facts(differing), modules)
    if "error" in alone:
        refused = (
            alone["error"].startswith(("ValidationError", "DeprecationWarning")) or alone.get("at") == "utils/config"
        )
        return Verdict("refused" if refused else "stops", alone["error"].partition(" [type=")[0], modules)
    if key in base["reads"]:
        return Verdict("later" if _is_later(modules) else "alike", "", modules)
    if _is_later(modules):
        return Verdict("later", "", modules)
    return Verdict("elsewhere" if modules else "no", "", modules)


def _is_later(modules: tuple[str, ...]) -> bool:
    return any(name == place or name.startswith(f"{place}/") for name in modules for place in LATER)


def _is_heard(key: str, read: Mapping[str, Any], reads: Mapping[str, Any]) -> bool:
    """Whether setting up can differ at all: something reads the key, or Axolotl's validation made other keys of it."""
    before, after = (
        {name: value for name, value in read[case]["facts"].items() if name.split(".")[0] != key}
        for case in (AS_IT_IS, key)
    )
    return key in reads or before != after


def _differs(found: Mapping[str, Any], key: str) -> bool:
    return bool(_compare_cases(found[AS_IT_IS], found[key]))


def _compare_cases(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The facts that differ; none where one of the two was not set up."""
    return _compare(before["facts"], after["facts"]) if "facts" in before and "facts" in after else []


def _compare(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    return sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))


def _format_facts(differing: list[str]) -> str:
    more = f" and {len(differing) - FEW} more" if len(differing) > FEW else ""
    return ", ".join(f"`{name}`" for name in differing[:FEW]) + more


if __name__ == "__main__":
    write_text(PAGE, render(judge_all()))
