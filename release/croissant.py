"""A run in; its data in Croissant's terms (JSON-LD), by which data sets are described for search and for audits, out.

The sources are named without their folders and are not published with it; each has the SHA-256 by which it is known.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recipebook.project import locate
from recipebook.run.manifest import Manifest

CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "recordSet": "cr:recordSet",
    "field": "cr:field",
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
}
FIELDS = {"messages": "the chat in OpenAI's form, as JSON", "meta": "what the row knows of its record, as JSON"}


def describe_data(manifest: Manifest, licence: str | None) -> dict[str, Any]:
    """The description of the rows that a run was trained and evaluated on."""
    counts = ", ".join(f"{count} {part}" for part, count in manifest.rows.items())
    described: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": f"{manifest.recipe}-rows",
        "description": f"Rows of the recipe {manifest.recipe}: {counts}. Hash of all: {manifest.hashes['rows']}.",
        "distribution": [_describe_source(name, known) for name, known in manifest.hashes["sources"].items()],
        "recordSet": [_describe_part(part, count) for part, count in manifest.rows.items()],
    }
    return described | ({"license": licence} if licence else {})


def _describe_source(name: str, known: str) -> Mapping[str, Any]:
    path, file = locate(name), name.rpartition("/")[2]
    found: dict[str, Any] = {"@type": "cr:FileObject", "@id": file, "name": file, "description": f"hash {known}"}
    return found | ({"sha256": _digest(path)} if path.is_file() else {})


def _describe_part(part: str, count: int) -> Mapping[str, Any]:
    fields = [
        {"@type": "cr:Field", "@id": f"{part}/{name}", "name": name, "description": text, "dataType": "sc:Text"}
        for name, text in FIELDS.items()
    ]
    return {"@type": "cr:RecordSet", "@id": part, "name": part, "description": f"{count} rows", "field": fields}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
