"""What the page says of lists that a network will forget."""

from __future__ import annotations

from datetime import timedelta

import pytest

from catalog.forecasts import Forecast, record_forecast
from catalog.journal import confirmations
from pipelines.holdings.confirming import confirm
from pipelines.holdings.expiry import expiry_of, forecast_base
from pipelines.holdings.open_lists import base_of, open_lists
from portal.charts import decay
from schemas.network import networks
from tests.portal.conftest import DAY, GOOGLE, Site
from tests.portal.test_pages import text_of

_GOOGLE = "/audiences/" + "/".join(GOOGLE)
FILES = {"club_b.full.csv": b"email\na\n", "club_b.add.csv": b"email\na\n"}


def base(site: Site) -> str | None:
    return base_of(open_lists(confirmations(site.catalog, GOOGLE)))


def test_what_only_has_to_be_sent_again_comes_last_and_counts_the_days(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.publish(GOOGLE, FILES)
    confirm(site.catalog, GOOGLE, f"{DAY}.1", "created")
    again = {"renewals": 1, "renewed_uploads": 1, "base": base(site)}
    site.publish(GOOGLE, FILES, version="2026-10-31.1", steps=("added",), **again)
    site.wait(515)
    browser = site.user("camille", "marketer")
    page = text_of(browser.get("/").text)
    assert page.index("Bring lists up to date") < page.index("Soon: renew") < page.index("Expires in 25 days")
    assert "1 match key in it is there already and is sent again before the network forgets it." in page
    assert "Expires in 25 days" in text_of(browser.get("/audiences").text)
    # Once that is confirmed, the days count from there.
    monkeypatch.setattr("catalog.journal.now", site.clock)
    confirm(site.catalog, GOOGLE, "2026-10-31.1", "added")
    assert "Expires" not in text_of(browser.get("/audiences").text)
    assert "The next night draws what would be left." in browser.get(_GOOGLE).text


def test_a_list_that_expired_is_to_be_filled_again_on_its_own_page_too(site: Site) -> None:
    site.publish(GOOGLE, FILES)
    confirm(site.catalog, GOOGLE, f"{DAY}.1", "created")
    site.wait(530)
    assert "Soon: renew before it expires" in text_of(site.user("camille", "marketer").get("/").text)
    site.wait(545)
    browser = site.user("robin", "marketer")
    today, there = text_of(browser.get("/").text), text_of(browser.get(_GOOGLE).text)
    assert "Renew what has expired" in today and "Soon: renew" not in today
    for page in (today, there):
        assert "Replace what the list club_b holds with the full file." in page and "I replaced it" in page
    assert "the list holds what it should" not in there and "bring in time" not in there


def test_an_audience_shows_how_its_list_would_decay(site: Site) -> None:
    site.publish(GOOGLE, FILES)
    confirm(site.catalog, GOOGLE, f"{DAY}.1", "created")
    today = site.today
    days = [(today + timedelta(days=number), keys) for number, keys in ((100, 30), (200, 10))]
    lists = open_lists(confirmations(site.catalog, GOOGLE))
    expiry = expiry_of(networks()["google_ads"], lists, site.app.state.relance.settings)
    assert expiry is not None
    record_forecast(site.catalog, GOOGLE, Forecast(forecast_base(lists, expiry), days))
    page = site.user("camille", "marketer").get(_GOOGLE).text
    assert "If nobody uploads" in page and 'aria-label="Left of the list:' in page
    drawn = decay(days, today)
    assert drawn is not None
    assert [round(share) for _, share in drawn.points] == [100, 100, 25, 25, 0]
    assert decay(days, days[-1][0]) is None
