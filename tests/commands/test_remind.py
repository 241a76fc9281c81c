"""The weekly e-mail by command: what waits is counted from the company's day, as on the page."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

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


# At any moment, one of them has another day than UTC.
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Niue"])
def test_the_day_is_the_companys(zone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "relance.toml").write_text(SETTINGS.format(zone=zone), encoding="utf-8")
    home = Home.at(tmp_path / "home")
    home.create()
    with open_catalog(home):
        pass
    asked: list[date] = []

    def rows(_: Overview, today: date) -> tuple[Row, ...]:
        asked.append(today)
        return ()

    monkeypatch.setattr(Overview, "rows", rows)
    found = CliRunner().invoke(app, ["remind", "--show", "--config", str(tmp_path), "--home", str(tmp_path / "home")])
    assert (found.exit_code, asked) == (0, [datetime.now(ZoneInfo(zone)).date()]), found.output
