"""What publishing needs beside the rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from catalog.home import Home
from catalog.secret_keys import SecretKeys
from catalog.store import Catalog
from catalog.warehouse import Warehouse
from schemas.segment import Audience
from schemas.settings import Settings


@dataclass(frozen=True)
class Outbox:
    """Where versions go, and the stores that know of them."""

    home: Home
    keys: SecretKeys
    warehouse: Warehouse
    catalog: Catalog
    settings: Settings
    night: int

    def folder(self, audience: Audience, version: str) -> Path:
        """Where a version's files lie once it is published."""
        return self.home.version_folder(audience, version)

    @property
    def staging(self) -> Path:
        return self.home.outbox / ".staging"
