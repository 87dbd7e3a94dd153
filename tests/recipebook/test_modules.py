"""Extensions are found by their files' names, in any project's tree."""

from pathlib import Path

import pytest

from recipebook.errors import UserError
from recipebook.modules import (
    CHAT_TEMPLATE,
    CONVERTER,
    EXPORT,
    METRIC,
    PROFILE,
    SERVICE,
    STAGE,
    TEMPLATE,
    Kind,
    describe_missing,
    find,
    list_names,
    load,
)
from recipebook.project import PROJECT


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (CONVERTER, "robot"),
        (METRIC, "robot"),
        (EXPORT, "sharegpt"),
        (SERVICE, "together"),
        (STAGE, "generate_pairs"),
        (TEMPLATE, "sft"),
        (CHAT_TEMPLATE, "chatml"),
        (PROFILE, "tiny"),
    ],
)
def test_every_kind_is_listed_and_found(kind: Kind, name: str) -> None:
    assert name in list_names(kind)
    assert find(kind, name).is_file()


@pytest.mark.parametrize(
    ("kind", "name", "line"),
    [
        (CONVERTER, "robto", "no converter 'robto' in converters/; did you mean 'robot'? it has: chat, echo, gemini, "
         "glaive, helpsteer, oasst, persona, preference, ranked, rated, robot, sessions, shell_tasks, toolformer, "
         "tools, trait"),
        (METRIC, "spam", "no metric 'spam' in eval/metrics/; did you mean 'spans'? it has: embedding, likelihood, "
         "overlap, persona, preference, robot, shell, spans, text, tool_calls, toolformer"),
        (EXPORT, "sharegtp", "no export 'sharegtp' in exports/; did you mean 'sharegpt'? it has: axolotl_preference, "
         "openai, prompt_completion, sharegpt, trl_preference"),
        (SERVICE, "nobody", "no service 'nobody' in services/; it has: together"),
        (STAGE, "merged", "no kind of stage 'merged' in stages/; did you mean 'merge'? it has: augment, evaluate, "
         "generate_conversations, generate_pairs, merge"),
        (TEMPLATE, "dpoo", "no template 'dpoo' in templates/; did you mean 'dpo'? it has: dpo, grpo, ipo, kto, "
         "orpo, pretrain, sft, simpo"),
        (CHAT_TEMPLATE, "chatlm", "no chat template 'chatlm' in templates/chat/; did you mean 'chatml'? it has: "
         "chatml, instruct"),
        (PROFILE, "tinny", "no profile 'tinny' in recipes/profiles/; did you mean 'tiny'? it has: cpu, gpu, mps, "
         "multi-gpu, small, tiny, together"),
    ],
)  # fmt: skip
def test_a_missing_one_is_one_line_with_those_there_are(kind: Kind, name: str, line: str) -> None:
    assert describe_missing(kind, name) == line
    with pytest.raises(UserError) as error:
        find(kind, name)
    assert str(error.value) == line


def test_names_that_begin_with_an_underscore_or_a_dot_are_no_extensions(tmp_path: Path) -> None:
    (tmp_path / "converters").mkdir()
    for name in ("one.py", "__init__.py", "_shared.py", ".#one.py", "notes.md"):
        (tmp_path / "converters" / name).touch()
    assert list_names(CONVERTER, tmp_path) == ["one"]


def test_a_folder_that_is_not_there_has_none(tmp_path: Path) -> None:
    assert describe_missing(CONVERTER, "robot", tmp_path) == "no converter 'robot' in converters/; it has: nothing yet"


@pytest.mark.parametrize("name", ["../converters/robot", "_turns", "", "a.b", "two\nlines"])
def test_what_is_no_name_is_no_path_either(name: str) -> None:
    with pytest.raises(UserError, match="no converter"):
        load(CONVERTER, name)


def test_a_name_that_stands_for_no_file_is_offered_with_the_others() -> None:
    assert describe_missing(CHAT_TEMPLATE, "tokenizer", also=("tokenizer",)) is None
    assert describe_missing(CHAT_TEMPLATE, "tokeniser", also=("tokenizer",)) == (
        "no chat template 'tokeniser' in templates/chat/; did you mean 'tokenizer'? it has: chatml, instruct, tokenizer"
    )


def test_modules_of_another_tree_are_its_own(tmp_path: Path) -> None:
    (tmp_path / "converters").mkdir()
    (tmp_path / "converters" / "robot.py").write_text("WHOSE = 'theirs'\n")
    assert load(CONVERTER, "robot", tmp_path).WHOSE == "theirs"
    assert load(CONVERTER, "robot", tmp_path) is load(CONVERTER, "robot", tmp_path)
    assert load(CONVERTER, "robot").__name__ == "converters.robot"
    assert load(METRIC, "robot", PROJECT).__name__ == "eval.metrics.robot"
