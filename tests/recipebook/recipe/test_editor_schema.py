import json

from recipebook.recipe.editor_schema import EDITOR_SCHEMA, render


def test_the_written_schema_is_current() -> None:
    assert render() == EDITOR_SCHEMA.read_text(), "run python -m recipebook.recipe.editor_schema"


def test_editors_see_axolotls_keys_but_not_those_with_a_place_of_their_own() -> None:
    keys = json.loads(render())["properties"]["axolotl"]["properties"]
    assert keys["flash_attention"] == {"anyOf": [{"type": "boolean"}, {"type": "null"}]}
    assert keys["trl"] == {"anyOf": [{"$ref": "#/$defs/TRLConfig"}, {"type": "null"}]}
    assert "liger_rope" in keys
    assert {"learning_rate", "output_dir", "lora_r"} & keys.keys() == set()


def test_nothing_is_required_and_nothing_unknown_is_allowed() -> None:
    schema = json.loads(render())
    assert "required" not in schema
    assert schema["additionalProperties"] is False
    assert schema["$defs"]["Training"]["additionalProperties"] is False
    assert schema["properties"]["profiles"]["additionalProperties"] == {"$ref": "#"}
