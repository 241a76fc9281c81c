"""Reading one TOML file into one frozen model; every error names the file and the field."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError

from schemas.errors import ConfigError

#: Stems of declared files and names in SQL: they become asset keys, table names and folders.
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


def _not_blank(text: str) -> str:
    if not text.strip():
        msg = "must not be blank"
        raise ValueError(msg)
    return text


#: A text with something in it.
Text = Annotated[str, AfterValidator(_not_blank)]


class Declared(BaseModel):
    """A model that a person writes as TOML: frozen, and no field it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Model = TypeVar("Model", bound=Declared)


def read_declared(model: type[Model], path: Path, **by_path: str) -> Model:
    """The model that `path` declares; `by_path`: fields that its place says, and its text may not.

    Raises:
        ConfigError: the file cannot be read, is not TOML, or breaks the model.
    """
    try:
        # Notepad begins a file with a byte order mark.
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        msg = f"{path} does not exist. `relance init` writes a commented config folder."
        raise ConfigError(msg) from None
    except UnicodeDecodeError:
        msg = f"{path} is not UTF-8. Save it as UTF-8."
        raise ConfigError(msg) from None
    except OSError as error:
        msg = f"{path} cannot be read: {(error.strerror or 'unknown reason').lower()}. --config names its folder."
        raise ConfigError(msg) from None
    except tomllib.TOMLDecodeError as error:
        msg = f"{path} is not TOML: {error}."
        raise ConfigError(msg) from None
    for field in content.keys() & by_path.keys():
        msg = f"{path}: {field}: is not a field of this file."
        raise ConfigError(msg)
    try:
        return model.model_validate(content | by_path)
    except ValidationError as error:
        problems = "; ".join(f"{_field(problem['loc'])}{_sentence(problem['msg'])}" for problem in error.errors())
        msg = f"{path}: {problems}."
        raise ConfigError(msg) from None


def slug_of(path: Path) -> str:
    """The name a declared file gives: its stem.

    Raises:
        ConfigError: the stem is no slug.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", path.stem):
        msg = f"{path}: the file's name must match [a-z][a-z0-9_]*, because it names assets and folders."
        raise ConfigError(msg)
    return path.stem


def _field(places: tuple[int | str, ...]) -> str:
    """The field, if the problem is of one."""
    return f"{'.'.join(map(str, places))}: " if places else ""


def _sentence(message: str) -> str:
    message = message.removeprefix("Value error, ")
    if message == "Extra inputs are not permitted":
        return "is not a field of this file"
    if message == "Field required":
        return "is missing"
    return message[:1].lower() + message[1:]
