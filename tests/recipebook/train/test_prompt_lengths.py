"""Prompts that are too long for the base are counted, with what becomes of them."""

import pytest

from recipebook.recipe.base_model import read_context
from recipebook.recipe.resolve import resolve
from recipebook.recipe.training_keys import Training
from recipebook.train.prompt_lengths import TokenCount, format_beyond, format_room, format_untrained

# The recipe's answers have 128 tokens at most.
COUNTS = [TokenCount(1_024, 1_040), TokenCount(897, 905), TokenCount(896, 1_025), TokenCount(31, 40)]


def test_prompts_without_room_for_an_answer_are_counted() -> None:
    recipe = resolve("robot-lora", "tiny").recipe
    recipe = recipe.model_copy(update={"eval": recipe.eval.model_copy(update={"metrics": {"text": {}}})})
    assert format_room(COUNTS, recipe, 1_024) == [
        "1 of 4 prompts fill the 1,024 tokens that the base reads: their answers are empty",
        "1 of 4 prompts leave fewer than 128 of the 1,024 tokens that the base reads (eval.generation.max_new_tokens): "
        "their answers may be cut off",
    ]
    assert format_room(COUNTS[3:], recipe, 1_024) == []
    assert format_room(COUNTS, recipe, None) == []


def test_given_answers_beyond_the_context_are_counted_where_they_are_measured() -> None:
    recipe = resolve("robot-lora", "tiny").recipe
    recipe = recipe.model_copy(update={"eval": recipe.eval.model_copy(update={"metrics": {"likelihood": {}}})})
    assert format_room(COUNTS, recipe, 1_024) == [
        "2 of 4 prompts with their given answers exceed the 1,024 tokens that the base reads: their likelihoods are "
        "undefined"
    ]


def test_prompts_that_are_longer_than_any_trained_row_are_counted() -> None:
    assert format_untrained(COUNTS, 905) == [
        "2 of 4 prompts with their given answers are longer than training.max_length, 905 tokens: no trained row was"
    ]
    assert format_untrained(COUNTS, 1_040) == []


def test_rows_that_are_trained_on_beyond_what_the_base_reads_are_counted() -> None:
    lengths = [512, 1_024, 1_025, 4_096, 9_000]
    wide = Training(max_length=8_192, too_long="drop")
    assert format_beyond(lengths, wide, 1_024) == [
        "2 of 5 train rows are longer than the 1,024 tokens that the base reads: training.max_length=1024"
    ]
    assert format_beyond(lengths, Training(max_length=8_192, too_long="truncate"), 1_024)[0].startswith("3 of 5 train")
    assert format_beyond(lengths[:2], wide, 1_024) == []
    assert format_beyond(lengths, Training(max_length=1_024, too_long="truncate"), 1_024) == []
    assert format_beyond(lengths, wide, None) == []


@pytest.mark.parametrize(
    ("config", "context"),
    [
        ({"max_position_embeddings": 1024, "n_positions": 5}, 1024),
        ({"n_positions": 512}, 512),
        ({"text_config": {"max_position_embeddings": 32768}, "max_position_embeddings": 5}, 32768),
        ({"max_position_embeddings": None}, None),
        ({}, None),
    ],
)
def test_how_much_a_model_reads_stands_in_its_configuration(config: dict[str, object], context: int | None) -> None:
    assert read_context(config) == context
