"""`schemas/networks/*.toml`: what an ad network takes, with the source of each fact."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from schemas.declared import Declared, Slug, Text, read_declared, slug_of
from schemas.identifiers import FORMS, Hash, IdentifierName, MatchColumn
from schemas.settings import Purpose

NETWORKS_FOLDER = Path(__file__).parent / "networks"

Confidence = Literal["documented", "seen in code", "secondary", "unconfirmed"]


class FileFormat(Declared):
    """How a file is written."""

    extension: Literal["csv", "txt"] = "csv"
    delimiter: Literal[",", "\t", ";"] = ","
    newline: Literal["\n", "\r\n"] = "\n"
    header: bool = True
    #: Below this many rows the network refuses the file or does not show the list.
    minimum_rows: int = Field(ge=1)


class Column(Declared):
    """One column of the file, or several with the same header."""

    header: Text
    identifier: IdentifierName
    form: Text
    hash: Hash
    #: How many of the person's identifiers the network takes, each in a column of its own.
    repeat: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _form_exists(self) -> Column:
        if self.form not in FORMS[self.identifier]:
            msg = f"form {self.form!r} of {self.identifier} is none of {', '.join(FORMS[self.identifier])}"
            raise ValueError(msg)
        if self.identifier in {"email", "phone"} and self.hash == "none":
            msg = f"{self.identifier} must be hashed"
            raise ValueError(msg)
        return self

    @property
    def match(self) -> MatchColumn:
        return MatchColumn(self.identifier, self.form, self.hash)


class Key(Declared):
    """What identifies a member to the network: one column, or several together."""

    name: Slug
    headers: tuple[str, ...] = Field(min_length=1)


class Fact(Declared):
    """One thing we know about the network, and how well."""

    says: Text
    confidence: Confidence
    source: Text


class Network(Declared):
    """One ad network's customer-list upload."""

    title: Text
    #: Where its audiences can be shown.
    covers: tuple[Text, ...]
    #: The day its pages were read.
    read: date
    file: FileFormat
    columns: tuple[Column, ...] = Field(min_length=1)
    keys: tuple[Key, ...] = Field(min_length=1)
    #: Headers that the network takes together or not at all.
    all_or_none: tuple[tuple[str, ...], ...] = ()
    #: Purposes that must be granted before a person's keys may be sent.
    consent: tuple[Purpose, ...] = Field(min_length=1)
    update_modes: tuple[Literal["full", "add", "remove", "replace"], ...]
    ui_removal: Literal["documented", "unconfirmed", "none"]
    #: Days after which the network forgets a member who was not sent again.
    membership_days: int | None = None
    #: What to click, in order.
    upload_steps: tuple[Text, ...] = Field(min_length=1)
    facts: tuple[Fact, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _headers_are_columns(self) -> Network:
        headers = [column.header for column in self.columns]
        if len(set(headers)) != len(headers):
            msg = "columns: a header is listed twice; use `repeat` for several columns of one header"
            raise ValueError(msg)
        groups = [key.headers for key in self.keys] + list(self.all_or_none)
        for header in {header for group in groups for header in group} - set(headers):
            msg = f"{header!r} is no column's header"
            raise ValueError(msg)
        return self

    def column(self, header: str) -> Column:
        return next(column for column in self.columns if column.header == header)

    @property
    def headers(self) -> list[str]:
        """The header row, repeats included."""
        return [column.header for column in self.columns for _ in range(column.repeat)]

    @property
    def unconfirmed(self) -> tuple[Fact, ...]:
        return tuple(fact for fact in self.facts if fact.confidence == "unconfirmed")


def read_networks(folder: Path = NETWORKS_FOLDER) -> dict[str, Network]:
    """Network name → what it takes, from each TOML file of `folder`.

    Raises:
        ConfigError: a file breaks the model.
    """
    return {slug_of(path): read_declared(Network, path) for path in sorted(folder.glob("*.toml"))}


@cache
def networks() -> dict[str, Network]:
    """The networks that relance ships."""
    return read_networks()


def match_columns(networks: dict[str, Network]) -> tuple[MatchColumn, ...]:
    """Every (identifier, form, hash) that some network asks for, each once, in a fixed order."""
    return tuple(sorted({column.match for network in networks.values() for column in network.columns}))
