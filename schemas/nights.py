"""What is known of a night afterwards."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from schemas.alerts import AlertEvent

#: `nightly`: for the newest day, by the schedule or by `relance run`. `chosen`: for a day that somebody named.
#: `backfill`: for past days, from Dagster's page. `by_hand`: some assets, from Dagster's page.
StartedAs = Literal["nightly", "chosen", "backfill", "by_hand"]


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StageLine(_Read):
    """What one asset did."""

    asset: str
    #: The first part of the asset's key.
    stage: str
    rows: int | None
    seconds: float
    succeeded: bool


class QuarantineLine(_Read):
    """Source rows set aside."""

    table: str
    rule: str
    rows: int


class OutcomeLine(_Read):
    """What became of an audience: `published`, `fresh` or `held` with the reason."""

    network: str
    account: str
    segment: str
    outcome: str
    version: str | None
    reason: str | None
    people: int | None
    rows: int | None


class Alert(_Read):
    """An alert that was sent, or could not be: `failure` says why."""

    event: AlertEvent
    channel: Literal["webhook", "email"]
    sent_at: datetime
    failure: str | None


class NightReport(_Read):
    """A night on one page. Times are UTC."""

    night: int
    as_of: date
    started_as: StartedAs | None
    started_at: datetime
    ended_at: datetime | None
    #: `running`, `done`, `held`, `failed`, `partial` or `interrupted`.
    outcome: str
    messages: tuple[str, ...]
    stages: tuple[StageLine, ...]
    quarantined: tuple[QuarantineLine, ...]
    audiences: tuple[OutcomeLine, ...]
    alerts: tuple[Alert, ...]
