"""Telling of a night that a command found failed or late, also where the catalog is away."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from catalog.alerts import AlertMessage, send, tell
from catalog.store import open_catalog
from schemas.errors import CatalogError, ConfigError, DiskError

if TYPE_CHECKING:
    from catalog.home import Home
    from schemas.alerts import Alerts


def tell_of_failure(home: Home, settings: Alerts, message: AlertMessage) -> None:
    """Send the message once on each channel; if the catalog cannot be opened to note that, send it all the same."""
    try:
        with suppress(DiskError), open_catalog(home) as catalog:
            tell(catalog, settings, message)
    except (CatalogError, ConfigError):
        send(settings, message)
