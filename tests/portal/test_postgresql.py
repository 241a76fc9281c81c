"""The page on a catalog in PostgreSQL does what it does on one in SQLite."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from catalog.descriptions import describe
from catalog.home import Home
from catalog.reports import size_reports
from catalog.store import open_catalog
from catalog.weekly import AGAIN_AFTER, claim_week, end_week
from pipelines.holdings.confirming import confirm
from portal.app import create_app
from schemas.settings import Settings
from tests.portal.conftest import DAY, GOOGLE, META, Site, segment
from tests.portal.test_access import REQUESTS, routes
from tests.portal.test_pages import text_of

_META = "/audiences/" + "/".join(META)
FULL = b"email\n" + b"0123456789abcdef\n" * 4312


def test_the_page_works_on_postgresql(postgresql_database: str, tmp_path: Path) -> None:
    home = Home.at(tmp_path / "home", catalog_url=SecretStr(postgresql_database))
    with open_catalog(home) as catalog, open_catalog(home) as elsewhere:
        site = Site(home, catalog, create_app(home, Settings(currency="EUR"), catalog))
        describe(catalog, {"loyal": segment()})
        catalog.end_night(catalog.begin_night(DAY), "done", [], 0)
        site.publish(META, {"club_b.full.csv": FULL})
        browser = site.user("camille", "marketer", "privacy", "admin")
        for route in (each for each in routes(site.app) if "GET" in each.methods and each.name in REQUESTS):
            assert browser.get(REQUESTS[route.name][0]).status_code < 500, route.name
        link = browser.get(f"{_META}/versions/{DAY}.1/files/0").headers["location"]
        assert browser.get(link).content == FULL
        assert browser.post(f"{_META}/confirmations", {"version": f"{DAY}.1", "kind": "created"}).status_code == 303
        assert browser.post(f"{_META}/size", {"size": "3 900", "match_rate": "61,5"}).status_code == 303
        assert browser.post(f"{_META}/confirmations", {"version": f"{DAY}.1", "kind": "added"}).status_code == 409
        assert "Nothing to upload." in browser.get("/").text
        assert [report.match_rate for report in size_reports(elsewhere, META)] == [61.5]
        # What another process writes is seen at once: the rows are kept until something is written.
        site.publish(GOOGLE, {"club_b.full.csv": FULL})
        confirm(elsewhere, GOOGLE, f"{DAY}.1", "created")
        assert "2 audiences are up to date." in text_of(browser.get("/").text)
        assert browser.post(f"{_META}/undo", {"number": 1}).status_code == 303
        assert "1 audience waits for you." in browser.get("/").text
        # Of several processes one sends the weekly e-mail, and again only what failed.
        at = site.clock()
        assert [claim_week(each, DAY, at) for each in (catalog, elsewhere)] == [True, False]
        end_week(catalog, DAY, "no server")
        assert claim_week(elsewhere, DAY, at + AGAIN_AFTER)
        site.app.state.relance.overview.close()
