"""What is known of a night afterwards."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from schemas.alerts import AlertEvent
from schemas.uploads import AudienceOutcome

#: `nightly`: for the newest day, by the schedule or by `relance run`. `chosen`: for a day that somebody named.
#: `backfill`: for past days, from Dagster's page. `by_hand`: some assets, from Dagster's page.
StartedAs = Literal["nightly", "chosen", "backfill", "by_hand"]

#: `held`: an audience was; `partial`: only some assets were asked for; `refused`: what was asked for cannot be done for
#: that day.
NightOutcome = Literal["running", "done", "held", "failed", "refused", "interrupted", "partial"]


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
    """What became of an audience; why it was held or retired."""

    network: str
    account: str
    segment: str
    outcome: AudienceOutcome
    version: str | None
    reason: str | None
    people: int | None
    rows: int | None


#: What of the config another night can have had otherwise.
ChangeKind = Literal[
    "segment_added", "segment_removed", "file_renamed", "file_renamed_back", "label_renamed", "rule_changed",
    "segment_changed", "audience_added", "audience_retired", "account_added", "rules_renewed", "settings_changed",
    "sources_changed", "rates_changed", "suppressions_changed",
]  # fmt: skip

_SAYS: dict[ChangeKind, str] = {
    "segment_added": "{about} is new.",
    "segment_removed": "{about} was removed: its lists are to be deleted at the networks, and nobody is added to them.",
    "file_renamed": "The file of {about} is now {after}, no longer {before}: that makes it another segment, with new "
    "lists to upload and the old ones to delete. To go on with the lists that are there, give the file its old name.",
    "file_renamed_back": "The file of {about} is {after} again, no longer {before}: the lists of that name go on, and "
    "those made under the other meanwhile are to be deleted.",
    "label_renamed": "{about} is now called {after} at the networks, no longer {before}. The lists stay the same: "
    "rename them there.",
    "rule_changed": "{about} has another rule: {after}. It was: {before}.",
    "segment_changed": "{about} is declared otherwise: {after}.",
    "audience_added": "{about} now goes to {after} too.",
    "audience_retired": "{about} no longer goes to {before}: its list there is to be deleted, and nobody is added "
    "to it.",
    "account_added": "{about} now has the accounts {after}, and had {before}: each has its own lists.",
    # By which of the two is not known once a night since was held.
    "rules_renewed": "The rules for files of {about} have changed, by a new release of relance or by relance.toml "
    "(allow_plain, limited_data_use): old and new keys are not alike, so that lists there are replaced with the full "
    "file.",
    "settings_changed": "relance.toml has other settings: {after}.",
    "sources_changed": "sources.toml reads the CRM in another way: {after}.",
    "rates_changed": "rates.csv has other rates: {after}.",
    "suppressions_changed": "The rules that keep people out have changed: {after}.",
}


class ConfigChange(_Read):
    """What of the config is otherwise than in the night before: names and rules, nothing of people."""

    kind: ChangeKind
    #: The title of a segment or network; empty where the kind says it.
    about: str = ""
    before: str = ""
    after: str = ""

    @property
    def says(self) -> str:
        """The change in a sentence."""
        return _SAYS[self.kind].format(about=self.about, before=self.before, after=self.after)


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
    outcome: NightOutcome
    messages: tuple[str, ...]
    stages: tuple[StageLine, ...]
    quarantined: tuple[QuarantineLine, ...]
    #: What else a person should know of the CRM as read.
    notices: tuple[str, ...]
    audiences: tuple[OutcomeLine, ...]
    #: What of the config is otherwise than in the night before.
    changes: tuple[ConfigChange, ...]
    alerts: tuple[Alert, ...]
