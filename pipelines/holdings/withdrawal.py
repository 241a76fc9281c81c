"""Taking a version's files away, for good: because they hold what they must not, or because they are old."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from catalog.durable import sync
from catalog.home import Home
from catalog.store import Catalog
from pipelines.holdings.audience_keys import sent_keys
from pipelines.holdings.forbidden import Forbidden
from pipelines.holdings.outbox import Outbox
from pipelines.holdings.still_held import FORGOTTEN
from schemas.segment import Audience
from schemas.uploads import GoneState


def withdraw(
    home: Home,
    catalog: Catalog,
    audience: Audience,
    version: str,
    state: GoneState = "withdrawn",
) -> None:
    """Delete the version's folder; its manifest and checksums stay in the catalog, its keys in the warehouse.

    Needs no warehouse, so that it works while a night runs. A crash between the two steps is mended by `reconcile`.
    """
    catalog.set_state(audience, version, state)
    delete_folder(home.version_folder(audience, version))


def withdraw_forbidden(audience: Audience, outbox: Outbox, forbidden: Forbidden, *, newest: str | None) -> None:
    """Withdraw the audience's published versions that would bring a forbidden key to the network.

    `newest` is the one that the night made or found fresh: it was made without them.
    """
    older = [row["version"] for row in outbox.catalog.versions(audience) if row["version"] != newest]
    if not older:
        return
    sent = sent_keys(outbox.warehouse, audience, older, newest)
    holding = set(sent.filter(forbidden(sent.select("key", "value")))["versions"].explode())
    for version in older:
        if version in holding:
            withdraw(outbox.home, outbox.catalog, audience, version)


def hold_withdrawn(catalog: Catalog, night: int) -> None:
    """Count audiences as held whose version of the night was withdrawn before the night ended."""
    withdrawn = {(*Audience.of(row), row["version"]) for row in catalog.versions(state="withdrawn")}
    for row in catalog.outcomes_of_night(night):
        audience = Audience.of(row)
        if row["outcome"] != "held" and (*audience, row["version"]) in withdrawn:
            catalog.record_outcome(audience, row["as_of"], "held", night=night, reason=FORGOTTEN, ledger=row["ledger"])


def delete_folder(folder: Path) -> None:
    """Delete a version's folder, under a name that nobody lists first: half a version is never seen."""
    if not folder.is_dir():
        return
    gone = folder.with_name(f".{folder.name}")
    shutil.rmtree(gone, ignore_errors=True)
    # `forget` and a night may delete it at once: whoever finds it gone has nothing left to do.
    with suppress(FileNotFoundError):
        folder.rename(gone)
        sync(folder.parent)
        shutil.rmtree(gone)
