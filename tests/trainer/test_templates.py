"""Chat templates of the installed packages and of real models' kinds: training's text is evaluation's, or it is named.

For each template and each kind of row, Axolotl's own strategy tokenises and masks. Where the three checks pass,
evaluation's prompts and answers are training's tokens, one by one, and an answer word for word as trained is the
reference; elsewhere the finding has a name.
"""

from typing import Any

import pytest

from tests.trainer.templates import Seen, list_templates, look

END = "{{ '<|im_end|>\\n' }}"
OPEN = "{{ '<|im_start|>' + message['role'] + '\\n' }}"
LAST = "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
EACH = "{% for message in messages %}"
CALLS = (
    "{% for call in message.tool_calls or [] %}<call>{{ call.function.name }}{{ call.function.arguments | tojson }}"
    "</call>{% endfor %}"
)
THOUGHTS = "{% if message['role'] == 'assistant' and '</think>' not in message['content'] %}<think>\n\n</think>\n\n"
LIST_TOOLS = "{% for tool in tools or [] %}{{ tool | tojson }}{% endfor %}"
SAY = "{{ message['content'] }}"
REFUSE = "{% if message['role'] == 'system' %}{{ raise_exception('no system turns here') }}{% endif %}"
LAST_USER = (
    "{% set ns = namespace(last=-1) %}{% for message in messages %}{% if message['role'] == 'user' %}"
    "{% set ns.last = loop.index0 %}{% endif %}{% endfor %}"
)
FORGET = (
    "{% set text = message['content'] %}{% if loop.index0 < ns.last and '</think>' in text %}"
    "{% set text = text.split('</think>')[-1].lstrip() %}{% endif %}"
)
# Written as templates of well-known models are.
KINDS_OF_MODELS = {
    "objects": LIST_TOOLS + EACH + OPEN + SAY + CALLS + END + LAST,
    "empty thoughts": EACH + OPEN + THOUGHTS + "{% endif %}" + SAY + END + LAST,
    "no system": EACH + REFUSE + OPEN + SAY + END + LAST,
    "no thoughts in history": LAST_USER + EACH + FORGET + OPEN + "{{ text }}" + END + LAST,
    "space": EACH + "{{ message['role'] + ': ' + message['content'] + eos_token }}" + "{% endfor %}",
    "no end": EACH + OPEN + SAY + "\n" + LAST,
    "hidden": "{% macro write(one) %}{{ one.content }}{% if one.tool_calls %}{{ one.tool_calls | tojson }}{% endif %}"
    + "{% endmacro %}"
    + EACH + OPEN + "{{ write(message) }}" + END + LAST,
}  # fmt: skip


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def say(text: str, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": text, **more}


def call(arguments: str, name: str = "abcdefghi") -> dict[str, Any]:
    return {"id": name, "type": "function", "function": {"name": "add", "arguments": arguments}}


def give(text: str, name: str = "abcdefghi") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": name, "name": "add", "content": text}


NUMBER = {"type": "integer", "description": "a number"}
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "add",
            "description": "Add.",
            "parameters": {"type": "object", "properties": {"a": NUMBER, "b": NUMBER}, "required": ["a"]},
        },
    }
]
ONE, TWO = [call('{"a":1,"b":2}')], [call('{"a":1}'), call('{"a": "café"}', "123456789")]
THINKS = "<think>\nA road.\n</think>\n\nrobot.move(1)"
ROWS: dict[str, dict[str, Any]] = {
    "plain": {"messages": [user("Go ahead."), say("robot.move(1)")]},
    "system": {"messages": [{"role": "system", "content": "Be brief."}, user("Go ahead."), say("robot.move(1)")]},
    "tools": {"messages": [user("add"), say("", tool_calls=ONE), give("3"), say("It is 3.")], "tools": TOOLS},
    "calls": {
        "messages": [user("add"), say("", tool_calls=TWO), give("3"), give("4", "123456789"), say("It is 3.")],
        "tools": TOOLS,
    },
    "thinking": {"messages": [user("Go ahead."), say("robot.move(1)", reasoning_content="A road.")]},
    "thoughts": {"messages": [user("Go ahead."), say(THINKS)]},
    "turns": {"messages": [user("Go ahead."), say("robot.move(1)"), user("And stop."), say("robot.stop()")]},
    "thoughts in turns": {"messages": [user("Go ahead."), say(THINKS), user("And stop."), say(THINKS)]},
}
TEMPLATES = dict(list_templates())
SHORT = (
    "recipebook/chatml", "recipebook/instruct", "axolotl/qwen3", "axolotl/llama3", "axolotl/gemma3",
    "axolotl/mistral_v7_tekken", "axolotl/phi_4", "trl/qwen3", "trl/gptoss", "trl/qwen2_5", "trl/llama3_1",
)  # fmt: skip

