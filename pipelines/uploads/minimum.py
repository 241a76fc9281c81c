"""Audiences with fewer rows than their network takes."""

from __future__ import annotations

from pipelines.uploads.rows import AudienceRows
from schemas.network import Network
from schemas.said import Said


def too_small(audience_rows: AudienceRows, network: Network) -> Said:
    """How many rows are missing, and what cost the most people."""
    ledger, minimum = audience_rows.ledger, network.file.minimum_rows.full
    if not ledger.segment_people:
        return Said("nobody is left to upload: the segment is empty")
    if not ledger.file_rows:
        return Said("nobody is left to upload: {lost}",
                    lost=[_lost(reason, people) for reason, people in ledger.dropped.items() if people])  # fmt: skip
    label, rows = max(audience_rows.withheld.items(), key=lambda item: item[1])
    values = {"rows": rows, "short": minimum - rows, "network": network.title, "minimum": minimum}
    says = "it has {rows} rows, {short} short of {network}'s minimum of {minimum}"
    if label:
        says = "its largest list, {name}, has {rows} rows, {short} short of {network}'s minimum of {minimum}"
        values["name"] = label
    main = ledger.main_reason
    if main is None:
        return Said(says, **values)
    return Said(
        "{short}; most people were lost to {cost}", short=Said(says, **values), cost=_lost(main, ledger.dropped[main])
    )


def _lost(reason: str, people: int) -> Said:
    for chosen in ("suppressed by {name}", "excluded by {name}", "outranked by {name}"):
        kind = chosen.removesuffix("{name}").replace(" ", "_")
        if reason.startswith(kind):
            return Said("{reason} ({people})", reason=Said(chosen, name=reason.removeprefix(kind)), people=people)
    return Said("{reason} ({people})", reason=Said(reason.replace("_", " ")), people=people)
