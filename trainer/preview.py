"""How Axolotl will see the rows: their lengths, which of their tokens carry loss, and whether evaluation asks the same.

    python -m trainer.preview axolotl.yaml preview.json

writes `{"lengths", "trained", "examples": [[["robot", true], …], …], "passed", "findings"}`: tokens a row and trained
tokens a row, as they are once long rows are cut, in the rows' order; for the first rows the pieces of text with whether
they are trained on; how many rows pass the checks of trainer/checks.py; and what is found in the others, or why they
cannot be written at all: `{"kind": "broken", "text": "the chat template raises: …", "count": 12, "first": "x.json#3"}`.
`progress.json` shows its progress. It is Axolotl's own prompt strategy that tokenises and masks chats, not a copy of
it; of a pair, both answers are shown.
"""

import argparse
import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from axolotl.cli.config import load_cfg
from axolotl.loaders import load_tokenizer
from axolotl.prompt_strategies import load as load_strategy
from axolotl.utils.dict import DictDefault
from jinja2 import TemplateError
from transformers import GenerationConfig

from recipebook.rows import find_kind
from recipebook.text.chat import WrittenTurn, apply_settings, find_end_token
from trainer.checks import MASKED, NOTE, TextFinding, check_chat, check_preference
from trainer.pairs import write_pair, write_single
from trainer.progress import write_progress

MOST_ROWS = 20_000
REPORT_EVERY = 500
EXAMPLES = 2

Pieces = list[tuple[str, bool]]
Row = dict[str, Any]


class Look(NamedTuple):
    """One row: its tokens, how many of them carry loss, how to show it in pieces, trained on or not, and findings."""

    length: int
    trained: int
    show: Callable[[], Pieces]
    findings: list[TextFinding]


class NoTemplateError(Exception):
    """The base's tokenizer has no chat template."""


def preview(config: Path) -> dict[str, Any]:
    """Tokenise the training rows, at most the first 20,000 of them."""
    cfg = load_cfg(str(config))
    tally = RowTally(open_look(cfg))
    lines = list(read_lines(cfg))
    for number, line in enumerate(lines):
        if number % REPORT_EVERY == 0:
            write_progress(Path("progress.json"), "tokens", number, len(lines))
        tally.add(json.loads(line))
    long = next((at for at, one in enumerate(tally.looks) if one.length > cfg.sequence_len), None)
    return {
        "lengths": [one.length for one in tally.looks],
        "trained": [one.trained for one in tally.looks],
        "examples": [one.show() for one in tally.looks[:EXAMPLES]],
        "first": tally.origins[0] if tally.origins else None,
        "first_long": None if long is None else tally.origins[long],
        "passed": tally.passed,
        "findings": list(tally.findings.values()),
    }


def read_lines(cfg: Any) -> Iterator[str]:
    """The training rows that are looked at."""
    with Path(cfg.datasets[0].path).open(encoding="utf-8") as file:
        yield from itertools.islice(file, MOST_ROWS)


class RowTally:
    """What was seen of the rows so far."""

    def __init__(self, look: Callable[[Row], Look]) -> None:
        self.look = look
        self.looks: list[Look] = []
        self.origins: list[str] = []
        self.passed = 0
        self.findings: dict[Any, dict[str, Any]] = {}

    def add(self, row: Row) -> None:
        """Look at a row; one that cannot be written is a finding."""
        try:
            seen = self.look(row)
        except Exception as error:  # whatever a template or a tokenizer does
            self._count([TextFinding("broken", _describe(error) + self._advise(row))], row)
            return
        self.looks.append(seen)
        self.origins.append(row["meta"]["origin"])
        self._count(seen.findings, row)
        self.passed += all(one.kind == NOTE for one in seen.findings)

    def _count(self, found: Iterable[TextFinding], row: Row) -> None:
        for one in found:
            entry = {**one._asdict(), "note": one.kind == NOTE, "count": 0, "first": row["meta"]["origin"]}
            # Notes quote the template, whose words may be others in every row.
            self.findings.setdefault(NOTE if one.kind == NOTE else one, entry)["count"] += 1

    def _advise(self, row: Row) -> str:
        """What to do where it is the system turn that the template refuses."""
        rest = [one for one in row["messages"] if one["role"] != "system"]
        if len(rest) == len(row["messages"]):
            return ""
        try:
            self.look({**row, "messages": rest, "spans": []})
        except Exception:
            return ""
        return "; it takes no system turn: set model.system to fold or drop"


def open_look(cfg: Any) -> Callable[[Row], Look]:
    """What looks at the rows of a training."""
    try:
        tokenizer = load_tokenizer(cfg)
    except ValueError as error:
        if "chat_template is null" in str(error):
            raise NoTemplateError(f"{cfg.base_model} has no chat template") from None
        raise
    return _look_at_preference(cfg, tokenizer) if cfg.rl else _look_at_chat(cfg, tokenizer)


def train_on_ends(cfg: Any, tokenizer: Any) -> None:
    """Name the token that ends a turn to Axolotl, which else trains on the tokenizer's own end alone."""
    end = find_end_token(tokenizer)
    if cfg.get("eot_tokens") is None and end is not None and end != tokenizer.eos_token_id:
        cfg["eot_tokens"] = [tokenizer.decode(end)]


def _look_at_chat(cfg: Any, tokenizer: Any) -> Callable[[Row], Look]:
    train_on_ends(cfg, tokenizer)
    apply_settings(tokenizer, cfg.chat_template_kwargs)
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
        found = check_preference(row["messages"], answers, [WrittenTurn(prompt, text) for text in texts])
        return Look(max(wholes), max(0, min(max(wholes), cut or max(wholes)) - before), lambda: pieces, found)

    return look


def _list_stops(cfg: Any, tokenizer: Any) -> Iterator[int]:
    """The tokens at which evaluation stops, as eval/asking/generate.py collects them."""
    yield from (token for token in (tokenizer.eos_token_id, find_end_token(tokenizer)) if token is not None)
    try:
        own = GenerationConfig.from_pretrained(cfg.base_model, revision=cfg.revision_of_model or "main").eos_token_id
    except OSError:
        # A model without settings of its own.
        return
    yield from own if isinstance(own, list) else [own] if own is not None else []


def _describe(error: Exception) -> str:
    raises = "the chat template raises: "
    what = raises if isinstance(error, TemplateError) else f"cannot be written as text: {type(error).__name__}: "
    return " ".join(f"{what}{error}".split())


def _join(tokenizer: Any, ids: list[int], labels: list[int]) -> Pieces:
    """Neighbouring tokens that are all trained on, or all not, as one piece of text."""
    pieces = itertools.groupby(zip(ids, labels, strict=True), key=lambda pair: pair[1] != MASKED)
    return [(tokenizer.decode([token for token, _ in pairs]), trained) for trained, pairs in pieces]


def main() -> None:
    """Write the preview."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    arguments.out.write_text(json.dumps(preview(arguments.config)), encoding="utf-8")


if __name__ == "__main__":
    main()
