"""Finished pieces of a long stage, kept so that a killed stage resumes from them; its result is made from all of them.

    {"of": "0f3c…"}                            a hash of what the pieces depend on: options, prompts, model
    {"piece": 3, "result": [["stop()", …]]}    in the order in which they were finished

A last line that a crash cut short is removed, and pieces of another `of` are discarded. Results stay on disk until they
are read; memory holds only their positions in the file.
"""

import json
from pathlib import Path
from typing import Any

import orjson


class Pieces:
    """The file of pieces, open for appending."""

    def __init__(self, path: Path, of: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = path.open("a+b")
        found = self._read_places(of)
        if found is None:
            self._file.truncate(0)
            self._write({"of": of})
        self._places = found or {}

    def __contains__(self, piece: int) -> bool:
        return piece in self._places

    def __len__(self) -> int:
        return len(self._places)

    def keep(self, piece: int, result: Any) -> None:
        """Write a finished piece down."""
        self._places[piece] = self._write({"piece": piece, "result": result})

    def read(self, piece: int) -> Any:
        """The result of a finished piece."""
        self._file.seek(self._places[piece])
        return orjson.loads(self._file.readline())["result"]

    def drop(self) -> None:
        """Remove the file once the stage's result is written."""
        self._file.close()
        self.path.unlink()

    def _read_places(self, of: str) -> dict[int, int] | None:
        """Each piece's position in the file; None if the file has another `of`."""
        self._file.seek(0)
        places: dict[int, int] = {}
        at = 0
        for line in self._file:
            if not line.endswith(b"\n"):
                break
            value = orjson.loads(line)
            if at == 0 and value != {"of": of}:
                return None
            if at:
                places[value["piece"]] = at
            at += len(line)
        self._file.truncate(at)
        return places if at else None

    def _write(self, value: dict[str, Any]) -> int:
        """Append a line and return the position where it begins."""
        self._file.seek(0, 2)
        at = self._file.tell()
        self._file.write(json.dumps(value, ensure_ascii=False).encode() + b"\n")
        self._file.flush()
        return at
