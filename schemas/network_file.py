"""The parts of a network's TOML file: how its upload file looks, column by column, and how sure each fact is."""

from __future__ import annotations

from typing import Literal, NamedTuple

from pydantic import Field, field_validator, model_validator

from schemas.countries import EEA, is_country
from schemas.declared import Declared, Slug, Text
from schemas.identifiers import FORMS, Hash, IdentifierName, MatchColumn
from schemas.regions import SUBDIVISIONS

Confidence = Literal["documented", "seen in code", "secondary", "unconfirmed"]
#: `full` holds everyone in the audience; `add` what the network does not hold yet; `remove` what it must not hold.
FileKind = Literal["full", "add", "remove"]

#: Never sent in plain, whatever a company allows.
_ALWAYS_HASHED = frozenset({"email", "phone"})
#: Sent in plain where the network's rule demands it, without being asked for; the rest needs `allow_plain`.
_PLAIN_BY_RULE = frozenset({"country", "postal_code"})


class MinimumRows(Declared):
    """Below this many rows the network refuses a file of that kind, or does not show the list."""

    full: int = Field(ge=1)
    add: int = Field(ge=1)
    remove: int = Field(ge=1)
    #: Members that a removal must leave.
    left: int = Field(default=0, ge=0)


class FileFormat(Declared):
    """How a file is written. Always UTF-8 without byte-order mark: every network takes it, and most say nothing."""

    extension: Literal["csv", "txt"] = "csv"
    delimiter: Literal[",", "\t", ";", "|"] = ","
    newline: Literal["\n", "\r\n"] = "\n"
    quoting: Literal["necessary", "always"] = "necessary"
    header: bool = True
    #: Whether the network wants its whole template: a column that is switched off stays, empty.
    fixed_header: bool = False
    compression: Literal["none", "gzip", "zip"] = "none"
    #: `people`: a row is a person with all they have. `identifiers`: one column, and a row for each identifier.
    rows: Literal["people", "identifiers"] = "people"
    minimum_rows: MinimumRows
    maximum_rows: int | None = Field(default=None, ge=1)
    #: Of the file as uploaded, or of what it unpacks to where it is compressed.
    maximum_bytes: int | None = Field(default=None, ge=1)
    #: Whether the parts of a file above a maximum fill one list together, or each need a list of its own.
    parts: Literal["one list", "a list each"] = "one list"

    @model_validator(mode="after")
    def _limits_fit(self) -> FileFormat:
        if self.maximum_rows is not None and self.maximum_rows < 2 * self.minimum_rows.full:
            msg = "maximum_rows leaves no room for two parts above minimum_rows.full"
            raise ValueError(msg)
        return self

    @property
    def suffix(self) -> str:
        """What a file's name ends in."""
        return f".{self.extension}" + {"none": "", "gzip": ".gz", "zip": ".zip"}[self.compression]


