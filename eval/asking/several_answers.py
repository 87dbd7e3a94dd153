"""Prompts in; the same prompts once for each answer that is wanted of a row, by variant and sample, out.

    Prompt(id="a.json#12", "stop") with variants plain and polite and two samples
    → a.json#12~plain~1, a.json#12~plain~2, a.json#12~polite~1 "Could you please: stop", a.json#12~polite~2

An answer is named by its row, its variant and its sample, and the last two stand in its meta. Whatever is drawn at
random or changed in the prompt, the unit stays the row: see eval/scoring/rows_of_answers.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from eval.asking.prompts import Prompt
from eval.scoring.rows_of_answers import SAMPLE, VARIANT
from recipebook.data.system_turns import System, SystemTurns
from recipebook.errors import UserError
from recipebook.recipe.evaluation_keys import Evaluation
from recipebook.recipe.prompt_variants import PLACE, PromptVariant, read_variants
from recipebook.rows import Message


def ask_repeatedly(prompts: Sequence[Prompt], settings: Evaluation, system: System) -> list[Prompt]:
    """The prompts of all answers, those of a row together; as they are where each row has one answer.

    `system` is the recipe's `model.system`: what becomes of a variant's system turn, as of those of rows.
    """
    variants, samples = read_variants(settings.variants), settings.generation.samples
    taken = [name for name, wanted in ((VARIANT, bool(variants)), (SAMPLE, samples > 1)) if wanted]
    if system == "drop" and (named := next((name for name, one in variants.items() if one.system), None)):
        raise UserError(f"{settings.variants}: {named}: a system turn has no effect with model.system: drop")
    for prompt in prompts if taken else ():
        if known := next((name for name in taken if name in prompt.meta), None):
            raise UserError(f"{prompt.id} has a field '{known}' in its meta, which names the answer here: rename it")
    return [
        replace(asked, id=f"{asked.id}~{sample}", meta={**asked.meta, SAMPLE: sample}, original=prompt)
        if samples > 1
        else asked
        for prompt in prompts
        for asked in _vary(prompt, variants, system)
        for sample in range(1, samples + 1)
    ]


def _vary(prompt: Prompt, variants: Mapping[str, PromptVariant], system: System) -> list[Prompt]:
    if not variants:
        return [prompt]
    return [
        replace(
            prompt,
            id=f"{prompt.id}~{name}",
            meta={**prompt.meta, VARIANT: name},
            messages=_rewrite(prompt.messages, variant, system),
            original=prompt,
        )
        for name, variant in variants.items()
    ]


def _rewrite(messages: Sequence[Message], variant: PromptVariant, system: System) -> tuple[Message, ...]:
    changed = list(messages)
    if variant.prompt:
        users = [at for at, message in enumerate(changed) if message["role"] == "user"]
        at = users[-1] if users else len(changed) - 1
        changed[at] = {**changed[at], "content": variant.prompt.replace(PLACE, changed[at]["content"])}
    if variant.system:
        others = [message for at, message in enumerate(changed) if at or message["role"] != "system"]
        changed = [{"role": "system", "content": variant.system}, *others]
        if system == "fold":
            changed = SystemTurns(system).apply({"messages": changed, "meta": {}})["messages"]
    return tuple(changed)
