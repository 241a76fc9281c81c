"""Reading vector files."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from schemas.errors import ConfigError
from schemas.vectors import Vector


def read_vectors(path: Path) -> list[Vector]:
    """Each row of a JSON Lines file; blank lines are none.

    Raises:
        ConfigError: the file cannot be read, or a line is no vector; it names file and line, never a value.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}."
        raise ConfigError(msg) from None
    except UnicodeDecodeError:
        msg = f"{path} is not UTF-8. Vectors are JSON Lines in UTF-8."
        raise ConfigError(msg) from None
    return [_vector(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]


def _vector(path: Path, number: int, line: str) -> Vector:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        msg = f"{path}, line {number}, is not JSON. A vector file holds one JSON object a line."
        raise ConfigError(msg) from None
    if not isinstance(row, dict):
        msg = f"{path}, line {number}, is no JSON object. A vector file holds one JSON object a line."
        raise ConfigError(msg)
    try:
        return Vector.model_validate({**row, "place": f"{path.name}:{number}"})
    except ValidationError as error:
        wrong = ", ".join(sorted({str(problem["loc"][0]) for problem in error.errors()}))
        msg = f"{path}, line {number}: {wrong} is missing or wrong. docs/conformance.md shows the row format."
        raise ConfigError(msg) from None
