"""The choice of an engine on a machine without vLLM; vLLM itself is not run by any test."""

from importlib.util import find_spec

import pytest

from eval.asking.generate_vllm import is_wanted
from recipebook.errors import UserError
from recipebook.recipe.evaluation_keys import Generation

pytestmark = pytest.mark.skipif(find_spec("vllm") is not None, reason="vLLM is installed here")


def test_without_vllm_transformers_generates() -> None:
    assert [is_wanted(Generation(engine=engine)) for engine in ("auto", "transformers")] == [False, False]


def test_vllm_is_refused_where_it_is_not() -> None:
    with pytest.raises(UserError) as error:
        is_wanted(Generation(engine="vllm"))
    assert str(error.value) == (
        "eval.generation.engine: vllm needs the package vllm and a GPU; auto and transformers do not"
    )
