"""`schemas/networks/*.toml`: what an ad network takes, with the source of each fact."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import Field, field_validator, model_validator

from schemas.declared import Declared, Slug, Text, read_declared, slug_of
from schemas.identifiers import MatchColumn
from schemas.network_file import Column, Fact, FileFormat, FileKind, Key, LeftOut, Region, Slot, checked_countries
from schemas.settings import Purpose

NETWORKS_FOLDER = Path(__file__).parent / "networks"


class UploadList(NamedTuple):
    """One list that an audience becomes at the network: its region and name, if it has several, and its columns."""

    region: Region | None
    name: str | None
    columns: tuple[Column, ...]

    @property
    def slots(self) -> tuple[Slot, ...]:
        return tuple(slot for column in self.columns for slot in column.slots)

    @property
    def headers(self) -> list[str]:
        """The header row, repeats included."""
        return [slot.column.header for slot in self.slots]

    @property
    def label(self) -> str:
        """`us.emails`; empty for a network's only list."""
        return ".".join(part for part in (self.region and self.region.name, self.name) if part)


class Network(Declared):
    """One ad network's customer-list upload."""

    #: The stem of its file.
    name: Slug
    title: Text
    #: Where its audiences can be shown.
    covers: tuple[Text, ...]
    #: The day its pages were read.
    read: date
    links: tuple[Text, ...] = Field(min_length=1)
    file: FileFormat
    columns: tuple[Column, ...] = Field(min_length=1)
    keys: tuple[Key, ...] = Field(min_length=1)
    #: Headers that the network takes together or not at all.
    all_or_none: tuple[tuple[str, ...], ...] = ()
    #: Groups of headers of which a row of their list needs at least one, beside some key.
    required_any: tuple[tuple[str, ...], ...] = ()
    regions: tuple[Region, ...] = ()
    #: Purpose → where the people live who must have granted it before their keys may be sent: country codes, `EEA`
    #: (people of whom no country is known count there) or `everywhere`.
    consent: dict[Purpose, tuple[str, ...]]
    #: How the network is told of consent and restrictions: in the file, in the dialog, or not at all.
    consent_told: Text
    update_modes: tuple[Literal["full", "add", "remove", "replace"], ...]
    ui_removal: Literal["documented", "unconfirmed", "none"]
    #: In which order the files of one night are uploaded.
    upload_order: tuple[FileKind, ...] = ("add", "remove")
    #: Days after which the network forgets a member who was not sent again; without it, none are known to be forgotten.
    membership_days: int | None = Field(default=None, ge=7)
    #: Whether each member expires so many days after being sent last, or all of them after the list's last change.
    expires: Literal["member", "list"] = "member"
    #: What to click, in order.
    upload_steps: tuple[Text, ...] = Field(min_length=1)
    #: What to click to add to, remove from or replace a list that is there; empty where nobody has written it down.
    change_steps: tuple[Text, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    facts: tuple[Fact, ...] = Field(min_length=1)

    @field_validator("consent")
    @classmethod
    def _consent_is_asked_of_everybody(cls, consent: dict[Purpose, tuple[str, ...]]) -> dict[Purpose, tuple[str, ...]]:
        for regions in consent.values():
            checked_countries(tuple(region for region in regions if region != "everywhere"))
        if "everywhere" not in consent.get("ads_upload", ()):
            msg = 'ads_upload must be asked everywhere: ads_upload = ["everywhere"]'
            raise ValueError(msg)
        return consent

    @model_validator(mode="after")
    def _headers_are_columns(self) -> Network:
        headers = [column.header for column in self.columns]
        for header in headers:
            if headers.count(header) > 1:
                msg = f"columns: {header!r} is listed twice; use `repeat` for several columns of one header"
                raise ValueError(msg)
        groups = (*(key.headers for key in self.keys), *self.all_or_none, *self.required_any)
        for header in {header for group in groups for header in group} - set(headers):
            msg = f"{header!r} is no column's header"
            raise ValueError(msg)
        for group in groups:
            if len({self.column(header).list for header in group}) > 1:
                msg = f"{', '.join(group)} are columns of different lists"
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _keys_identify(self) -> Network:
        for key in self.keys:
            columns = [self.column(header) for header in key.headers]
            if any(not column.matches for column in columns):
                msg = f"key {key.name!r} has a column that is no identifier"
                raise ValueError(msg)
            if len(columns) > 1 and any(len(column.slots) > 1 for column in columns):
                msg = f"key {key.name!r} has several columns, of which one is repeated"
                raise ValueError(msg)
        for upload_list in self.lists:
            if not self.keys_of(upload_list):
                msg = f"the list {upload_list.name!r} has no key"
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _columns_fit_the_rows(self) -> Network:
        values = [column.header for column in self.columns if column.value is not None]
        if values and values != [self.columns[-1].header]:
            msg = "columns: the value stands last, and once"
            raise ValueError(msg)
        if self.file.rows == "identifiers":
            for upload_list in self.lists:
                if len(upload_list.columns) > 1 or any(column.repeat > 1 for column in upload_list.columns):
                    msg = f"file.rows is 'identifiers', so the list {upload_list.name!r} needs one column, unrepeated"
                    raise ValueError(msg)
        return self

    def column(self, header: str) -> Column:
        """The column with the header."""
        return next(column for column in self.columns if column.header == header)

    @property
    def lists(self) -> tuple[UploadList, ...]:
        """Every list that an audience becomes, in the order of regions and columns."""
        names = tuple(dict.fromkeys(column.list for column in self.columns))
        return tuple(
            UploadList(region, name, tuple(column for column in self.columns if column.list == name))
            for region in (self.regions or (None,))
            for name in names
        )

    def keys_of(self, upload_list: UploadList) -> tuple[Key, ...]:
        """The keys whose columns the list has."""
        return tuple(key for key in self.keys if self.column(key.headers[0]) in upload_list.columns)

    @property
    def value_column(self) -> Column | None:
        return self.columns[-1] if self.columns[-1].value is not None else None

    @property
    def needs_country(self) -> bool:
        """Whether a row depends on where the person lives."""
        return bool(self.regions) or any(column.not_in for column in self.columns)

    @property
    def unconfirmed(self) -> tuple[Fact, ...]:
        return tuple(fact for fact in self.facts if fact.confidence == "unconfirmed")

    @property
    def limits_data_use(self) -> bool:
        """Whether it has columns that limit what it may do with the data of people of some state."""
        return any(column.only_in for column in self.columns)

    def allowing(self, headers: tuple[str, ...], *, limited_data_use: bool = False) -> Network:
        """The network without the columns that show something personal in plain, save those `headers` names, and
        without those that limit the use of data, unless they are wanted.

        Lists, keys and groups that lose a column go; where the template is fixed the column stays, empty.
        """
        off = {column.header for column in self.columns if column.needs_permission and column.header not in headers}
        off.update(column.header for column in self.columns if column.only_in and not limited_data_use)
        if not off:
            return self
        # What counts only together goes together.
        off.update(header for group in self.all_or_none if off & set(group) for header in group)
        blank = {header: Column(header=header, list=self.column(header).list, constant="") for header in off}
        columns = tuple(blank.get(column.header, column) for column in self.columns)
        if not self.file.fixed_header:
            columns = tuple(column for column in columns if column.header not in off)
        keys = tuple(key for key in self.keys if not off & set(key.headers))
        keyed = {self.column(key.headers[0]).list for key in keys}
        kept = {
            "columns": tuple(column for column in columns if column.list in keyed),
            "keys": keys,
            "all_or_none": tuple(group for group in self.all_or_none if not off & set(group)),
            "required_any": tuple(
                rest for group in self.required_any if (rest := tuple(h for h in group if h not in off))
            ),
        }
        return self.model_copy(update=kept)


def read_networks(folder: Path = NETWORKS_FOLDER) -> dict[str, Network]:
    """Network name → what it takes, from each TOML file of `folder`.

    Raises:
        ConfigError: a file breaks the model.
    """
    found = [read_declared(Network, path, name=slug_of(path)) for path in sorted(folder.glob("*.toml"))]
    return {network.name: network for network in found}


@cache
def network_names() -> tuple[str, ...]:
    """What the networks that relance ships are called, without reading their files."""
    return tuple(sorted(path.stem for path in NETWORKS_FOLDER.glob("*.toml")))


@cache
def networks() -> dict[str, Network]:
    """The networks that relance ships, every column of theirs."""
    return read_networks()


def match_columns(networks: Iterable[Network]) -> tuple[MatchColumn, ...]:
    """Every (identifier, form, hash) that some network asks for, each once, in a fixed order."""
    return tuple(sorted({match for network in networks for column in network.columns for match in column.matches}))
