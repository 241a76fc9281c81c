"""Whether a list may hold who must leave it, where the newest version's files were withdrawn: by the catalog alone."""

from __future__ import annotations

import sqlalchemy as sa

from catalog.database import of_audience
from catalog.erasures import forgotten_on, removals, requests_in
from catalog.offered import newest_rows
from catalog.store import OUTCOMES, Catalog, manifest_of
from pipelines.holdings.open_lists import open_lists
from pipelines.holdings.outstanding import outstanding
from schemas.journal import Confirmation
from schemas.said import Said
from schemas.segment import Audience
from schemas.uploads import Manifest

#: Why an audience has no version of tonight although nothing else is wrong.
FORGOTTEN = Said(
    "its files hold keys of somebody who asked to be forgotten while it was being published, or whose removal was "
    "confirmed meanwhile; the next run publishes it without them"
)


def may_hold_forbidden(
    catalog: Catalog, audience: Audience, withdrawn: sa.RowMapping, standing: list[Confirmation]
) -> bool:
    """In: the newest version, whose files were `withdrawn`, by its row of `VERSIONS`; the audience's confirmations.

    Files also go because a request is closed whose person their removals name. Of one that is not settled yet nobody
    knows which lists have a key.
    """
    if not open_lists(standing):
        return False
    if requests_in(catalog, "received") or requests_in(catalog, "erased"):
        return True
    said = {each.name for each in standing}
    return (
        _is_left(manifest_of(withdrawn), standing)
        or _was_not_published(catalog, audience)
        or not set().union(*forgotten_on(catalog, audience).values()) <= said
        or any(
            each.state in {"due", "published"}
            or (each.state == "closed" and each.confirmation is not None and each.confirmation not in said)
            for each in removals(catalog, audience=audience)
        )
    )


def _is_left(manifest: Manifest, standing: list[Confirmation]) -> bool:
    """Whether a step of the version that takes somebody out is still to be done."""
    kinds = {step.kind for step in outstanding(manifest, standing)}
    return "deleted" in kinds or (manifest.forbidden > 0 and not kinds <= {"added"})


def _was_not_published(catalog: Catalog, audience: Audience) -> bool:
    """Whether the last night could not publish what it would have taken out."""
    newest = newest_rows(catalog, OUTCOMES, *of_audience(OUTCOMES, audience))
    return any(row["reason"] == FORGOTTEN for row in newest)
