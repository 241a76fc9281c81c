"""The weekly e-mail by command: what waits is counted from the company's day, as on the page."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
import uvicorn
from sqlalchemy.exc import ResourceClosedError
from typer.testing import CliRunner

from catalog.changes import Changes
from catalog.home import Home
from catalog.store import open_catalog
from commands.main import app
from portal.overview import Overview, Row

SETTINGS = """currency = "EUR"
time_zone = "{zone}"
[portal.weekly_email]
to = ["ads@example.com"]
address = "https://relance.example.com"
[alerts.email]
to = ["ops@example.com"]
sender = "relance@example.com"
server = "mail.example.com"
"""


def home_and_config(folder: Path, zone: str = "Europe/Paris") -> list[str]:
    """The options of a home with a catalog, and of settings with a weekly e-mail."""
    (folder / "relance.toml").write_text(SETTINGS.format(zone=zone), encoding="utf-8")
    home = Home.at(folder / "home")
    home.create()
    with open_catalog(home):
        pass
    return ["--config", str(folder), "--home", str(home.root)]


# At any moment, one of them has another day than UTC.
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Niue"])
def test_the_day_is_the_companys(zone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = home_and_config(tmp_path, zone)
    asked: list[date] = []

    def rows(_: Overview, today: date) -> tuple[Row, ...]:
        asked.append(today)
        return ()

    monkeypatch.setattr(Overview, "rows", rows)
    found = CliRunner().invoke(app, ["remind", "--show", *options])
    assert (found.exit_code, asked) == (0, [datetime.now(ZoneInfo(zone)).date()]), found.output


@pytest.mark.parametrize(
    ("command", "fails"), [(["remind", "--show"], (Overview, "rows")), (["serve"], (uvicorn, "run"))]
)
def test_a_command_that_fails_keeps_no_connection_to_the_catalog(
    command: list[str], fails: tuple[object, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Changes] = []

    def failing(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    def opening(changes: Changes, engine: sa.Engine) -> None:
        opened.append(changes)
        opens(changes, engine)

    opens = Changes.__init__
    monkeypatch.setattr(Changes, "__init__", opening)
    monkeypatch.setattr(*fails, failing)
    ended = CliRunner().invoke(app, [*command, *home_and_config(tmp_path)])
    assert isinstance(ended.exception, ZeroDivisionError)
    [changes] = opened
    with pytest.raises(ResourceClosedError):
        changes.mark()
