"""Audiences with fewer rows than their network takes."""

from __future__ import annotations

from pipelines.uploads.rows.audience_rows import AudienceRows
from schemas.network import Network
from schemas.said import Said
from schemas.too_small import COST, EMPTY, NOBODY, ONE_ROW, ONE_ROW_OF_LIST, ROWS, ROWS_OF_LIST
from schemas.uploads import reason_said


def too_small(audience_rows: AudienceRows, network: Network) -> Said:
    """How many rows are missing, and what cost the most people."""
    ledger, minimum = audience_rows.ledger, network.file.minimum_rows.full
    if not ledger.segment_people:
        return EMPTY
    if not ledger.file_rows:
        return Said(NOBODY, lost=[_lost(reason, people) for reason, people in ledger.dropped.items() if people])
    label, rows = max(audience_rows.withheld.items(), key=lambda item: item[1])
    values = {"rows": rows, "short": minimum - rows, "network": network.title, "minimum": minimum}
    says = ONE_ROW if rows == 1 else ROWS
    if label:
        says = ONE_ROW_OF_LIST if rows == 1 else ROWS_OF_LIST
        values["name"] = label
    main = ledger.main_reason
    if main is None:
        return Said(says, **values)
    return Said(COST, short=Said(says, **values), cost=_lost(main, ledger.dropped[main]))


def _lost(reason: str, people: int) -> Said:
    return Said("{reason} ({people})", reason=reason_said(reason), people=people)
