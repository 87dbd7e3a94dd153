"""One document laid over another: mappings are merged, everything else is replaced, and places go with their values."""

from typing import Any

from recipebook.recipe.merging import copy_data, merge_documents, replace_section
from recipebook.recipe.places import Document, Place, Spot


def make(data: dict[str, Any], file: str) -> Document:
    """A document with a place for each key at its top and one below."""
    spot = Spot(Place(file, 1, 1), Place(file, 1, 1))
    paths = [(key,) for key in data] + [
        (key, inner) for key, part in data.items() if isinstance(part, dict) for inner in part
    ]
    return Document(data, {(): spot, **dict.fromkeys(paths, spot)})


def test_mappings_are_merged_and_values_replaced() -> None:
    below = make({"lora": {"r": 32, "alpha": 64}, "remote": {"form": "openai"}}, "below")
    above = make({"lora": {"r": 8}, "eval": {"limit": 9}}, "above")
    merge_documents(below, above)
    assert below.data == {"lora": {"r": 8, "alpha": 64}, "remote": {"form": "openai"}, "eval": {"limit": 9}}
    files = {".".join(map(str, path)): spot.value.file for path, spot in below.places.items() if len(path) == 2}
    assert files == {"lora.r": "above", "lora.alpha": "below", "remote.form": "below", "eval.limit": "above"}


def test_a_section_set_to_null_goes_with_its_places() -> None:
    below = make({"lora": {"r": 32}, "eval": {"limit": 9}}, "below")
    merge_documents(below, make({"lora": None}, "above"))
    assert below.data == {"eval": {"limit": 9}}
    assert set(below.places) == {(), ("eval",), ("eval", "limit")}


def test_what_is_merged_is_a_copy() -> None:
    above = make({"data": {"where": {"topic": ["a"]}}}, "above")
    below = make({}, "below")
    merge_documents(below, above)
    below.data["data"]["where"]["topic"].append("b")
    assert above.data == {"data": {"where": {"topic": ["a"]}}}


def test_a_section_is_replaced_as_a_whole_or_taken_out() -> None:
    document = make({"eval": {"limit": 9, "seed": 1}}, "below")
    replace_section(document, "eval", make({"eval": {"seed": 2}, "lora": {}}, "above"))
    assert document.data == {"eval": {"seed": 2}}
    assert set(document.places) == {(), ("eval",), ("eval", "seed")}
    replace_section(document, "eval", make({}, "above"))
    assert document.data == {}


def test_a_copy_is_equal_and_shares_no_container() -> None:
    value: dict[str, Any] = {"a": [1, {"b": None}], "c": {"d": "x"}}
    copied = copy_data(value)
    assert copied == value
    assert copied is not value
    assert copied["a"] is not value["a"]
    assert copied["a"][1] is not value["a"][1]
    assert copied["c"] is not value["c"]
