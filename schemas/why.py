"""What `relance why` answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

import polars as pl

from schemas.segment import Audience
from schemas.uploads import VersionState


@dataclass(frozen=True)
class Erased:
    """Nothing but a request is known of the customer id."""

    request_id: str
    requested_at: datetime


@dataclass(frozen=True)
class RulePart:
    """A condition of a rule, or the word that joins those below it; `holds` is None where SQL says null: no."""

    depth: int
    text: str
    holds: bool | None


@dataclass(frozen=True)
class AudienceAnswer:
    """Why a person is in an audience, or not."""

    audience: Audience
    rule: tuple[RulePart, ...]
    #: The columns of `Features` that the rule asks about, as it saw them.
    seen: dict[str, object]
    #: The stay in the segment; None where there was none.
    member_since: date | None
    left_on: date | None
    #: The ledger's word for why a member is not in the file; None: they are in it.
    reason: str | None
    #: The ledger's word for why the person may not be sent to the network any more, who might be sent that night.
    refused_since: str | None
    #: Keys of the network that the person has and that someone else's refusal keeps out.
    refused_keys: tuple[str, ...]
    #: Keys that are out because somebody who shares them is left out of the audience.
    left_keys: tuple[str, ...]
    on_assumption: bool
    by_other_purpose: bool
    #: How many others in the audience look the same to the network: one row, and the ledger counts one of them.
    alike: int
    #: What the night did with the audience: published, fresh or held, which version, and why.
    outcome: str | None = None
    version: str | None = None
    #: What has become of the version since.
    state: VersionState | None = None
    held_because: str | None = None

    @property
    def is_member(self) -> bool:
        return self.member_since is not None and self.left_on is None


@dataclass(frozen=True)
class InList:
    """An open list of an audience, by the version that filled it last; None: one that may be there without anybody
    having said so, and then hold the person."""

    filled_with: str | None
    #: The keys by which it holds the person.
    keys: tuple[str, ...]
    #: Versions that went into it and of which that is not known any more.
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class RetiredAnswer:
    """Whether the lists of an audience that is no longer declared hold a person."""

    audience: Audience
    #: The first night that found it so; None if no list was known to be there by then.
    since: date | None
    lists: tuple[InList, ...]


@dataclass(frozen=True)
class Explanation:
    """What a kept night knew of a person."""

    day: date
    person_id: str
    #: Whether the CRM has replaced the id that was asked for.
    by_former_id: bool
    #: Then, ids of records of other people who came of that record, one a person.
    others: tuple[str, ...]
    #: customer_id, position, joined_by, email_refusal, phone_refusal of each record.
    records: pl.DataFrame
    #: By table, the last day on which something of the person came, changed or went; None: before what is kept.
    changed: dict[str, date | None]
    #: How many other ids the person had before records were joined.
    former_ids: int
    #: `ConsentEvidence` of the person.
    evidence: pl.DataFrame
    audiences: tuple[AudienceAnswer, ...] = field(default_factory=tuple)
