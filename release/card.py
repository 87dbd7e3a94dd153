"""A run and its evaluation in; the text of its model card, README.md, out.

The table of figures stands between two comments, by which `make verify` finds it again.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from huggingface_hub import ModelCardData
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from eval.report.notes import list_limit, list_notes
from eval.report.verdict import make_verdict
from eval.scoring.summary import Summary
from recipebook.data.account import Account
from recipebook.recipe.base_model import find_stand_in, format_notice
from recipebook.recipe.keys import Recipe
from recipebook.run.manifest import Manifest
from release.figures_table import format_figures

UNKNOWN_LICENCE = "not stated"
USAGE = """\
from peft import AutoPeftModelForCausalLM
from transformers import AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("{name}")
model = AutoPeftModelForCausalLM.from_pretrained("{name}")
messages = [{{"role": "user", "content": "…"}}]
ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True, return_tensors="pt")
answer = model.generate(**ids, max_new_tokens={limit}, do_sample=False)
print(tokenizer.decode(answer[0, ids["input_ids"].shape[1] :], skip_special_tokens=True))"""
WITH_LOCAL_BASE = "# {base} is a folder of the project: run this where it lies.\n"


def render_card(
    manifest: Manifest,
    recipe: Recipe,
    summary: Summary,
    *,
    name: str,
    licence: str | None,
    commit: str | None,
    adapter_hash: str,
) -> str:
    """The card of an adapter that is published as `name`."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True, autoescape=False,
    )  # fmt: skip
    stand_in = find_stand_in(recipe.model.base)
    usage = USAGE.format(name=name, limit=recipe.eval.generation.max_new_tokens)
    local = WITH_LOCAL_BASE.format(base=recipe.model.base) if stand_in else ""
    return environment.get_template("card.md.j2").render(
        front=_format_front(recipe, licence, local=bool(stand_in)),
        title=name.rpartition("/")[2],
        description=recipe.description,
        notice=format_notice(stand_in),
        stand_in=stand_in,
        base=recipe.model.base,
        commit=commit,
        adapter_hash=adapter_hash,
        versions=", ".join(f"{package} {number}" for package, number in manifest.versions.items()),
        lineage=manifest.lineage,
        verdict=make_verdict(summary),
        figures=format_figures(summary),
        notes=[*list_notes(summary), *list_limit(summary)],
        records=manifest.account["records"],
        rows=manifest.rows,
        account=list_account(manifest.account),
        usage=local + usage,
        training_verdict=f"Training: {manifest.diagnosis}.",
        licence=licence or UNKNOWN_LICENCE,
    )


def list_account(account: Mapping[str, object]) -> Sequence[str]:
    """What became of the records, in lines without a record's place."""
    known = Account.model_validate(account)
    lines = [f"{one.count} were rejected: {one.reason}" for one in known.rejected]
    lines += [f"{one.count} were left out: {one.reason}" for one in known.left_out]
    lines.append(f"{known.duplicates} rows are duplicates")
    shared = f"{known.overlap_test} train rows share their {known.leak} with test"
    return [*lines, f"{shared}, {known.overlap_validation} with validation"]


def _format_front(recipe: Recipe, licence: str | None, *, local: bool) -> str:
    """The card's metadata in YAML, as the hub reads it."""
    data = ModelCardData(
        base_model=None if local else recipe.model.base,
        library_name="peft",
        license=licence or "other",
        pipeline_tag="text-generation",
        tags=["recipebook", "axolotl", "lora", recipe.training.method],
        ignore_metadata_errors=True,
    )
    return f"{data.to_yaml()}\n"
