"""`config/segments/*.toml`: who belongs together, and on which networks."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, field_validator

from schemas.brake import Brake
from schemas.declared import Declared, Slug, Text
from schemas.errors import ConfigError
from schemas.said import Said

_NETWORK_ACCOUNT = re.compile(r"[a-z][a-z0-9_]*(:[a-z][a-z0-9_]*)?")

#: The account of a network that is meant where none is named.
MAIN_ACCOUNT = "main"


class Audience(NamedTuple):
    """A customer list of one network account: its identity, which a renamed label does not change."""

    network: str
    account: str
    segment: str

    def __str__(self) -> str:
        return f"{self.network_account('/')}/{self.segment}"

    def network_account(self, separator: str = ":") -> str:
        """The network's name, with that of the account after the separator unless it is the main one."""
        return self.network if self.account == MAIN_ACCOUNT else f"{self.network}{separator}{self.account}"

    @classmethod
    def of(cls, row: Mapping[Any, Any]) -> Audience:
        """The audience that a row of the catalog is about."""
        return cls(row["network"], row["account"], row["segment"])

    @classmethod
    def named(cls, text: str) -> Audience:
        """The audience that `network/segment` or `network/account/segment` names.

        Raises:
            ConfigError: it is neither.
        """
        parts = text.split("/")
        if len(parts) not in {2, 3} or not all(parts):
            msg = f"{text!r} names no audience. Write NETWORK/AUDIENCE or NETWORK/ACCOUNT/AUDIENCE."
            raise ConfigError(msg)
        return cls(parts[0], MAIN_ACCOUNT if len(parts) == 2 else parts[1], parts[-1])


def declared_audience(text: str, declared: Collection[Audience]) -> Audience:
    """The declared audience that `network/segment` or `network/account/segment` names.

    Raises:
        ConfigError: it is none of them.
    """
    audience = Audience.named(text)
    if audience not in declared:
        msg = Said(
            "{audience} is no audience of the config; those are {declared}.",
            audience=audience,
            declared=", ".join(map(str, declared)),
        )
        raise ConfigError(msg)
    return audience


def _share(written: object) -> Decimal:
    found = re.fullmatch(r"(\d{1,2}(?:\.\d{1,4})?)\s?%", written) if isinstance(written, str) else None
    if found is None or not Decimal(found[1]):
        msg = f'{written!r} is no share of people. Write it in percent, above 0 and below 100, e.g. "5%" or "2.5%"'
        raise ValueError(msg)
    return Decimal(found[1]) / 100


class Holdout(Declared):
    """Of the people who would be uploaded, a share that is not, to measure against them what the ads did."""

    #: Above 0 and below 1.
    share: Annotated[Decimal, BeforeValidator(_share)]
    #: Segments that give the same name hold out the same people; without one, a segment's own name is taken.
    name: Slug | None = None


class Segment(Declared):
    """One segment; the file's stem is its name."""

    #: What colleagues call it.
    title: Text
    #: What the network sees: file names and the list's name there. Neutral, never the inside view.
    public_name: Slug
    #: What the network may be told of the list; as neutral as the name.
    public_description: Text | None = None
    #: What the campaign is for, in a word or two.
    purpose: Text
    #: A condition over the columns of `features`, in Polars SQL.
    where: Text
    #: Network names, with `:account` where a network has several accounts.
    networks: tuple[str, ...]
    #: An e-mail address or `team:name`, shown in Dagster.
    owner: Text
    #: Segments whose people are left out.
    exclude: tuple[Slug, ...] = ()
    #: Segments that have one compete: on each network account only the one with the largest number keeps a person.
    priority: int | None = None
    holdout: Holdout | None = None
    #: Limits of the brake that differ from those of `relance.toml`.
    brake: Brake | None = None

    @field_validator("networks")
    @classmethod
    def _well_formed(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        for network in networks:
            if not _NETWORK_ACCOUNT.fullmatch(network):
                msg = f"{network!r} is neither `network` nor `network:account`"
                raise ValueError(msg)
        if len({network.removesuffix(f":{MAIN_ACCOUNT}") for network in networks}) != len(networks):
            msg = "lists a network twice"
            raise ValueError(msg)
        return networks

    @field_validator("owner")
    @classmethod
    def _reachable(cls, owner: str) -> str:
        if not re.match(r"^(team:[a-z0-9_-]+|[^@\s]+@[^@\s]+\.[^@\s]+)$", owner):
            msg = f"{owner!r} is neither an e-mail address nor `team:name`"
            raise ValueError(msg)
        return owner

    def audiences(self, name: str) -> tuple[Audience, ...]:
        """The audiences of the segment called `name`, one per network account it lists."""
        pairs = (network.partition(":") for network in self.networks)
        return tuple(Audience(network, account or MAIN_ACCOUNT, name) for network, _, account in pairs)
