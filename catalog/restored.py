"""That a home was made from a backup: what was done after that backup is in none of its tables."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from catalog.audit import AUDIT
from catalog.durable import sync

if TYPE_CHECKING:
    from catalog.home import Home
    from catalog.store import Catalog

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def note_restored(catalog: Catalog, home: Home) -> None:
    """Write down what the mark of `deploy/restore` says, if it is there, and take it away."""
    if not home.restored.exists():
        return
    at = datetime.fromtimestamp(home.restored.stat().st_mtime, UTC)
    catalog.record("restored", "home", {"at_microseconds": (at - _EPOCH) // _MICROSECOND})
    home.restored.unlink(missing_ok=True)
    sync(home.root)


def restored_at(catalog: Catalog) -> datetime | None:
    """When the home was restored last (UTC); None if it never was."""
    query = sa.select(AUDIT.c.details).where(AUDIT.c.action == "restored").order_by(AUDIT.c.line.desc()).limit(1)
    with catalog.reading() as connection:
        details = connection.execute(query).scalar()
    return _EPOCH + json.loads(details)["at_microseconds"] * _MICROSECOND if details is not None else None