class Column(Declared):
    """One column of a file, or several with the same header: an identifier, a person's value, or the same text."""

    header: Text
    #: Which of the network's lists has the column, where it keeps several.
    list: Slug | None = None
    identifier: IdentifierName | None = None
    form: Text | None = None
    hash: Hash | None = None
    #: Further forms of the same identifier, each in columns of its own under the same header.
    also_forms: tuple[Text, ...] = ()
    #: How many of the person's identifiers the network takes, each in a column of its own.
    repeat: int = Field(default=1, ge=1)
    #: Countries (or `EEA`) whose people's identifier is left out of this column. An unknown country counts as EEA.
    not_in: tuple[str, ...] = ()
    #: The person's value to the company: a decimal of at least 0 in the company's one currency; refunds are floored.
    value: Literal["revenue"] | None = None
    #: The text that stands in every row, or in those that `only_in` means.
    constant: str | None = None
    #: States (ISO 3166-2, `US-CA`) whose people's rows are marked with the constant. Such columns limit what the
    #: network may do with a person's data, and are there where `limited_data_use` of `relance.toml` names it.
    only_in: tuple[str, ...] = ()

    @field_validator("not_in")
    @classmethod
    def _countries_exist(cls, not_in: tuple[str, ...]) -> tuple[str, ...]:
        return checked_countries(not_in)

    @field_validator("only_in")
    @classmethod
    def _states_exist(cls, only_in: tuple[str, ...]) -> tuple[str, ...]:
        for code in only_in:
            if code not in SUBDIVISIONS:
                msg = f"{code!r} is no ISO 3166-2 code of a state or province such as 'US-CA'"
                raise ValueError(msg)
        return only_in

    @model_validator(mode="after")
    def _holds_one_thing(self) -> Column:
        if self.only_in and not self.constant:
            msg = "only_in belongs to a constant"
            raise ValueError(msg)
        if sum(part is not None for part in (self.identifier, self.value, self.constant)) != 1:
            msg = "needs exactly one of identifier, value and constant"
            raise ValueError(msg)
        if (self.identifier is None) != (self.form is None) or (self.identifier is None) != (self.hash is None):
            msg = "identifier, form and hash belong together"
            raise ValueError(msg)
        if self.identifier is None and (self.repeat > 1 or self.also_forms):
            msg = "only an identifier is repeated"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _forms_exist(self) -> Column:
        if self.identifier is None:
            return self
        for form in self.forms:
            if form not in FORMS[self.identifier]:
                msg = f"form {form!r} of {self.identifier} is none of {', '.join(FORMS[self.identifier])}"
                raise ValueError(msg)
        if self.identifier in _ALWAYS_HASHED and self.hash == "none":
            msg = f"{self.identifier} must be hashed"
            raise ValueError(msg)
        return self

    @property
    def forms(self) -> tuple[str, ...]:
        return () if self.form is None else (self.form, *self.also_forms)

    @property
    def matches(self) -> tuple[MatchColumn, ...]:
        """The match columns that fill it, one a form."""
        if self.identifier is None or self.hash is None:
            return ()
        return tuple(MatchColumn(self.identifier, form, self.hash) for form in self.forms)

    @property
    def needs_permission(self) -> bool:
        """Whether it shows something personal in plain, so that a company must allow it by name."""
        return self.hash == "none" and self.identifier not in _PLAIN_BY_RULE

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The file columns that it makes."""
        if not self.matches:
            return (Slot(f"{self.header} 1", self, None, 1),)
        places = [(match, place) for match in self.matches for place in range(1, self.repeat + 1)]
        return tuple(Slot(f"{self.header} {n}", self, match, place) for n, (match, place) in enumerate(places, 1))


class Slot(NamedTuple):
    """One column of the file: `name` is its header numbered; the person's `place`-th identifier of `match` fills it."""

    name: str
    column: Column
    match: MatchColumn | None
    place: int


class Key(Declared):
    """What identifies a member to the network: one column, or several together."""

    name: Slug
    headers: tuple[str, ...] = Field(min_length=1)


class Region(Declared):
    """A part of the world for which the network keeps lists of its own."""

    name: Slug
    title: Text
    #: Country codes or `EEA`. People of whom no country is known count as EEA.
    countries: tuple[str, ...] = Field(min_length=1)

    @field_validator("countries")
    @classmethod
    def _countries_exist(cls, countries: tuple[str, ...]) -> tuple[str, ...]:
        return checked_countries(countries)


class LeftOut(Declared):
    """A column or file that the network takes and relance does not write."""

    what: Text
    why: Text


class Fact(Declared):
    """One thing we know about the network, and how well."""

    says: Text
    confidence: Confidence
    source: Text


def country_codes_of(countries: tuple[str, ...]) -> tuple[frozenset[str], bool]:
    """The codes that the list means, and whether people without a known country are meant too."""
    codes = {code for country in countries for code in (EEA if country == "EEA" else (country,))}
    return frozenset(codes), "EEA" in countries


def checked_countries(countries: tuple[str, ...]) -> tuple[str, ...]:
    """The same.

    Raises:
        ValueError: one is neither a country code nor `EEA`.
    """
    for country in countries:
        if country != "EEA" and not is_country(country):
            msg = f"{country!r} is neither an ISO 3166 alpha-2 code nor 'EEA'"
            raise ValueError(msg)
    return countries
