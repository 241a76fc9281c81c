"""That a home was made from a backup: what was done after that backup is in none of its tables."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from catalog.audit import AUDIT
from catalog.durable import sync

if TYPE_CHECKING:
    from catalog.home import Home
    from catalog.store import Catalog


def note_restored(catalog: Catalog, home: Home) -> bool:
    """Write down what the mark of `deploy/restore` says, and take the mark away; whether there was one."""
    if not home.restored.exists():
        return False
    catalog.record("restored", "home")
    home.restored.unlink()
    sync(home.root)
    return True


def restored_at(catalog: Catalog) -> datetime | None:
    """When the home was found to be restored last (UTC); None if it never was."""
    query = sa.select(sa.func.max(AUDIT.c.at)).where(AUDIT.c.action == "restored")
    with catalog.reading() as connection:
        at = connection.execute(query).scalar()
    return datetime.fromisoformat(at) if at is not None else None
