"""Where everything lives: the home's folders, the config folder, and the lock on the home."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.errors import HomeLockedError


class Environment(BaseSettings):
    """The environment variables that place things; each has a default next to the checkout."""

    model_config = SettingsConfigDict(env_prefix="RELANCE_")

    home: Path = Path("var")
    config: Path = Path("config")
    keys: Path | None = None


@dataclass(frozen=True)
class Home:
    """All state of one installation."""

    root: Path
    keys: Path

    @classmethod
    def at(cls, root: Path, keys: Path | None = None) -> Home:
        """The home at `root`; its keys lie inside unless `keys` names another folder."""
        root = root.expanduser().resolve()
        return cls(root, keys.expanduser().resolve() if keys is not None else root / "keys")

    @property
    def sample(self) -> Path:
        return self.root / "sample"

    @property
    def public_key(self) -> Path:
        return self.keys / "signing.pub"

    @property
    def warehouse(self) -> Path:
        return self.root / "warehouse.duckdb"

    @property
    def outbox(self) -> Path:
        return self.root / "outbox"

    @property
    def catalog(self) -> Path:
        return self.root / "catalog.sqlite"

    @property
    def audit_head(self) -> Path:
        return self.root / "audit.head"

    @property
    def dagster(self) -> Path:
        return self.root / "dagster"

    @property
    def spill(self) -> Path:
        return self.root / "spill"

    @property
    def extensions(self) -> Path:
        return self.root / "extensions"

    def create(self) -> None:
        """Make the home's folder, readable by its owner only."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o700)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the home for one writer.

        Raises:
            HomeLockedError: another process (or another run in this one) holds it.
        """
        self.create()
        descriptor = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                msg = f"Another process is working in {self.root}. Wait until it is done, or use another --home."
                raise HomeLockedError(msg) from None
            yield
        finally:
            os.close(descriptor)
