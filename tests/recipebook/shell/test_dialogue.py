"""What an answer asks for, and what it is answered."""

import pytest

from recipebook.shell.dialogue import Action, format_rules, observe, open_dialogue, parse_action


@pytest.mark.parametrize(
    ("answer", "action"),
    [
        ("I look.\n\nAct: bash\n```bash\nls /srv\n```", Action("bash", "ls /srv")),
        ("Act: bash\n```bash\ncd /\nls\n```\nThen:\nAct: bash\n```bash\nrm x\n```", Action("bash", "cd /\nls\n\nrm x")),
        ("It is done.\n\nAct: finish", Action("finish", "")),
        ("Act: finish. Or Act: bash\n```bash\nls\n```", Action("finish", "")),
        ("It is done.", Action("invalid", "")),
        ("Act: bash", Action("invalid", "")),
        ("Act: bash\n```\nls\n```", Action("invalid", "")),
        ("Act: wait", Action("invalid", "")),
        ("", Action("invalid", "")),
    ],
)  # fmt: skip
def test_the_first_act_decides_and_all_blocks_are_one_command(answer: str, action: Action) -> None:
    assert parse_action(answer) == action


def test_a_dialogue_begins_with_the_rules_and_the_task() -> None:
    assert open_dialogue("Delete x.") == [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": format_rules()},
        {"role": "assistant", "content": "OK."},
        {"role": "user", "content": "Delete x."},
    ]


def test_the_rules_name_the_rounds_that_an_episode_has() -> None:
    assert "You have 5 rounds. " in format_rules()
    assert "You have 3 rounds. " in open_dialogue("Delete x.", rounds=3)[1]["content"]
    assert "You have 1 round. " in format_rules(1)


def test_an_observation_is_the_output_and_what_happened_to_it() -> None:
    assert observe("") == "The output of the OS is empty."
    assert observe("a\n") == "The output of the OS:\n\na\n"
    assert observe("", ended_after=20) == "The output of the OS:\n\nThe command was ended after 20 seconds."
    assert observe("y\n", ended_after=2.5, cut=True) == (
        "The output of the OS:\n\ny\n\n[The rest of the output was left out.]\nThe command was ended after 2.5 seconds."
    )
    assert observe("", lost=True) == (
        "The output of the OS:\n\nThe machine was ended: the command took too much memory, or broke it."
    )
