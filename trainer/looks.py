"""A row in; its tokens, which of them carry loss, and what is wrong with its text out, as training will see it.

    look = open_look(cfg, tokenizer)
    look(row) → Look(length=31, trained=14, show=…, findings=[])

It is Axolotl's own prompt strategy that tokenises and masks chats, not a copy of it; of a pair, both answers are shown.
Nothing is rendered or tokenised twice.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from recipebook.rows import find_kind
from recipebook.text.chat import WrittenTurn, apply_settings, find_end_token, render
from trainer.checks import DATED, MASKED, TextFinding, check_chat, check_preference
from trainer.pairs import write_pair, write_single
from trainer.remembering import RememberingTokenizer

Pieces = list[tuple[str, bool]]
OWN_ANSWERS = "(the model's own answers)"
Row = dict[str, Any]


class Look(NamedTuple):
    """One row: its tokens, how many of them carry loss, how to show it in pieces, trained on or not, and findings."""

    length: int
    trained: int
    show: Callable[[], Pieces]
    findings: list[TextFinding]


def open_look(cfg: Any, tokenizer: Any) -> Callable[[Row], Look]:
    """What looks at the rows of a training."""
    remembering = RememberingTokenizer(tokenizer)
    apply_settings(tokenizer, cfg.chat_template_kwargs)
    looks = {None: _look_at_chat, "grpo": _look_at_task}
    look = looks.get(cfg.rl, _look_at_preference)(cfg, remembering)

    # The function by which a template asks for the time.
    dated = [DATED] if "strftime_now" in str(tokenizer.chat_template) else []

    def look_afresh(row: Row) -> Look:
        remembering.forget()
        seen = look(row)
        return seen._replace(findings=[*seen.findings, *dated])

    return look_afresh


def train_on_ends(cfg: Any, tokenizer: Any) -> None:
    """Name the token that ends a turn to Axolotl, which else trains on the tokenizer's own end alone."""
    end = find_end_token(tokenizer)
    if cfg.get("eot_tokens") is None and end is not None and end != tokenizer.eos_token_id:
        cfg["eot_tokens"] = [tokenizer.decode(end)]


def _look_at_chat(cfg: Any, tokenizer: Any) -> Callable[[Row], Look]:
    # Late: a preference needs nothing of Axolotl.
    from axolotl.prompt_strategies import load as load_strategy
    from axolotl.utils.dict import DictDefault

    train_on_ends(cfg, tokenizer)
    settings = DictDefault(cfg.datasets[0])
    strategy = load_strategy(settings.type, tokenizer, cfg, settings)
    stops = set(_list_stops(cfg, tokenizer))
    learns_all = cfg.train_on_inputs or "user" in (settings.roles_to_train or ())
    cut = cfg.sequence_len if cfg.excess_length_strategy == "truncate" else None

    def look(row: Row) -> Look:
        tokens = strategy.tokenize_prompt(row)
        ids, labels = tokens["input_ids"], tokens["labels"]
        found = check_chat(tokenizer, row, ids, labels, stops, learns_all=learns_all)
        trained = sum(label != MASKED for label in labels[:cut])
        return Look(len(ids), trained, lambda: _join(tokenizer, ids, labels), found)

    return look


def _look_at_preference(cfg: Any, tokenizer: Any) -> Callable[[Row], Look]:
    """Of a pair, the length is that of the prompt with the longer answer: the one that must fit."""
    cut = cfg.sequence_len if cfg.excess_length_strategy == "truncate" else None

    def look(row: Row) -> Look:
        if find_kind(row) == "labelled":
            single = write_single(row, tokenizer)
            prompt, texts, answers = single["prompt"], [single["completion"]], [row["answer"]]
            pieces = [(prompt, False), ("" if single["label"] else "not ", False), (texts[0], True)]
        else:
            pair = write_pair(row, tokenizer)
            prompt, texts, answers = (
                pair["prompt"],
                [pair["chosen"], pair["rejected"]],
                [row["chosen"], row["rejected"]],
            )
            pieces = [(prompt, False), (texts[0], True), (" and not ", False), (texts[1], True)]
        before, *wholes = (len(tokenizer(text)["input_ids"]) for text in (prompt, *(prompt + text for text in texts)))
        found = check_preference(row, answers, [WrittenTurn(prompt, text) for text in texts])
        return Look(max(wholes), max(0, min(max(wholes), cut or max(wholes)) - before), lambda: pieces, found)

    return look


def _look_at_task(cfg: Any, tokenizer: Any) -> Callable[[Row], Look]:
    """Of a task, the length is that of the messages before the first answer; the answers are the model's own."""

    def look(row: Row) -> Look:
        if "task" not in row["meta"]:
            raise ValueError("it is no shell task: the converter shell_tasks makes rows that are")
        prompt = render(tokenizer, row["messages"][:-1], add_generation_prompt=True)
        length = len(tokenizer(prompt, add_special_tokens=False)["input_ids"])
        own = cfg.episodes["answer_tokens"]
        return Look(length + own, own, lambda: [(prompt, False), (OWN_ANSWERS, True)], [])

    return look


def _list_stops(cfg: Any, tokenizer: Any) -> Iterator[int]:
    """The tokens at which evaluation stops, as eval/asking/generate.py collects them."""
    # Late, since it is imported with the parts of transformers that need torch, where torch is there.
    from transformers import GenerationConfig

    yield from (token for token in (tokenizer.eos_token_id, find_end_token(tokenizer)) if token is not None)
    try:
        own = GenerationConfig.from_pretrained(cfg.base_model, revision=cfg.revision_of_model or "main").eos_token_id
    except OSError:
        # A model without settings of its own.
        return
    yield from own if isinstance(own, list) else [own] if own is not None else []


def _join(tokenizer: Any, ids: list[int], labels: list[int]) -> Pieces:
    """Neighbouring tokens that are all trained on, or all not, as one piece of text."""
    pieces = itertools.groupby(zip(ids, labels, strict=True), key=lambda pair: pair[1] != MASKED)
    return [(tokenizer.decode([token for token, _ in pairs]), trained) for trained, pairs in pieces]
