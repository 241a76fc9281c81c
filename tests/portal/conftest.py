"""A home as nights leave it, without the nights: versions with real files, outcomes, users; and its page."""

from __future__ import annotations

import hashlib
import re
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from fastapi.testclient import TestClient

from catalog.database import now as utc_now
from catalog.descriptions import describe, record_overlaps
from catalog.home import Home
from catalog.store import Catalog, open_catalog
from catalog.users import add_user, change_password
from portal.app import create_app
from schemas.alerts import Alerts
from schemas.journal import ConfirmationKind, UploadStep
from schemas.network_file import FileKind
from schemas.portal import PortalSettings, Role
from schemas.segment import Audience, Segment
from schemas.settings import Settings
from schemas.uploads import FileEntry, Ledger, Manifest

META = Audience("meta", "main", "loyal")
GOOGLE = Audience("google_ads", "main", "loyal")
DAY = date(2026, 10, 30)
PASSWORD = "three unrelated words"
PARIS = ZoneInfo("Europe/Paris")

#: Kind of file → the confirmation that it was uploaded.
DONE: dict[FileKind, ConfirmationKind] = {"full": "created", "add": "added", "remove": "removed"}


def segment(**changes: object) -> Segment:
    fields = {
        "title": "Loyal customers",
        "public_name": "club_b",
        "purpose": "loyalty",
        "where": "orders_count >= 5 AND recency_days <= 180",
        "networks": ("meta", "google_ads"),
        "owner": "team:growth",
    }
    return Segment.model_validate(fields | changes)


def tampered(signed: str, place: int) -> str:
    """A signed text with the highest bit of one letter changed: the lowest of base64's last letter mean nothing."""
    letters = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    return signed[:place] + letters[letters.find(signed[place]) ^ 32] + signed[place + 1 :]


@dataclass
class Site:
    """The page of a home, and a clock to turn."""

    home: Home
    catalog: Catalog
    app: FastAPI
    late: timedelta = field(default_factory=timedelta)

    def clock(self) -> datetime:
        return utc_now() + self.late

    @property
    def today(self) -> date:
        return self.app.state.relance.today

    def wait(self, days: int) -> None:
        """Turn the clock to the same hour so many days on, where the company is: a day may have 23 or 25 hours."""
        now = utc_now().astimezone(PARIS)
        self.late = (now + timedelta(days=days)).astimezone(UTC) - now.astimezone(UTC)

    def browser(self, **headers: str) -> Browser:
        client = TestClient(self.app, base_url="http://localhost", headers=headers, follow_redirects=False)
        return Browser(client, self)

    def user(self, name: str, *roles: Role) -> Browser:
        """Somebody with these roles, logged in."""
        add_user(self.catalog, name, roles)
        change_password(self.catalog, name, PASSWORD)
        browser = self.browser()
        assert browser.log_in(name).status_code == 303
        return browser

    def publish(
        self,
        audience: Audience,
        files: dict[str, bytes],
        *,
        version: str = f"{DAY}.1",
        steps: tuple[ConfirmationKind, ...] = ("created",),
        public_name: str = "club_b",
        **manifest: object,
    ) -> Manifest:
        """Publish a version: `files` by name: `club_b.emails.full.csv`, the list where there are several."""
        folder = self.home.outbox.joinpath(*audience, version)
        folder.mkdir(parents=True)
        entries = []
        for name, content in files.items():
            (folder / name).write_bytes(content)
            kind = next(kind for kind in DONE if f".{kind}." in name)
            digest = hashlib.sha256(content).hexdigest()
            rows = content.count(b"\n") - 1
            of = name.split(f".{kind}.")[0].partition(".")[2]
            entries.append(FileEntry(name=name, kind=kind, list=of, rows=rows, bytes=len(content), sha256=digest))
        kinds: dict[str, FileKind] = {"created": "full", "replaced": "full", "added": "add", "removed": "remove"}
        people = 4312
        fields = {
            **audience._asdict(),
            "public_name": public_name,
            "version": version,
            "as_of": version.rpartition(".")[0],
            "base": None,
            "rules_version": "1",
            "assumptions": (),
            "withheld": {},
            "ledger": Ledger(
                segment_people=people + 700,
                dropped={"no_consent_to_ads_upload": 600, "key_refused": 100},
                file_people=people,
                file_rows=people,
            ),
            "files": tuple(entries),
            "plan": tuple(UploadStep(kind=kind, version=version, file=kinds.get(kind), says=kind) for kind in steps),
        }
        made = Manifest.model_validate(fields | manifest)
        self.catalog.add_version(audience, made, hashlib.sha256(str(made).encode()).hexdigest())
        as_of = date.fromisoformat(made.as_of)
        ledger = made.ledger.model_dump()
        self.catalog.record_outcome(audience, as_of, "published", night=1, version=version, ledger=ledger)
        return made


@dataclass
class Browser:
    """A browser that fills in forms as a person does."""

    client: TestClient
    site: Site

    def log_in(self, name: str, password: str = PASSWORD, next: str = "/"):
        return self.post("/login", {"name": name, "password": password, "next": next}, page="/login")

    def get(self, path: str, **headers: str):
        return self.client.get(path, headers=headers)

    def token(self, page: str = "/networks") -> str:
        found = re.search(r'name="token" value="([^"]+)"', self.client.get(page).text)
        assert found is not None
        return found[1]

    def post(self, path: str, form: dict[str, object], page: str = "/networks", **headers: str):
        return self.client.post(path, data={"token": self.token(page), **form}, headers=headers)


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 with little work: who logs in a hundred times does not want to wait."""
    monkeypatch.setattr("catalog.passwords._HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Makes the page of a new home, by the settings of `[portal]`."""
    opened: list[Site] = []
    home = Home.at(tmp_path / "home")
    with open_catalog(home) as opened_catalog:
        catalog = opened_catalog.acting_as("test")

        def make(alerts: Alerts | None = None, **portal: object) -> Site:
            chosen = PortalSettings.model_validate(portal)
            settings = Settings(currency="EUR", time_zone=PARIS.key, portal=chosen, alerts=alerts or Alerts())
            site = Site(home, catalog, FastAPI())
            site.app = create_app(home, settings, catalog, lambda: site.clock())
            opened.append(site)
            return site

        yield make
        for site in opened:
            site.app.state.relance.overview.close()


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    """Two audiences, one of them published."""
    site = make_site()
    night = site.catalog.begin_night(DAY)
    describe(site.catalog, {"loyal": segment()})
    record_overlaps(site.catalog, [("loyal", "new", 12)])
    site.publish(META, {"club_b.full.csv": b"email\n" + b"0123456789abcdef\n" * 4312})
    site.catalog.end_night(night, "done", [], 0)
    return site
