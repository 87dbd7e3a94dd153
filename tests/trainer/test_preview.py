"""What is seen of rows before they are trained on, in a second and without torch, is what the whole engine sees."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, field_validator
from transformers import AutoTokenizer

from recipebook.project import CHAT_TEMPLATES, PROJECT
from recipebook.train.preview import PartPreview
from trainer.preview import write_preview

CHATML = str(CHAT_TEMPLATES / "chatml.jinja")
TODAY = "{{ strftime_now('%d %b %Y') }}\n" + (CHAT_TEMPLATES / "chatml.jinja").read_text(encoding="utf-8")
ENDLESS = "{% for one in messages %}{{ one.role + ': ' + one.content + '\n' }}{% endfor %}"
PICKY = (
    "{% for one in messages %}{{ raise_exception('no') if one.role == 'system' }}{{ one.content + eos_token }}"
    "{% endfor %}"
)
ASKED, SYSTEM = {"role": "user", "content": "go"}, {"role": "system", "content": "Be brief."}
SAID, MORE = {"role": "assistant", "content": "yes"}, {"role": "assistant", "content": "yes " * 40}
CALL = {"id": "a", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
CALLS = {"role": "assistant", "content": "", "tool_calls": [CALL]}
TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}
SPANS = [{"message": 1, "start": 0, "end": 3, "kind": "tool"}]
CHATS: dict[str, Any] = {"type": "chat_template", "roles_to_train": ["assistant"], "train_on_eos": "turn"}
CHATS |= {"message_property_mappings": {key: key for key in ("role", "content", "tool_calls", "tool_call_id")}}

Rows = list[dict[str, Any]]


def chat(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"messages": list(messages), **more}


GOOD = [chat(ASKED, SAID), chat(SYSTEM, ASKED, SAID, ASKED, MORE), chat(ASKED, CALLS, tools=[TOOL])]
PAIRS = [chat(ASKED, chosen=SAID, rejected=MORE), chat(SYSTEM, ASKED, chosen=MORE, rejected=SAID)]
CASES: dict[str, tuple[dict[str, Any], dict[str, Rows]]] = {
    "chats": ({"datasets": CHATS}, {"train": GOOD, "validation": [chat(ASKED, SAID)]}),
    "all tokens": ({"datasets": CHATS, "train_on_inputs": True}, {"train": GOOD}),
    "cut": ({"datasets": CHATS, "excess_length_strategy": "truncate", "sequence_len": 16}, {"train": GOOD}),
    "spans": (
        {"datasets": {**CHATS, "type": "trainer.spans"}, "span_weights": {"tool": 1.0, "fluency": 0.5},
         "plugins": ["trainer.plugin.RunPlugin", "trainer.spans.SpansPlugin"]},
        {"train": [chat(ASKED, SAID, spans=SPANS)]},
    ),
    "pairs": ({"datasets": {"type": "trainer.write_pairs", "split": "train"}, "rl": "dpo"}, {"train": PAIRS}),
    "labelled": (
        {"datasets": {"type": "trainer.write_singles", "split": "train"}, "rl": "kto", "remove_unused_columns": False},
        {"train": [chat(ASKED, answer=SAID, label=True), chat(ASKED, answer=SAID, label=False)]},
    ),
    "endless": ({"datasets": CHATS, "chat_template_jinja": ENDLESS}, {"train": [chat(ASKED, SAID)] * 2}),
    "dated": ({"datasets": CHATS, "chat_template_jinja": TODAY}, {"train": [chat(ASKED, SAID)] * 2}),
    "picky": (
        {"datasets": CHATS, "chat_template_jinja": PICKY},
        {"train": [chat(SYSTEM, ASKED, SAID), chat(ASKED, SAID), chat(SYSTEM, ASKED, SAID)]},
    ),
}  # fmt: skip
DEEPSPEED = {"datasets": CHATS, "deepspeed": "deepspeed.json"}
NO_TEMPLATE = {"datasets": CHATS, "chat_template": "tokenizer_default", "chat_template_jinja": None}


def write_folder(folder: Path, settings: dict[str, Any], parts: dict[str, Rows]) -> Path:
    """A run's folder with the trainer's input."""
    folder.mkdir()
    sets = {}
    for part, rows in parts.items():
        named = [{**row, "meta": {"origin": f"{part}.jsonl#{number}"}} for number, row in enumerate(rows, 1)]
        (folder / f"{part}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in named))
        dataset = {**settings["datasets"], "path": f"{part}.jsonl", "ds_type": "json"}
        sets["datasets" if part == "train" else "test_datasets"] = [dataset]
    config = {
        "base_model": str(PROJECT / "models" / "tiny-base"),
        "chat_template": "jinja",
        "chat_template_jinja": CHATML,
        "sequence_len": 64,
        "excess_length_strategy": "raise",
        "train_on_inputs": False,
        "micro_batch_size": 2,
        "gradient_accumulation_steps": 1,
        "learning_rate": 0.001,
        "num_epochs": 1,
        "output_dir": "model",
        **settings,
        **sets,
    }
    written = {key: value for key, value in config.items() if value is not None}
    (folder / "axolotl.yaml").write_text(yaml.safe_dump(written))
    return folder


def run(folders: list[Path], *options: str) -> None:
    """Look at the rows of some folders in one process."""
    command = [sys.executable, "-m", "trainer.preview", *options, *map(str, folders)]
    subprocess.run(command, check=True, cwd=PROJECT, capture_output=True)


def read(folder: Path) -> dict[str, PartPreview]:
    found = json.loads((folder / "preview.json").read_bytes())
    return {part: PartPreview.model_validate(seen) for part, seen in found.items()}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder for each case, looked at without the engine."""
    root = tmp_path_factory.mktemp("previews")
    written = {name: write_folder(root / name, *case) for name, case in CASES.items()}
    templated = [chat(ASKED, CALLS), chat(SYSTEM, ASKED, CALLS, SAID), chat(ASKED, chosen=CALLS, rejected=SAID)]
    (written["chats"] / "templated.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in templated))
    (written["picky"] / "templated.jsonl").write_text(json.dumps(templated[1]))
    held_out = [chat(ASKED, SAID), chat(ASKED, chosen=SAID, rejected=CALLS), chat(ASKED)]
    (written["chats"] / "held-out.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in held_out))
    written["no template"] = write_folder(root / "no template", NO_TEMPLATE, {"train": [chat(ASKED, SAID)]})
    run(list(written.values()))
    return written


def test_chats_have_lengths_pieces_and_passes(folders: dict[str, Path]) -> None:
    seen = read(folders["chats"])
    assert seen["train"].rows == 3
    assert seen["train"].passed == 3
    assert seen["train"].first == "train.jsonl#1"
    assert seen["train"].first_long == "train.jsonl#2"
    assert seen["train"].findings == ()
    asked, answered = seen["train"].examples[0][:2]
    assert asked == ("<|im_start|>user\ngo<|im_end|>\n<|im_start|>assistant\n", False)
    assert answered == ("yes<|im_end|>", True)
    assert seen["validation"].passed == 1


def test_references_are_what_evaluation_reads(folders: dict[str, Path]) -> None:
    call = '<tool_call>{"name": "add", "arguments": {"a": 1}}</tool_call>'
    assert json.loads((folders["chats"] / "references.json").read_bytes()) == [call, "yes", call]
    assert json.loads((folders["picky"] / "references.json").read_bytes()) == [None]
    assert not (folders["pairs"] / "references.json").exists()


def test_held_out_prompts_are_counted_in_tokens_with_the_longest_of_their_given_answers(
    folders: dict[str, Path],
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(PROJECT / "models" / "tiny-base")
    prompt = "<|im_start|>user\ngo<|im_end|>\n<|im_start|>assistant\n"
    call = '<tool_call>{"name": "add", "arguments": {"a": 1}}</tool_call>'
    texts = [prompt, f"{prompt}yes<|im_end|>", f"{prompt}{call}<|im_end|>"]
    asked, short, long = map(len, tokenizer(texts, add_special_tokens=False)["input_ids"])
    assert json.loads((folders["chats"] / "lengths.json").read_bytes()) == [[asked, short], [asked, long]]


def test_tokens_beyond_the_cut_carry_no_loss(folders: dict[str, Path]) -> None:
    assert read(folders["cut"])["train"].trained[1] < read(folders["chats"])["train"].trained[1]


def test_answers_that_never_end_do_not_pass(folders: dict[str, Path]) -> None:
    seen = read(folders["endless"])["train"]
    assert seen.passed == 0
    assert [(one.kind, one.count, one.first) for one in seen.findings if not one.note] == [("end", 2, "train.jsonl#1")]


def test_a_template_that_writes_todays_date_is_named_and_passes(folders: dict[str, Path]) -> None:
    seen = read(folders["dated"])["train"]
    text = "the chat template writes today's date: on another day, evaluation asks by another text"
    assert [(one.text, one.count) for one in seen.findings if one.kind == "date"] == [(text, 2)]
    assert seen.passed == 2


def test_a_template_that_refuses_system_turns_names_the_way_out(folders: dict[str, Path]) -> None:
    seen = read(folders["picky"])["train"]
    assert seen.passed == 1
    assert [(one.text, one.count, one.first) for one in seen.broken] == [
        (
            "the chat template raises: no; it takes no system turn: set model.system to fold or drop",
            2,
            "train.jsonl#1",
        )
    ]


def test_a_base_without_a_template_is_named_and_keeps_no_other_from_being_looked_at(folders: dict[str, Path]) -> None:
    folder = folders["no template"]
    assert not (folder / "preview.json").exists()
    assert (folder / "preview.txt").read_text() == "NoTemplateError: the base has no chat template"


class Settings(BaseModel):
    """As Axolotl's, on a card without fp8."""

    fp8: bool

    @field_validator("fp8")
    @classmethod
    def refuse(cls, fp8: bool) -> bool:
        raise ValueError("fp8 requested, but fp8 is not supported on this GPU")


def test_settings_that_the_engine_refuses_are_told_in_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_preview(tmp_path, lambda _: (Settings(fp8=True), None))
    assert (tmp_path / "preview.txt").read_text() == (
        "Axolotl refuses the recipe's settings: fp8 requested, but fp8 is not supported on this GPU"
    )


def test_the_whole_engine_sees_the_same(folders: dict[str, Path], tmp_path: Path) -> None:
    light = {name: read(folders[name]) for name in CASES}
    again = {name: write_folder(tmp_path / name, *case) for name, case in CASES.items()}
    run(list(again.values()), "--whole")
    assert {name: read(folder) for name, folder in again.items()} == light


def test_deepspeed_is_checked_and_not_started(tmp_path: Path) -> None:
    rows: dict[str, Rows] = {"train": [chat(ASKED, SAID)]}
    good = write_folder(tmp_path / "good", DEEPSPEED, rows)
    bad = write_folder(tmp_path / "bad", {**DEEPSPEED, "optimizer": "muon"}, rows)
    for folder in (good, bad):
        (folder / "deepspeed.json").write_text('{"zero_optimization": {"stage": 3}}')
    run([good, bad], "--whole")
    assert read(good)["train"].passed == 1
    assert "Muon optimizer is currently incompatible with DeepSpeed" in (bad / "preview.txt").read_text()


def test_a_look_needs_no_torch(folders: dict[str, Path]) -> None:
    code = "import sys, trainer.preview as look; look.main(); assert not sys.modules['torch']; print(len(sys.modules))"
    command = [sys.executable, "-c", code, str(folders["chats"])]
    done = subprocess.run(command, check=True, cwd=PROJECT, capture_output=True, text=True)
    # The whole engine has some 6,000.
    assert int(done.stdout) < 1_500


def test_a_full_disk_says_nothing_of_the_rows(tmp_path: Path) -> None:
    code = """if True:
        import errno, sys
        from pathlib import Path
        import trainer.preview as look
        def load(config):
            raise OSError(errno.ENOSPC, "No space left on device")
        look.stand_in()
        look.write_preview(Path(sys.argv[1]), load)"""
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, check=False, cwd=PROJECT, capture_output=True, text=True)
    assert done.stderr.endswith("OSError: [Errno 28] No space left on device\n")
    assert list(tmp_path.iterdir()) == []
