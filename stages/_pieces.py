"""Finished pieces of a long stage, kept so that a killed one goes on from them; the whole is made from all of them.

    {"of": "0f3c…"}                            what the pieces are of: options, prompts, model
    {"piece": 3, "result": [["stop()", …]]}    in the order in which they were finished

A line that a kill cut short is taken off, and pieces of something else are void. Results stay on disk until they are
read, so that memory holds no more than their places.
"""

import json
from pathlib import Path
from typing import Any

import orjson


class Pieces:
    """The file of pieces, open for more."""

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
        """What was kept of a finished piece."""
        self._file.seek(self._places[piece])
        return orjson.loads(self._file.readline())["result"]

    def drop(self) -> None:
        """Remove the file: the whole is made."""
        self._file.close()
        self.path.unlink()

    def _read_places(self, of: str) -> dict[int, int] | None:
        """Where the pieces stand; None where there are none of this kind."""
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
        """Append a line; where it begins."""
        self._file.seek(0, 2)
        at = self._file.tell()
        self._file.write(json.dumps(value, ensure_ascii=False).encode() + b"\n")
        self._file.flush()
        return at