# Plain chats that these can write and that fail: no token ends an answer, or content is taken for a list of parts.
UNFIT = {
    "axolotl/llava": "end",
    "trl/glm4moe": "end",
    "trl/idefics3": "answer, prompt",
    "trl/idefics3_training": "answer, prompt",
}


@pytest.mark.parametrize("name", SHORT)
def test_evaluation_asks_as_training_writes_or_the_finding_is_named(name: str) -> None:
    check(name)


@pytest.mark.long
@pytest.mark.parametrize("name", TEMPLATES)
def test_so_it_is_with_every_template_that_is_installed(name: str) -> None:
    check(name)


def check(name: str) -> None:
    """Every kind of row: plain chats pass wherever they can be written."""
    for kind, row in ROWS.items():
        seen = look(TEMPLATES[name], row)
        if seen.outcome == "passes":
            assert seen.asked == seen.runs, kind
            assert seen.references == seen.answers, kind
        else:
            assert seen.outcome.startswith("broken: ") or set(seen.outcome.split(", ")) <= {"prompt", "answer", "end"}
            assert kind != "plain" or seen.outcome.startswith("broken: ") or seen.outcome == UNFIT[name]


@pytest.mark.parametrize(
    ("name", "failing"),
    [
        ("objects", {"thinking": "answer"}),
        ("empty thoughts", {"thinking": "answer", "tools": "answer", "calls": "answer"}),
        (
            "no system",
            {
                "system": "broken: no system turns here",
                "thinking": "answer",
                "tools": "answer",
                "calls": "answer",
            },
        ),
        (
            "no thoughts in history",
            {"thinking": "answer", "tools": "answer", "calls": "answer", "thoughts in turns": "answer"},
        ),
        ("space", {"thinking": "answer", "tools": "answer", "calls": "answer"}),
        ("hidden", {"thinking": "answer"}),
        ("no end", {"tools": "answer, end", "calls": "answer, end", "thinking": "answer, end"} | dict.fromkeys(
            ("plain", "system", "thoughts", "turns", "thoughts in turns"), "end"
        )),
    ],
)  # fmt: skip
def test_what_a_models_kind_of_template_cannot_write_is_named(name: str, failing: dict[str, str]) -> None:
    seen = {kind: look(KINDS_OF_MODELS[name], row) for kind, row in ROWS.items()}
    assert {kind: one.outcome for kind, one in seen.items() if one.outcome != "passes"} == failing
    for one in seen.values():
        if one.outcome == "passes":
            assert one.asked == one.runs
            assert one.references == one.answers


def test_an_answer_with_calls_is_the_text_that_training_writes() -> None:
    assert look(KINDS_OF_MODELS["objects"], ROWS["tools"]).references == [
        '<call>add{"a": 1, "b": 2}</call>',
        "It is 3.",
    ]


def test_a_turn_that_is_not_learned_is_not_checked() -> None:
    messages = ROWS["thoughts in turns"]["messages"]
    row = {"messages": [messages[0], {**messages[1], "train": False}, *messages[2:]]}
    seen = look(KINDS_OF_MODELS["no thoughts in history"], row)
    assert (seen.outcome, len(seen.runs)) == ("passes", 1)


def test_what_is_seen_is_named() -> None:
    assert look(KINDS_OF_MODELS["empty thoughts"], ROWS["plain"]) == Seen(
        "passes", [(28, 35)], [(28, 35)], ["robot.move(1)"], ["robot.move(1)"]
    )
