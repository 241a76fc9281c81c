"""Where everything lives: the home's folders, the config folder, and the lock on the home."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.errors import ConfigError, HomeLockedError
from schemas.segment import Audience

#: What shows that a folder is a home already, if only one with a sample in it.
_OURS = {"catalog.sqlite", "warehouse.duckdb", "outbox", "dagster", "sample", "bench"}


class Environment(BaseSettings):
    """The environment variables that place things, also read from `.env`; each has a default next to the checkout."""

    model_config = SettingsConfigDict(env_prefix="RELANCE_", env_file=".env", extra="ignore")

    home: Path = Path("var")
    config: Path = Path("config")
    keys: Path | None = None
    #: A PostgreSQL URL; it may hold a password, so it is never shown. Without one, the catalog is a file of the home.
    catalog: SecretStr | None = None

    @field_validator("keys", "catalog", mode="before")
    @classmethod
    def _blank_is_none(cls, given: object) -> object:
        """A variable that is set to nothing overrides `.env`."""
        return None if isinstance(given, str) and not given.strip() else given


@dataclass(frozen=True)
class Home:
    """All state of one installation."""

    root: Path
    keys: Path
    #: Where its catalog is, if not in `root`: a PostgreSQL URL.
    catalog_url: SecretStr | None = None

    @classmethod
    def at(cls, root: Path, keys: Path | None = None, catalog_url: SecretStr | None = None) -> Home:
        """The home at `root`; its keys and its catalog lie inside unless `keys` or `catalog_url` says otherwise."""
        root = root.expanduser().resolve()
        return cls(root, keys.expanduser().resolve() if keys is not None else root / "keys", catalog_url)

    @property
    def id_file(self) -> Path:
        return self.root / "home.id"

    @property
    def id(self) -> str | None:
        """What its catalog knows the home by, wherever either is moved; None before it has a catalog."""
        return self.id_file.read_text("ascii", "replace").strip() if self.id_file.exists() else None

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

    def version_folder(self, audience: Audience, version: str) -> Path:
        """Where a published version's files lie."""
        return self.outbox.joinpath(*audience, version)

    def manifests(self) -> list[Path]:
        """The manifest of every version in the outbox, the catalog's or not, by path."""
        return sorted(self.outbox.glob("*/*/*/*/manifest.json"))

    @property
    def replay(self) -> Path:
        """Where kept nights are rebuilt, to be compared; nothing in it is published."""
        return self.root / "replay"

    @property
    def catalog(self) -> Path:
        return self.root / "catalog.sqlite"

    @property
    def has_catalog(self) -> bool:
        return self.catalog_url is not None or self.catalog.exists()

    @property
    def restored(self) -> Path:
        """The mark that `deploy/restore` leaves, until whatever opens the catalog next has taken note of it."""
        return self.root / "restored"

    @property
    def audit_head(self) -> Path:
        return self.root / "audit.head"

    @property
    def dagster(self) -> Path:
        return self.root / "dagster"

    @property
    def spill(self) -> Path:
        return self.root / "spill"

    def create(self) -> None:
        """Make the home's folder, readable by its owner only.

        A folder that others may enter and that holds other things, such as /var, is not closed to them.

        Raises:
            ConfigError: there can be no such folder, or it is somebody else's.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            if self.root.stat().st_mode & 0o077:
                self._refuse_what_others_use()
                self.root.chmod(0o700)
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise
            reason = "it is a file" if self.root.is_file() else (error.strerror or "unknown reason").lower()
            msg = f"{self.root} cannot be the home: {reason}. Give another --home or RELANCE_HOME."
            raise ConfigError(msg) from None

    def _refuse_what_others_use(self) -> None:
        found = {path.name for path in self.root.iterdir()} - {"lost+found"}
        if found and not found & _OURS:
            msg = (
                f"{self.root} cannot be the home: it holds other things, and others of this machine may use it. "
                "Give another --home or RELANCE_HOME, or run `chmod 700` on it if it is to be closed to them."
            )
            raise ConfigError(msg)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the home for one writer.

        Raises:
            ConfigError: it is another user's.
            HomeLockedError: another process (or another run in this one) holds it.
        """
        self.create()
        try:
            descriptor = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except PermissionError:
            msg = f"{self.root / 'lock'} is another user's. Run as the user of this home, or give the home to yours."
            raise ConfigError(msg) from None
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                msg = f"Another process is working in {self.root}. Wait until it is done, or use another --home."
                raise HomeLockedError(msg) from None
            yield
        finally:
            os.close(descriptor)
