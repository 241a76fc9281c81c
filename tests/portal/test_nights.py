"""From one night to the next, by what the page shows: what was confirmed is asked for no more, who is forgotten is."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

from typer.testing import CliRunner

from catalog.home import Home
from catalog.store import open_catalog
from commands.main import app
from portal.app import create_app
from schemas.settings import Settings
from tests.conftest import Company
from tests.nights import night
from tests.portal.conftest import Browser, Site

DAY = "2024-06-30"

_CONFIRM = re.compile(
    r'action="([^"]+/confirmations)".*?name="version" value="([^"]+)".*?name="kind" value="([^"]+)"', re.DOTALL
)


def confirm_everything(browser: Browser) -> int:
    """Press every "I did this" of Today, the first of each audience first; how many there were."""
    pressed = 0
    while found := _CONFIRM.search(browser.get("/").text):
        path, version, kind = found.groups()
        assert browser.post(path, {"version": version, "kind": kind, "next": "/"}).status_code == 303, (version, kind)
        pressed += 1
        assert pressed < 20
    return pressed


def test_what_was_confirmed_waits_no_more_and_who_is_forgotten_is_taken_out(
    company: Company, home_after_a_night: Path
) -> None:
    home = home_after_a_night
    with open_catalog(Home.at(home)) as catalog:
        site = Site(Home.at(home), catalog, create_app(Home.at(home), Settings(currency="EUR"), catalog))
        browser = site.user("camille", "marketer", "privacy")
        assert "2 audiences wait for you." in browser.get("/").text
        assert confirm_everything(browser) == 2
        assert "Nothing to upload." in browser.get("/").text
        email = (company.folder / "customers.csv").read_text(encoding="utf-8").splitlines()[1].split(",")[1]
        forgot = CliRunner().invoke(app, ["forget", email, "--config", str(company.config), "--home", str(home)])
        assert forgot.exit_code == 0, forgot.output
        night(company.config, home, DAY)
        page = unescape(browser.get("/").text)
        assert "First: take people out" in page and "Then: bring lists up to date" not in page
        assert "1 of 1 are open." in browser.get("/privacy").text
        assert email not in page + browser.get("/privacy").text + browser.get("/audiences").text
        assert confirm_everything(browser) >= 2
        assert "Nothing to upload." in browser.get("/").text
        site.app.state.relance.overview.close()
