"""Prompts to answers, greedy by default, by the base model and by the tuned one.

Both get the prompts in the chat template that the training saved beside its weights, so that no answer is lost to a
template of another shape.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jinja2 import TemplateError
from peft import PeftModel
from transformers import AutoTokenizer, BitsAndBytesConfig

from eval.asking.answer_progress import AnswerProgress
from eval.asking.layout import PLAIN, Layout
from eval.asking.prompts import Prompt
from recipebook.errors import UserError
from recipebook.hardware import computes_bf16
from recipebook.playing.decode import decode
from recipebook.recipe.evaluation_keys import Generation
from recipebook.rows import Message
from recipebook.run.adapter import Model, Tuned, compare_with_base, load_model, merge_adapter, put_on
from recipebook.text import chat

# transformers' own annotations do not fit how tokenizers are used.
Tokenizer = Any
BaseLoader = Callable[[str, str | None, Layout], Model]


@dataclass(frozen=True)
class GeneratedAnswer:
    """A model's answer; `truncated` means that it did not end within the limit of tokens."""

    text: str
    new_tokens: int
    truncated: bool


def load_tokenizer(folder: Path | str) -> Tokenizer:
    """The tokenizer that training saved, with its chat template."""
    tokenizer: Tokenizer = AutoTokenizer.from_pretrained(folder)
    return tokenizer


def load_base(name: str, revision: str | None, layout: Layout = PLAIN) -> Model:
    """The model before training: in its own precision on an NVIDIA GPU, else in float32."""
    device = choose_device()
    if device != "cuda":
        return load_model(name, revision, torch.float32).to(device).eval()
    if layout == PLAIN:
        return load_model(name, revision, "auto").to(device).eval()
    # Weights of few bits cannot be moved once they are there.
    more: dict[str, Any] = {"device_map": "auto" if layout.spread else {"": 0}}
    if layout.bits:
        more["quantization_config"] = _describe_bits(layout.bits)
    return load_model(name, revision, "auto", **more).eval()


def _describe_bits(bits: str) -> BitsAndBytesConfig:
    """The settings by which Axolotl trains a QLoRA, or a LoRA on 8 bits."""
    if bits == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True)  # type: ignore[no-untyped-call]
    return BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16 if computes_bf16() else torch.float16,
    )


def choose_device() -> str:
    """The fastest device that torch offers: an NVIDIA GPU, Apple's, the processor."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def describe_precision(layout: Layout = PLAIN) -> str:
    """`cuda auto`: where and how `load_base` lets a model answer, on which the last digits of its answers depend."""
    device = choose_device()
    return f"{device} {layout.bits or 'auto' if device == 'cuda' else 'float32'}"


def load_tuned(
    folder: Path, base: Path | str, revision: str | None, load: BaseLoader = load_base, layout: Layout = PLAIN
) -> Tuned:
    """The model after training: an adapter on its base, or a whole model; refused where it is its base again."""
    if not (folder / "adapter_config.json").is_file():
        acting = compare_with_base(folder, base, revision)
        return Tuned(load_base(str(folder), None, layout), acting)
    tuned = put_on(load(str(base), revision, layout), folder)
    return tuned._replace(model=tuned.model.eval())


def merge(model: Model, how: str = "auto") -> Model:
    """Merge the adapter into its base, which is quicker, as `eval.generation.adapter` says `how`."""
    wanted = how == "merged" or (how == "auto" and model.dtype == torch.float32)
    return merge_adapter(model) if isinstance(model, PeftModel) and wanted else model


def generate(
    model: Model, tokenizer: Tokenizer, prompts: list[Prompt], settings: Generation, label: str
) -> list[GeneratedAnswer]:
    """One answer a prompt, in the prompts' order."""
    texts = [format_prompt(tokenizer, prompt) for prompt in prompts]
    ids: list[list[int]] = tokenizer(texts, add_special_tokens=False)["input_ids"]
    inner = model.get_base_model() if isinstance(model, PeftModel) else model
    stops, room = stop_tokens(inner, tokenizer), settings.batch_size
    torch.manual_seed(settings.seed)
    progress = AnswerProgress(label, [len(one) for one in ids], settings.max_new_tokens, room)
    decoded = decode(inner, ids, stops, settings, progress.draw, room=room)
    progress.clear()
    written = tokenizer.batch_decode([one.ids for one in decoded], skip_special_tokens=True)
    return [
        GeneratedAnswer(text.strip(), len(one.ids), not one.ended) for text, one in zip(written, decoded, strict=True)
    ]


def stop_tokens(model: Model, tokenizer: Tokenizer) -> set[int]:
    """The tokens that end an answer by the tokenizer, by its chat template and by the model's own settings."""
    own = model.generation_config.eos_token_id
    return {*chat.list_end_tokens(tokenizer), *(own if isinstance(own, list) else [own] if own is not None else [])}


def format_prompt(tokenizer: Tokenizer, prompt: Prompt) -> str:
    """The prompt as the model reads it: the text before the answer as training writes it."""
    return write(tokenizer, prompt, prompt.answer).prompt


def format_reference(tokenizer: Tokenizer, prompt: Prompt) -> str:
    """The reference answer as the model's own is read."""
    return chat.read_answer(tokenizer, write(tokenizer, prompt, prompt.answer).answer, prompt.answer["content"])


def find_own_text(tokenizer: Tokenizer, prompt: Prompt) -> str | None:
    """The prompt's text if its messages and the template's prompt for generation do not say what it is."""
    text = format_prompt(tokenizer, prompt)
    messages = [*prompt.messages, prompt.answer, *([prompt.rejected] if prompt.rejected else [])]
    calls = any("tool_calls" in message for message in messages)
    plain = chat.render(tokenizer, prompt.messages, prompt.tools, add_generation_prompt=True)
    return text if calls or text != plain else None


def write(tokenizer: Tokenizer, prompt: Prompt, answer: Message) -> chat.WrittenTurn:
    """The prompt, and one of its answers as training writes it behind the prompt, the end of the turn included."""
    try:
        if not prompt.preference:
            return chat.write_turn(tokenizer, prompt.messages, answer, prompt.tools, prompt.after)
        given = [prompt.answer, *([prompt.rejected] if prompt.rejected else [])]
        before, texts = chat.write_answers(tokenizer, prompt.messages, given, prompt.tools)
        return chat.WrittenTurn(before, texts[given.index(answer)])
    except (ValueError, TemplateError) as error:
        raise UserError(f"{prompt.id}: the chat template does not write it: {error}") from None
