"""Whom the file that can be uploaded leaves out, where a night that found another choice held the audience back."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from catalog.nights import CONFIG_CHANGES, NIGHTS
from catalog.store import Catalog
from portal.overview import Row
from schemas.uploads import Ledger, excluded_by, outranked_by


class ChoiceOfFile(NamedTuple):
    """Segments whose people the file leaves out, and segments that keep whom they have in common with it; how many
    percent of those who remained it holds out, None without a holdout."""

    exclude: tuple[str, ...]
    rivals: tuple[str, ...]
    held_out: float | None


def choice_of_file(catalog: Catalog, row: Row, declared: sa.RowMapping | None) -> ChoiceOfFile | None:
    """In: what is declared now: exclude, rivals, held_out. None if the file was made by that, or it is not known."""
    if not row.is_held or declared is None or row.manifest is None or not row.manifest.has_file("full"):
        return None
    found = _chosen(row.manifest.ledger)
    is_other = (
        set(found.exclude) != set(declared["exclude"])
        or set(found.rivals) != set(declared["rivals"])
        or (found.held_out is None) != (declared["held_out"] is None)
        # Of a holdout the ledger tells how many people it was, and not which share was asked for.
        or (found.held_out is not None and _has_another_holdout(catalog, row))
    )
    return found if is_other else None


def share_held_out(ledger: Ledger) -> float | None:
    """Percent of the people who would have been uploaded; None if the ledger's audience held nobody out."""
    people = ledger.dropped.get("holdout")
    return round(100 * people / (people + ledger.file_people), 1) if people else None


def _chosen(ledger: Ledger) -> ChoiceOfFile:
    """A ledger names whatever might have left somebody out, also where that was nobody."""

    def named(prefix: str) -> tuple[str, ...]:
        return tuple(reason.removeprefix(prefix) for reason in ledger.dropped if reason.startswith(prefix))

    held_out = share_held_out(ledger) or 0.0 if "holdout" in ledger.dropped else None
    return ChoiceOfFile(named(excluded_by("")), named(outranked_by("")), held_out)


def _has_another_holdout(catalog: Catalog, row: Row) -> bool:
    """Whether a night after the file's found the segment's holdout changed."""
    query = (
        sa.select(CONFIG_CHANGES.c.after)
        .join(NIGHTS, NIGHTS.c.night == CONFIG_CHANGES.c.night)
        .where(CONFIG_CHANGES.c.kind == "segment_changed", CONFIG_CHANGES.c.about == row.title)
        .where(NIGHTS.c.as_of > row.as_of)
    )
    with catalog.reading() as connection:
        return any("holdout" in changed.split(", ") for changed in connection.scalars(query))
