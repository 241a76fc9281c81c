"""The brake: how much an audience and its CRM may change in a night before somebody should look at it first."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from schemas.declared import Declared

#: Why an audience is held that a leave lets pass.
HOLDS = (
    "the brake holds it: {changes}. If that is right, whoever runs relance lets it pass: "
    "`relance allow {audience} --reason TEXT` does, once"
)

Share = Annotated[float, Field(gt=0, le=1)]


class Brake(Declared):
    """`[brake]` of `relance.toml`, and of a segment for its own audiences. Each limit is a share, 0.3 is 30 %; it is
    what may change at most, but for a table's.
    """

    #: A table of the CRM, or a suppression list, that loses so much of its rows or more, against the day of the last
    #: version; or of the customer_ids by which people refuse, the share that is a customer's. Also a table of which so
    #: much is set aside, be it the first day's.
    table_shrinks: Share = 0.5
    #: An audience that loses more than so much of its people.
    audience_shrinks: Share = 0.3
    #: An audience that grows by more than so much: 1.0 is twice as large.
    audience_grows: Annotated[float, Field(gt=0)] = 1.0
    #: The share of the segment's people who may be sent, falling by more than so much: 0.15 is from 80 % to 65 %.
    consent_drops: Share = 0.15
    #: The share of those who have a usable identifier, falling by more than so much.
    coverage_drops: Share = 0.15
    #: More than so much of the last version's keys, or of tonight's, not being in the other.
    keys_turn_over: Share = 0.5

    def overridden(self, own: Brake | None) -> Brake:
        """These limits, with those that a segment sets itself in place of them."""
        return self if own is None else self.model_copy(update=own.model_dump(include=own.model_fields_set))


class SourceCounts(BaseModel):
    """What a night's CRM gave, by table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: dict[str, int] = Field(default_factory=dict)
    #: Of a hundred customer_ids by which people refuse, how many are a customer's: of `consents`, and of each
    #: suppression list, such as `suppressions/staff.toml`.
    named_percent: dict[str, int] = Field(default_factory=dict)
    #: Of a hundred rows that a table gave, how many were set aside, if any. Rows that name nobody are not counted, but
    #: for customers': guests order, and visitors are unknown.
    set_aside_percent: dict[str, int] = Field(default_factory=dict)
    #: How many rows each suppression list that may not shrink gave, empty ones too.
    listed: dict[str, int] = Field(default_factory=dict)


NOT_COUNTED = SourceCounts()
