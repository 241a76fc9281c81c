"""What people read at the networks."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from schemas.segment import Audience


class _Report(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    network: str
    account: str
    segment: str
    #: UTC.
    reported_at: datetime
    reported_by: str

    @property
    def audience(self) -> Audience:
        return Audience(self.network, self.account, self.segment)


class SizeReport(_Report):
    """How many people the network says the list has, and what share of the rows it recognised."""

    size: int | None
    #: Percent.
    match_rate: float | None


class FailedUpload(_Report):
    """An upload that the network did not take."""

    version: str
    #: What the network said.
    said: str
