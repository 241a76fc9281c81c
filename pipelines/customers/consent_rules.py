"""How statements of consent are read: for which networks and purposes, and by which moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from pipelines.customers.statements import Matters
from pipelines.local_days import midnight_after
from schemas.network import Network, networks
from schemas.settings import Purpose, Settings


@dataclass(frozen=True)
class ConsentRules:
    """How statements are read: for these networks, by the company's settings, and those that are valid at `instant`.

    `silence_allows`: whoever said nothing is taken to have allowed it, since what they said may be lacking.
    """

    networks: dict[str, Network]
    settings: Settings
    instant: datetime
    silence_allows: bool = False
    #: The table that has them.
    statements: str = "warehouse.crm_consents"

    @cached_property
    def matters(self) -> Matters:
        # What was said of a network that no segment uses is a word on the purpose all the same.
        return Matters(purposes_heard(self.networks, self.settings), sorted(networks()))


def purposes_heard(used: dict[str, Network], settings: Settings) -> list[Purpose]:
    """The purposes about which statements must be read: those asked for by some network, those that count for them,
    those by which Californians opt out, and profiling, to which anybody may object."""
    heard: set[Purpose] = {"ads_upload", "ads_personalization", "profiling"}
    for network in used.values():
        for purpose in network.consent:
            heard.update([purpose, *settings.consent.get(purpose, ())])
    return sorted(heard)


def instant_of(newest_statement: datetime | None, settings: Settings, as_of: date) -> datetime:
    """When statements must be valid: the end of the day, or the newest statement read if that is later."""
    end = midnight_after(as_of, settings.zone)
    return max(end, newest_statement) if newest_statement is not None else end
