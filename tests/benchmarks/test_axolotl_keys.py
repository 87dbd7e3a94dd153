"""The page that says which of Axolotl's own keys act in a LoRA SFT run: its keys, its counts, how it is made."""

import ast
import re
from collections import Counter

import pytest

from benchmarks.axolotl_keys import AS_IT_IS, PAGE, VERDICTS, Verdict, judge, list_reads, render
from benchmarks.axolotl_values import INSTEAD_OF, PARTNERS, VALUES, choose_value
from recipebook.recipe.axolotl_keys import known_keys, snapshot

TEXT = PAGE.read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| (\w+) \|", TEXT, re.MULTILINE))


def test_the_page_lists_exactly_the_keys_of_the_snapshot() -> None:
    assert ROWS.keys() == known_keys(), "run python -m benchmarks.axolotl_keys"
    assert list(ROWS) == sorted(ROWS)
    assert f"Axolotl {snapshot()['axolotl']} accepts" in TEXT


def test_the_counts_on_top_are_those_of_the_table() -> None:
    counts = Counter(ROWS.values())
    told = dict(re.findall(r"^\| (\w+) \| (\d+) \|", TEXT, re.MULTILINE))
    assert {word: int(count) for word, count in told.items()} == {word: counts[word] for word in VERDICTS}
    acting = counts["yes"] + counts["with"] + counts["stops"]
    assert f"**{acting} act**" in TEXT
    others = len(ROWS) - acting - counts["later"] - counts["alike"]
    assert f"The other {others} do nothing there." in TEXT


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("lora_model_dir", "`model.adapter`"),
        ("output_dir", "set by the runner"),
        ("embedding_lr", "`axolotl.embedding_lr`"),
    ],
)
def test_each_key_has_the_name_by_which_a_recipe_sets_it(key: str, name: str) -> None:
    assert f"\n| `{key}` | {name} | " in TEXT


@pytest.mark.parametrize("key", ["lora_r", "lora_dropout", "learning_rate", "seed", "neftune_noise_alpha"])
def test_keys_that_are_known_to_act_do(key: str) -> None:
    assert ROWS[key] == "yes"


@pytest.mark.parametrize("key", ["rl_beta", "kto_desirable_weight", "vllm", "gradio_title", "role_boundaries"])
def test_keys_of_other_ways_to_train_do_not(key: str) -> None:
    assert ROWS[key] in ("elsewhere", "alike", "refused", "no")


def test_values_are_of_keys_that_axolotl_has() -> None:
    named = {*VALUES, *PARTNERS, *INSTEAD_OF, *(key for partner in PARTNERS.values() for key in partner)}
    assert named <= known_keys()


def test_a_value_is_another_than_the_runs_own() -> None:
    definitions = {"Kind": {"enum": ["a", "b"], "type": "string"}}
    assert choose_value("any", {"type": "integer"}, {}, 32) == 35
    assert choose_value("any", {"anyOf": [{"type": "boolean"}, {"type": "null"}]}, {}, True) is False
    assert choose_value("any", {"$ref": "#/$defs/Kind"}, definitions, "a") == "b"
    assert choose_value("any", {"type": "number"}, {}, 0.25) == 0.5


def test_reads_are_found_however_they_are_written() -> None:
    source = (
        "a = cfg.one\nself.cfg.two\ncfg.get('three')\ngetattr(self.cfg, 'four')\ncfg['five']\n"
        "for arg in ['six']:\n    getattr(cfg, arg)\nother.seven\ncfg.eight = 1\n"
    )
    assert {*list_reads(ast.parse(source))} - {"get"} == {"one", "two", "three", "four", "five", "six"}


def test_a_verdict_is_of_what_differs_or_else_of_who_reads() -> None:
    base = {"facts": {"arguments.seed": "1"}, "reads": {"seed": ["train"], "quiet": ["loaders/model"]}}
    found = {
        AS_IT_IS: base,
        "seed": {"facts": {"arguments.seed": "2"}, "reads": {}},
        "odd": {"error": "ValidationError: Value error, needs even [type=x", "at": "utils/config"},
        "heavy": {"error": "RuntimeError: no GPU", "at": "loaders/model"},
        "quiet": base,
        "saved": base,
        "rl_only": base,
        "dead": base,
    }
    judged = {
        key: judge(key, found, readers)
        for key, readers in {
            "seed": set(), "odd": set(), "heavy": set(), "quiet": set(), "saved": {"train"},
            "rl_only": {"core/builders/rl"}, "dead": set(),
        }.items()
    }  # fmt: skip
    assert judged["seed"] == Verdict("yes", "`arguments.seed`", ("train",))
    assert judged["odd"] == Verdict("refused", "ValidationError: Value error, needs even", ())
    assert {key: verdict.word for key, verdict in judged.items()} == {
        "seed": "yes", "odd": "refused", "heavy": "stops", "quiet": "alike", "saved": "later",
        "rl_only": "elsewhere", "dead": "no",
    }  # fmt: skip
    assert "| `heavy` | `axolotl.heavy` | stops | RuntimeError: no GPU |  |" in render(judged)
