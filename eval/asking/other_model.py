"""Any model in; its answers to a run's prompts, beside those of the run's base, out.

    make eval RUN=robot-lora MODEL=models/robot-int8
    make eval RUN=robot-lora MODEL=Qwen/Qwen2.5-0.5B-Instruct

A folder or a name on the hub, a quantised model, or a GGUF file. Each reads prompts in the chat template that it has
itself, and one without any in the run's. That it differs from the base is not required: it may be the base.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from eval.asking.answers import Answers
from eval.asking.ask import ask_base, refer
from eval.asking.one_model import ask_one, wants_text
from eval.asking.own_tokenizer import load_own_tokenizer
from eval.asking.prompts import Prompt
from eval.scoring.evidence import Evidence
from recipebook.errors import UserError, take_first_line
from recipebook.files import digest
from recipebook.libraries import prepare_libraries
from recipebook.project import locate, shown
from recipebook.recipe.base_model import read_context
from recipebook.recipe.keys import Recipe
from recipebook.run.manifest import Manifest
from recipebook.run.rundir import Run
from recipebook.text.chat import apply_settings

GGUF = ".gguf"


class OtherModel(NamedTuple):
    """A model that no run of ours trained, or not in this form."""

    place: Path | str

    @property
    def name(self) -> str:
        """As the user knows it."""
        return self.place if isinstance(self.place, str) else shown(self.place)

    @property
    def folder(self) -> str:
        """`model-robot-int8-9f1c22aa`: where its evaluation goes, below the run's `eval/`."""
        stem = "".join(letter if letter.isalnum() else "_" for letter in Path(self.place).stem)
        return f"model-{stem[:40]}-{digest(str(self.place))[:8]}"


def find_other(name: str) -> OtherModel:
    """A folder or a file by its path, else a name on the hub, which has one slash at most."""
    path = Path(name)
    for each in (path, locate(path)):
        if (each / "config.json").is_file() or (each.suffix == GGUF and each.is_file()):
            return OtherModel(each.resolve())
        if (each / "adapter_config.json").is_file():
            raise UserError(f"MODEL: {name} is an adapter without its base; make merge makes a whole model of a run's")
        if each.exists():
            raise UserError(f"MODEL: {name} holds no config.json, so it is no model")
    if path.is_absolute() or name.count("/") > 1 or name.startswith(".") or path.suffix == GGUF:
        raise UserError(f"MODEL: no {'file' if path.suffix == GGUF else 'folder'} {name}")
    return OtherModel(name)


def load_other(other: OtherModel) -> tuple[Any, Any]:
    """The model, and its tokenizer, which may have no chat template; what cannot be loaded is refused."""
    prepare_libraries(other.place)
    # Here and not above: a wrong name should not wait for torch.
    from transformers import AutoTokenizer

    from eval.asking.generate import choose_device, load_base

    with _refusing(other):
        if isinstance(other.place, Path) and other.place.suffix == GGUF:
            from eval.asking.gguf_model import load_gguf

            model, tokenizer = load_gguf(other.place)
            return model.to(choose_device()).eval(), tokenizer
        return load_base(str(other.place), None), AutoTokenizer.from_pretrained(other.place)


def ask_other(run: Run, manifest: Manifest, recipe: Recipe, prompts: list[Prompt], other: OtherModel) -> Answers:
    """The answers of the other model as those of the tuned one, and of the run's base."""
    prepare_libraries(other.place)
    from eval.asking import generate
    from eval.asking.lengths import describe_lengths

    _check_name(other)
    own = load_own_tokenizer(run, manifest, recipe, prompts)
    base = ask_base(run, manifest, recipe, prompts, own)
    model, tokenizer = load_other(other)
    if not tokenizer.chat_template:
        tokenizer.chat_template = own.chat_template
    if tokenizer.chat_template == own.chat_template and not any(prompt.preference for prompt in prompts):
        apply_settings(tokenizer, recipe.axolotl.get("chat_template_kwargs"))
    lengths = describe_lengths(tokenizer, prompts, recipe, read_context(model.config.to_dict()))
    answers = ask_one(model, tokenizer, prompts, recipe, "model")
    engine = "transformers" if wants_text(recipe.eval) else ""
    changed = sum(one.text != two.text for one, two in zip(base, answers, strict=True)) if engine else None
    return Answers(
        engine=engine,
        references=[generate.format_reference(own, prompt) for prompt in prompts],
        tuned=[*map(refer, answers, base, prompts)],
        base=[*map(refer, base, base, prompts)],
        lengths=tuple(lengths),
        evidence=Evidence(acting=None, rows=len(prompts), answers_changed=changed, likelihoods=None),
    )


def _check_name(other: OtherModel) -> None:
    """Refuse a name that the hub does not have before the base answers, which may take long."""
    from transformers import AutoConfig

    if isinstance(other.place, str):
        with _refusing(other):
            AutoConfig.from_pretrained(other.place)


@contextmanager
def _refusing(other: OtherModel) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, ImportError, RuntimeError) as error:
        raise UserError(f"MODEL: {other.name} cannot be loaded: {take_first_line(error)}") from None
