"""Before the model is loaded, training refuses rows of which none passes the checks of their text."""

import json
from pathlib import Path
from typing import Any

import pytest
from axolotl.utils.dict import DictDefault

from recipebook.project import PROJECT
from trainer.preview import NoTemplateError, open_look
from trainer.refusal import find_reason, refuse_unfit

ENDLESS = "{% for one in messages %}{{ one.role + ': ' + one.content + '\n' }}{% endfor %}"
PICKY = "{% for one in messages %}{{ raise_exception('no') if one.role == 'system' }}{{ one.content + eos_token }}"
ASKED, SYSTEM = {"role": "user", "content": "go"}, {"role": "system", "content": "Be brief."}


def write_config(folder: Path, template: str, *chats: list[dict[str, str]]) -> Any:
    """What Axolotl's configuration says of the rows, the tokenizer and its template."""
    path = folder / "train.jsonl"
    rows = [
        {"messages": [*chat, {"role": "assistant", "content": "yes"}], "meta": {"origin": f"x.jsonl#{number}"}}
        for number, chat in enumerate(chats, 1)
    ]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    base, dataset = str(PROJECT / "models" / "tiny-base"), {"path": str(path), "type": "chat_template"}
    return DictDefault(
        {
            "base_model": base,
            "tokenizer_config": base,
            "chat_template": "jinja" if template else "tokenizer_default",
            "chat_template_jinja": template or None,
            "datasets": [{**dataset, "roles_to_train": ["assistant"], "train_on_eos": "turn"}],
            "train_on_inputs": False,
            "sequence_len": 64,
        }
    )


def test_rows_whose_answers_never_end_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        refuse_unfit(write_config(tmp_path, ENDLESS, [ASKED], [ASKED]))
    assert end.value.code == 2
    assert (tmp_path / "refused.txt").read_text() == (
        "x.jsonl#1: an answer does not end with a token that stops generation and carries loss "
        "(2 of 2 train rows, and none passes)"
    )


def test_one_row_that_passes_is_enough(tmp_path: Path) -> None:
    cfg = write_config(tmp_path, PICKY + "{% endfor %}", [SYSTEM, ASKED], [ASKED])
    assert find_reason(cfg) is None


def test_a_template_that_refuses_system_turns_names_the_way_out(tmp_path: Path) -> None:
    cfg = write_config(tmp_path, PICKY + "{% endfor %}", [SYSTEM, ASKED], [SYSTEM, ASKED])
    assert find_reason(cfg) == (
        "x.jsonl#1: the chat template raises: no; it takes no system turn: set model.system to fold or drop "
        "(2 of 2 train rows, and none passes)"
    )


def test_a_tokenizer_without_a_template_is_no_ground_to_train_on(tmp_path: Path) -> None:
    cfg = write_config(tmp_path, "", [ASKED])
    with pytest.raises(NoTemplateError, match=r"has no chat template$"):
        open_look(cfg)
    assert str(find_reason(cfg)).endswith("models/tiny-base has no chat template")
