"""Audiences with fewer rows than their network takes."""

from __future__ import annotations

from pipelines.uploads.rows import AudienceRows
from schemas.network import Network
from schemas.said import Said

_EMPTY = Said("nobody is left to upload: the segment is empty")
_NOBODY = "nobody is left to upload: {lost}"
_ONE_ROW = "it has {rows} row, {short} short of {network}'s minimum of {minimum}"
_ROWS = "it has {rows} rows, {short} short of {network}'s minimum of {minimum}"
_ONE_ROW_OF_LIST = "its largest list, {name}, has {rows} row, {short} short of {network}'s minimum of {minimum}"
_ROWS_OF_LIST = "its largest list, {name}, has {rows} rows, {short} short of {network}'s minimum of {minimum}"
_COST = "{short}; most people were lost to {cost}"
#: Too small, and the brake has something to say too.
SHORT_AND_CHANGED = "{short}; {changes}"


def too_small(audience_rows: AudienceRows, network: Network) -> Said:
    """How many rows are missing, and what cost the most people."""
    ledger, minimum = audience_rows.ledger, network.file.minimum_rows.full
    if not ledger.segment_people:
        return _EMPTY
    if not ledger.file_rows:
        return Said(_NOBODY, lost=[_lost(reason, people) for reason, people in ledger.dropped.items() if people])
    label, rows = max(audience_rows.withheld.items(), key=lambda item: item[1])
    values = {"rows": rows, "short": minimum - rows, "network": network.title, "minimum": minimum}
    says = _ONE_ROW if rows == 1 else _ROWS
    if label:
        says = _ONE_ROW_OF_LIST if rows == 1 else _ROWS_OF_LIST
        values["name"] = label
    main = ledger.main_reason
    if main is None:
        return Said(says, **values)
    return Said(_COST, short=Said(says, **values), cost=_lost(main, ledger.dropped[main]))


def is_too_small(reason: Said) -> bool:
    """Whether an audience was held for that reason because it is too small, whatever else was found."""
    every = {_EMPTY.sentence, _NOBODY, _ONE_ROW, _ROWS, _ONE_ROW_OF_LIST, _ROWS_OF_LIST, _COST, SHORT_AND_CHANGED}
    return reason.sentence in every


def _lost(reason: str, people: int) -> Said:
    for chosen in ("suppressed by {name}", "excluded by {name}", "outranked by {name}"):
        kind = chosen.removesuffix("{name}").replace(" ", "_")
        if reason.startswith(kind):
            return Said("{reason} ({people})", reason=Said(chosen, name=reason.removeprefix(kind)), people=people)
    return Said("{reason} ({people})", reason=Said(reason.replace("_", " ")), people=people)
