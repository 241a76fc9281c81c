"""What every route needs: the home, the settings, the catalog, a clock, and the secret of cookies and links."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Annotated

from cryptography.fernet import Fernet
from fastapi import Depends, Request
from itsdangerous import URLSafeSerializer, URLSafeTimedSerializer

from catalog.database import now as utc_now
from catalog.durable import write_durably
from catalog.home import Home
from catalog.sealed import fernet
from catalog.secret_keys import find_key, key_path, new_key
from catalog.sessions import Limits
from catalog.store import Catalog
from portal.attempts import Attempts
from portal.fragments import Fragments
from portal.overview import Overview, Row
from portal.verified import VerifiedFiles
from schemas.settings import Settings


@dataclass(frozen=True)
class State:
    """One installation, as the page sees it."""

    home: Home
    settings: Settings
    catalog: Catalog
    secret: str
    overview: Overview
    clock: Callable[[], datetime] = utc_now
    attempts: Attempts = field(default_factory=Attempts)
    files: VerifiedFiles = field(default_factory=VerifiedFiles)
    fragments: Fragments = field(default_factory=Fragments)

    @property
    def now(self) -> datetime:
        """The time of the company's clock."""
        return self.clock().astimezone(self.settings.zone)

    @property
    def today(self) -> date:
        """The company's day, as nights and confirmations are counted."""
        return self.now.date()

    @property
    def limits(self) -> Limits:
        portal = self.settings.portal
        return Limits(timedelta(minutes=portal.idle_minutes), timedelta(hours=portal.session_hours))

    def lacks_files(self, row: Row) -> bool:
        """Whether the files of the audience's version are gone from the outbox."""
        return row.version is not None and not self.home.version_folder(row.audience, row.version).is_dir()

    def signer(self, purpose: str) -> URLSafeSerializer:
        """Signs what is given out for `purpose`; nothing signed for another one is taken."""
        return URLSafeSerializer(self.secret, salt=f"relance.{purpose}")

    def timed_signer(self, purpose: str) -> URLSafeTimedSerializer:
        """The same, for what is only good for a while."""
        return URLSafeTimedSerializer(self.secret, salt=f"relance.{purpose}")

    def sealer(self, purpose: str) -> Fernet:
        """The same, for what nobody who sees the address may read."""
        return fernet(self.secret, f"relance.{purpose}")


def state_of(request: Request) -> State:
    return request.app.state.relance


StateOf = Annotated[State, Depends(state_of)]


def portal_secret(home: Home) -> str:
    """What cookies and links are signed with; made if it is not there. Without it everybody logs in again.

    Raises:
        KeyFileError: the file holds no key.
    """
    found = find_key(home, "portal")
    if found is None:
        found = new_key()
        home.create()
        home.keys.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_durably(key_path(home, "portal"), found + "\n")
    return found
