"""Who applies erasures, and how long what they need is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from catalog.home import Home
from catalog.secret_keys import SecretKeys
from catalog.store import Catalog
from catalog.warehouse import Warehouse
from pipelines.tombstones.tombstones import Compared
from schemas.config import Config
from schemas.erasure import KEPT_DAYS


@dataclass(frozen=True)
class Erasing:
    """The open home of whoever applies erasures."""

    home: Home
    keys: SecretKeys
    warehouse: Warehouse
    catalog: Catalog
    config: Config
    #: UTC.
    now: datetime

    @property
    def compared(self) -> Compared:
        """How addresses are compared with tombstones."""
        return Compared(self.keys.identity, self.config.settings.default_country)

    @property
    def kept_since(self) -> datetime:
        """What was received earlier has been kept long enough."""
        return self.now - timedelta(days=KEPT_DAYS)
