"""How long a version's files and keys are kept."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import sqlalchemy as sa

from catalog.warehouse import Warehouse
from pipelines.holdings.audience_keys import drop_keys, key_versions, thin_keys
from pipelines.holdings.holdings import possible_lists
from pipelines.holdings.outbox import Outbox
from pipelines.holdings.withdrawal import withdraw
from pipelines.uploads.versions.state import AudienceState, state_of
from schemas.journal import Confirmation, VersionOrder
from schemas.segment import Audience

#: So long are kept at most the files of a version that is neither the current nor the last confirmed one, and all keys
#: of one that nobody confirmed.
FILES_KEPT = timedelta(days=14)
#: So long at most any key of a version that nobody confirmed and that may be at the network all the same.
KEYS_KEPT = timedelta(days=400)
#: So many confirmations can be taken back and the state before is known to the key.
UNDONE_AT_MOST = 5


def expire(outbox: Outbox) -> None:
    """Delete the files that are too old to be uploaded, and keys on which no confirmed state rests.

    Days are counted to the newest day that anything was published for. A version whose keys are gone can still be
    confirmed: nobody then knows what the list holds, and the next plan replaces it.
    """
    rows = outbox.catalog.versions(state=None)
    today = max((row["as_of"] for row in rows), default=None)
    if today is not None:
        for audience in sorted(set(map(Audience.of, rows))):
            _expire(audience, outbox, today)


def _expire(audience: Audience, outbox: Outbox, today: date) -> None:
    state = state_of(audience, outbox.catalog, outbox.warehouse)
    published = [row for row in state.versions if row["state"] == "published"]
    days = {row["version"]: row["as_of"] for row in state.versions}
    files = key_versions(outbox.warehouse, audience)
    filled = sorted(files.filter(pl.col("whole"), kind="full")["version"], key=VersionOrder.of)
    held, carried = _resting(state, files)
    # What is given out today may be confirmed tomorrow, also if it has nothing but a remove file.
    current = {row["version"] for row in published[-1:]}
    resting = set(files["version"]) - held - set(filled[-1:]) - current
    ages = {version: today - days[version] if version in days else KEYS_KEPT for version in resting}
    going = sorted({each for each in resting if each not in carried or ages[each] > KEYS_KEPT}, key=VersionOrder.of)
    known = set(files["version"]) - set(going)
    # Of files whose keys nobody knows, nobody can tell that they hold a key that was forbidden since.
    unknown = [row["version"] for row in published[:-1] if row["version"] not in known]
    for version in dict.fromkeys([*_old_files(published, state.standing, today), *unknown]):
        withdraw(outbox.home, outbox.catalog, audience, version, "expired")
    drop_keys(outbox.warehouse, audience, going)
    for version in sorted(resting - set(going), key=VersionOrder.of):
        if ages[version] > FILES_KEPT and filled:
            _thin(outbox.warehouse, files, version, filled[-1])


def _thin(warehouse: Warehouse, files: pl.DataFrame, version: str, newest: str) -> None:
    now = dict(files.filter(version=newest, kind="full").select("list", "version_id").iter_rows())
    for label, number in files.filter("whole", version=version).select("list", "version_id").iter_rows():
        if label in now:
            thin_keys(warehouse, number, now[label])


def _old_files(published: list[sa.RowMapping], standing: list[Confirmation], today: date) -> list[str]:
    uploads = [each.version for each in standing if each.kind != "deleted"]
    kept = {*(row["version"] for row in published[-1:]), *uploads[-1:]}
    return [row["version"] for row in published if row["version"] not in kept and today - row["as_of"] > FILES_KEPT]


def _resting(state: AudienceState, files: pl.DataFrame) -> tuple[set[str], set[str]]:
    """Versions that what is held rests on, now or before the last confirmations; and versions that may be there."""
    published_at = {row["version"]: row["published_at"] for row in state.versions}
    held: set[str] = set()
    carried: set[str] = set()
    for undone in range(min(UNDONE_AT_MOST, len(state.standing)) + 1):
        standing = state.standing[: len(state.standing) - undone]
        # An older list that is still open may hold somebody who asked to be forgotten.
        *lists, unsaid = possible_lists(standing, files, published_at)
        held |= {event.version for each in lists for event in each}
        carried |= {event.version for event in unsaid}
    return held, carried
