"""What the pages show: the right things, in both languages, whatever the names."""

from __future__ import annotations

import os
import re
from base64 import urlsafe_b64decode
from datetime import UTC, date, datetime, timedelta
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import URLSafeTimedSerializer

from catalog.consented_requests import note_consented
from catalog.descriptions import describe
from catalog.erasures import (
    add_request,
    mark_closed,
    mark_erased,
    mark_rewritten,
    note_records,
    write_removals,
)
from catalog.journal import confirmations
from catalog.nights import record_config_changes, record_notices, record_stages
from catalog.reports import size_reports
from catalog.restored import note_restored
from catalog.sealed import sealed
from catalog.secret_keys import open_keys, signature_holds
from pipelines.holdings.confirming import confirm
from pipelines.holdings.open_lists import base_of, open_lists
from pipelines.uploads.rows.audience_rows import AudienceRows
from pipelines.uploads.rows.minimum import too_small
from portal import app as portal_app
from portal.audiences import PER_PAGE
from portal.charts import line, waterfall
from portal.language import Language
from portal.reports import size_of
from portal.rules import in_words
from schemas.brake import HOLDS, NOT_COUNTED
from schemas.erasure import Certificate, Removal
from schemas.network import networks
from schemas.nights import ConfigChange, StageLine
from schemas.said import Said
from schemas.segment import Audience
from schemas.too_small import SHORT_AND_CHANGED
from schemas.uploads import IdentifierLedger, Ledger
from tests.portal.conftest import DAY, GOOGLE, META, Site, segment, tampered

_META = "/audiences/" + "/".join(META)

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}"


class Tags(HTMLParser):
    """Every tag of a page, with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, list[dict[str, str | None]]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.setdefault(tag, []).append(dict(attrs))


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))


def without_code(page: str) -> str:
    """The page, what is set as code set as any other word."""
    return re.sub(r"</?code>", "", page)


def test_today_says_what_to_upload_and_takes_the_word_for_it(site: Site) -> None:
    browser = site.user("camille", "marketer")
    page = without_code(browser.get("/").text)
    assert "1 audience waits for you." in page
    assert "Create a new list called club_b from the full file." in page
    assert "Never open these files in Excel" in page
    form = {"version": f"{DAY}.1", "kind": "created", "next": "/"}
    answer = browser.post(f"{_META}/confirmations", form)
    [confirmed] = confirmations(site.catalog, META)
    assert (confirmed.kind, confirmed.confirmed_by) == ("created", "user:camille")
    after = browser.get(answer.headers["location"]).text
    assert "Nothing to upload" in after
    assert "Loyal customers" in text_of(after) and "Undo" in after
    undone = browser.post(f"{_META}/undo", {"number": confirmed.number, "next": "/"})
    assert "It waits for you again." in browser.get(undone.headers["location"]).text
    assert confirmations(site.catalog, META) == []


def test_today_says_to_those_who_upload_nothing_for_whom_it_waits(site: Site) -> None:
    for role in ("privacy", "engineer"):
        assert "1 audience waits for a marketer." in site.user(role, role).get("/").text
    assert "1 audience waits for you." in site.user("alex", "admin").get("/").text


def test_what_does_not_fit_is_refused_with_what_to_do_instead(site: Site) -> None:
    browser = site.user("camille", "marketer")
    answer = browser.post(f"{_META}/confirmations", {"version": f"{DAY}.1", "kind": "replaced"})
    assert (answer.status_code, answer.headers["hx-push-url"]) == (409, _META)
    assert "confirm it as created" in answer.text
    assert browser.post(f"{_META}/undo", {"number": 77}).status_code == 409
    assert browser.post(f"{_META}/confirmations", {"version": "../x", "kind": "created"}).status_code == 422
    assert browser.post(f"{_META}/confirmations", {"version": f"{DAY}.1", "kind": "stolen"}).status_code == 422


def test_removals_come_first_and_expiry_last(site: Site) -> None:
    files = {"club_b.full.csv": b"email\na\n", "club_b.remove.csv": b"email\nb\n"}
    pinterest = Audience("google_ads", "main", "new")
    describe(site.catalog, {"loyal": segment(), "new": segment(title="New customers", networks=("google_ads",))})
    site.publish(GOOGLE, files, version="2026-10-30.1")
    confirm(site.catalog, GOOGLE, "2026-10-30.1", "created")
    site.publish(GOOGLE, files, version="2026-10-31.1", steps=("removed",), removes=1, forbidden=1)
    site.publish(pinterest, files, version="2026-10-30.1")
    confirm(site.catalog, pinterest, "2026-10-30.1", "created")
    site.wait(520)
    page = site.user("camille", "marketer").get("/").text
    order = [page.index(text) for text in ("First: take people out", "Then: bring lists", "Soon: renew")]
    assert order == sorted(order)
    [expiring] = [row for row in site.app.state.relance.overview.rows(site.today) if row.status == "expiring"]
    assert expiring.audience == pinterest
    assert expiring.expires is not None and expiring.expires - site.today <= timedelta(days=20)


def test_an_old_list_that_somebody_erased_is_still_in_comes_first_though_the_new_files_take_nobody_out(
    site: Site,
) -> None:
    files = {"club_b.full.csv": b"email\na\n"}
    confirm(site.catalog, META, f"{DAY}.1", "created")
    site.publish(META, files, version="2026-10-31.1", steps=("created",))
    browser = site.user("camille", "marketer")
    assert "First: take people out" not in browser.get("/").text
    write_removals(site.catalog, [removal("published")])
    page = text_of(browser.get("/").text)
    assert "First: take people out" in page
    # No key of tonight's files is to leave: it is a list that is.
    assert "A list there may still hold somebody who asked to be forgotten." in page and "0 match keys" not in page
    # That some of its members are to be sent again does not come before them.
    again = {"renewals": 1, "renewed_uploads": 1, "base": base_of(open_lists(confirmations(site.catalog, META)))}
    site.publish(META, files, version="2026-11-01.1", steps=("added", "deleted"), **again)
    assert "First: take people out" in browser.get("/").text and "Soon: renew" not in browser.get("/").text


def test_an_audience_shows_files_losses_steps_and_what_is_unconfirmed(site: Site) -> None:
    page = text_of(site.user("camille", "marketer").get(_META).text)
    for text in ("4,312 rows · 73 kB", "did not consent to being uploaded to ad networks −600",
                 "share an address with somebody who refused or is left out −100",
                 "Ordered at least 5 times", "Ordered in the last 180 days", "orders_count >= 5",
                 "Not confirmed: try ten rows first", "Copy the file’s first 11 lines into a new file",
                 "Delete that list and the copy on the same day", "Owner: team:growth"):  # fmt: skip
        assert text in page, text
    for step in networks()["meta"].upload_steps:
        assert step.replace("`", "") in page


def test_counts_of_match_keys_say_of_whom_they_are_and_name_only_what_the_network_takes(site: Site) -> None:
    held = {"email": IdentifierLedger(people=6, lost={"already_hashed": 1})}
    refused = {"email: already_hashed": 7, "postal_code: not_valid": 3}
    ledger = Ledger(segment_people=9, dropped={"no_usable_identifier": 2, "duplicate_after_hashing": 2}, file_people=5,
                    file_rows=5, identifiers=held, refused_identifiers=refused)  # fmt: skip
    place = Audience("linkedin", "main", "loyal")
    site.catalog.record_outcome(place, DAY, "fresh", night=1, ledger=ledger.model_dump())
    page = text_of(site.user("camille", "marketer").get("/audiences/linkedin/main/loyal").text)
    assert "Of the people in the file and 2 whom the network takes for one of them" in page
    assert "e-mail: hashed already 7" in page and "postcode" not in page
    assert "LinkedIn recognises people by: e-mail." in page
    # An empty list is no riddle where the network takes the numbers of one country only.
    place = Audience("tencent_ads", "main", "loyal")
    empty = Ledger(segment_people=9, dropped={"no_usable_identifier": 9}, file_people=0, file_rows=0)
    site.catalog.record_outcome(place, DAY, "held", night=1, reason="empty", ledger=empty.model_dump())
    page = text_of(site.user("robin", "marketer").get("/audiences/tencent_ads/main/loyal").text)
    assert "Tencent Ads recognises people by: phone (mobile numbers of mainland China only)." in page


def test_of_a_rule_that_the_brake_holds_back_the_page_shows_the_one_that_the_file_follows_too(site: Site) -> None:
    rules = "orders_count >= 5 AND recency_days <= 180", "orders_count >= 9 AND recency_days <= 180"
    describe(site.catalog, {"loyal": segment(where=rules[1])})
    next_day = DAY + timedelta(days=1)
    night = site.catalog.begin_night(next_day)
    change = ConfigChange(kind="rule_changed", about="Loyal customers", before=rules[0], after=rules[1])
    record_config_changes(site.catalog, night, [change])
    site.catalog.record_outcome(META, next_day, "held", night=night, reason="it shrank")
    browser = site.user("camille", "marketer")
    page = text_of(browser.get(_META).text)
    told = "still made by the rule before: Ordered at least 5 times"
    assert told in page
    assert page.index(told) < page.index("Ordered at least 9 times")
    site.publish(META, {"club_b.full.csv": b"email\na\n"}, version=f"{next_day}.1")
    page = text_of(browser.get(_META).text)
    assert "Ordered at least 5 times" not in page and "Ordered at least 9 times" in page


def test_whom_the_file_leaves_out_is_told_beside_what_is_declared_and_held_back(site: Site) -> None:
    browser = site.user("camille", "marketer")
    next_day = DAY + timedelta(days=1)
    new = segment(title="New customers", public_name="hello", networks=("meta",))
    loyal = segment(exclude=("new",), holdout={"share": "10%"})
    describe(site.catalog, {"loyal": loyal, "new": new})
    night = site.catalog.begin_night(next_day)
    ledger = Ledger(segment_people=20, dropped={"excluded_by_new": 0, "holdout": 2}, file_people=18, file_rows=18)
    held = {"reason": "it shrank", "ledger": ledger.model_dump()}
    site.catalog.record_outcome(META, next_day, "held", night=night, **held)
    page = text_of(browser.get(_META).text)
    assert "The file that can be uploaded still leaves nobody out." in page
    declared = "Declared now, and held back Who is in “New customers” 10 percent of all who remain"
    assert declared in page
    assert "That night was held back: the file that can be uploaded holds nobody out." in page
    assert "would be in the file 18 held out 2" in page
    # A night that publishes it makes the file by what is declared.
    files = {"club_b.full.csv": b"email\na\n"}
    site.publish(META, files, version=f"{next_day}.1", ledger=ledger)
    page = text_of(browser.get(_META).text)
    assert "still leaves" not in page and "held back" not in page and "Who is in “New customers”" in page
    # Nothing, and then another share, is declared on the nights after, and held back.
    later = next_day + timedelta(days=1)
    night = site.catalog.begin_night(later)
    site.catalog.record_outcome(META, later, "held", night=night, **held)
    assert "still leaves" not in text_of(browser.get(_META).text)
    describe(site.catalog, {"loyal": segment(exclude=("new",), holdout={"share": "20%"}), "new": new})
    change = ConfigChange(kind="segment_changed", about="Loyal customers", after="exclude, holdout")
    record_config_changes(site.catalog, night, [change])
    page = text_of(browser.get(_META).text)
    assert "still leaves out: Who is in “New customers” 10 percent of all who remain" in page
    assert "held back Who is in “New customers” 20 percent of all who remain" in page
    describe(site.catalog, {"loyal": segment(), "new": new})
    assert "Declared now, and held back Nobody." in text_of(browser.get(_META).text)


def test_how_a_list_that_is_there_is_changed_is_told_where_it_is_to_be_changed(site: Site) -> None:
    files = {"club_b.full.csv": b"email\na\n", "club_b.add.csv": b"email\nb\n"}
    site.publish(GOOGLE, files)
    browser = site.user("camille", "marketer")
    for audience, told in ((META, "How Meta calls it is not known here."), (GOOGLE, 'Choose "Modify list"')):
        assert told not in text_of(browser.get("/").text)
        confirm(site.catalog, audience, f"{DAY}.1", "created")
        base = base_of(open_lists(confirmations(site.catalog, audience)))
        site.publish(audience, files, version="2026-10-31.1", steps=("added",), base=base)
        for page in ("/", "/audiences/" + "/".join(audience)):
            assert told in text_of(browser.get(page).text), page


def test_a_night_that_was_held_back_is_no_point_of_who_is_held_out_over_time(site: Site) -> None:
    browser = site.user("camille", "marketer")
    describe(site.catalog, {"loyal": segment(holdout={"share": "20%"})})
    for night, (outcome, out) in enumerate(
        [("held", 777), ("fresh", 20), ("held", 888), ("fresh", 30), ("held", 9)], 2
    ):
        ledger = Ledger(segment_people=9_000, dropped={"holdout": out}, file_people=9_000 - out, file_rows=9_000 - out)
        day = date(2026, 11, night)
        site.catalog.record_outcome(META, day, outcome, night=night, reason="it shrank", ledger=ledger.model_dump())
    chart = browser.get(_META).text.partition('aria-label="People held out over time: ')[2].partition("</figure>")[0]
    assert chart.startswith('3 Nov 2026 20, 5 Nov 2026 30"')
    assert "777" not in chart and "888" not in chart


def test_an_audience_shows_whom_its_segment_leaves_out(site: Site) -> None:
    chosen = segment(exclude=("new",), priority=1, holdout={"share": "2.5%"})
    others = {"new": segment(title="New customers"), "vip": segment(title="Best customers", priority=2)}
    describe(site.catalog, {"loyal": chosen, **others})
    left = Ledger(segment_people=9, dropped={"excluded_by_new": 3, "holdout": 2}, file_people=4, file_rows=4)
    site.catalog.record_outcome(META, DAY, "fresh", night=1, ledger=left.model_dump())

    page = text_of(site.user("camille", "marketer").get(_META).text)

    assert "Who is in “New customers” Who is in “Best customers”, which goes first 2.5 percent of all" in page
    assert "2 people who would be in the file are held out, 33.3 percent." in page
    assert "are in “New customers”, which is excluded −3 held out to measure the campaign −2" in page


def test_what_the_network_shows_is_kept_and_drawn(site: Site) -> None:
    browser = site.user("camille", "marketer")
    for size, rate in (("3 900", "71,5"), ("4,100", "73.25 %"), ("", "74")):
        assert browser.post(f"{_META}/size", {"size": size, "match_rate": rate}).status_code == 303
    assert [(report.size, report.match_rate) for report in size_reports(site.catalog, META)] == [
        (3900, 71.5),
        (4100, 73.25),
        (None, 74.0),
    ]
    page = browser.get(_META).text
    assert "74%" in page and 'class="stroke"' in page
    assert len(re.findall(r"<figcaption><span>[^<]*</span></figcaption>", page)) == 2, "both of one day"
    assert "74%" in browser.get("/networks").text
    for wrong in (
        {"size": "", "match_rate": ""},
        {"size": "-1"},
        {"match_rate": "101"},
        {"size": "many"},
        {"size": "1e9"},
        {"size": "12,50"},
        {"size": "1,234.567"},
        {"size": "99 999 999 999"},
    ):
        answer = browser.post(f"{_META}/size", wrong)
        assert answer.status_code == 422, wrong
        assert all(f'value="{typed}"' in answer.text for typed in wrong.values()), "what was typed is lost"
    assert "The size of the list cannot be read. Write a whole number, such as 12000." in text_of(answer.text)


@pytest.mark.parametrize("thousands", [",", ".", " ", "\u202f", "\xa0", "'", "’", ""])
@given(people=st.integers(0, 10**10))
def test_a_size_is_read_however_thousands_are_set_apart(thousands: str, people: int) -> None:
    assert size_of(f"{people:,}".replace(",", thousands)) == people


def test_a_report_is_taken_back_once(site: Site) -> None:
    browser = site.user("camille", "marketer")
    noted = browser.post(f"{_META}/size", {"size": "12"})
    assert "Noted." in text_of(browser.get(noted.headers["location"]).text)
    [report] = size_reports(site.catalog, META)
    taken_back = browser.post(f"{_META}/size/undo", {"number": report.number})
    assert taken_back.status_code == 303
    assert "Taken back." in text_of(browser.get(taken_back.headers["location"]).text)
    assert size_reports(site.catalog, META) == []
    again = browser.post(f"{_META}/size/undo", {"number": report.number})
    assert again.status_code == 422
    assert "This was already taken back." in text_of(again.text)


def test_the_language_button_leads_back_to_the_page_that_tells_why_a_form_was_refused(site: Site) -> None:
    browser = site.user("camille", "marketer")
    told = "The size of the list cannot be read."
    for referer in (f"http://page.test{_META}?done=1", "http://page.test/", "http://page.test//elsewhere.example/"):
        refused = browser.post(f"{_META}/size", {"size": "many"}, referer=referer)
        [back] = re.findall(rf'name="next" value="({_META}\?[^"]+)"', refused.text)
        assert told in browser.get(back).text, referer
    # Nobody else puts words into the page's mouth.
    assert told not in browser.get(tampered(back, -5)).text


def test_no_address_names_the_user_whom_a_refused_form_was_about(site: Site) -> None:
    boss = site.user("boss", "admin")
    site.user("camille.durand", "marketer")
    refused = boss.post("/users", {"name": "camille.durand", "roles": "marketer"}, referer="http://page.test/users")
    told = "There is a user camille.durand already."
    assert refused.status_code == 422 and told in text_of(refused.text)
    [back] = re.findall(r'name="next" value="(/users\?[^"]+)"', refused.text)
    written = parse_qs(urlsplit(back).query)["refusal"][0]
    # Whoever sees it reads nothing without the key: not what is sealed, and nothing that is only signed.
    assert URLSafeTimedSerializer("another key").loads_unsafe(written) == (False, None)
    assert b"camille" not in urlsafe_b64decode(written)
    assert told in text_of(boss.get(back).text)
    assert told not in text_of(boss.get(tampered(back, -5)).text)


def test_the_address_that_a_form_is_sent_to_leads_to_its_page(site: Site) -> None:
    browser = site.user("camille", "marketer")
    for form in ("size", "failure", "confirmations", "undo", "size/undo"):
        answer = browser.get(f"{_META}/{form}")
        assert (answer.status_code, answer.headers["location"]) == (303, _META), form
    assert browser.get("/language").headers["location"] == "/"
    assert browser.client.put(_META).status_code == 405


def test_an_address_of_nothing_is_a_page_of_whoever_is_logged_in(site: Site) -> None:
    browser = site.user("camille", "marketer")
    nothing = browser.get("/nothing")
    assert nothing.status_code == 404
    assert 'href="/audiences"' in nothing.text
    token = re.findall(r'name="token" value="([^"]+)"', nothing.text)[-1]
    assert browser.client.post("/language", data={"token": token, "code": "fr"}).status_code == 303


def test_what_the_network_said_is_kept_without_addresses(site: Site) -> None:
    browser = site.user("camille", "marketer")
    said = {"version": f"{DAY}.1", "said": f"Too few rows {HOSTILE}"}
    assert browser.post(f"{_META}/failure", said).status_code == 303
    page = browser.get(_META).text
    assert "Too few rows" in page and "<script>alert" not in page
    for where in ("/", _META):
        assert "The network said: “Too few rows" in text_of(browser.get(where).text), where
    for harmless in ("Error 400: 1,234 of 20,000 rows", "(#2650) line 17"):
        assert browser.post(f"{_META}/failure", {"version": f"{DAY}.1", "said": harmless}).status_code == 303
    phones = (
        "call 0033 6 12 34 56 78 90",
        "06 12 34 56 78 refused",
        "row 9: 0612345678",
        "(030) 123-4567",
        "+352 27.12.34",
    )
    for personal in ("jane@example.com refused", *phones, "x"):
        answer = browser.post(f"{_META}/failure", {"version": f"{DAY}.1", "said": personal})
        assert answer.status_code == 422
        assert f">{personal}</textarea>" in answer.text, "what was typed is lost"
    assert "Write what the network said." in text_of(answer.text)
    # Once it went in all the same, that it did not is history.
    confirm(site.catalog, META, f"{DAY}.1", "created")
    assert "The network said: “" not in text_of(browser.get("/").text)
    page = text_of(browser.get(_META).text)
    assert "The network said: “" not in page and "Too few rows" in page


def test_audiences_are_searched_filtered_sorted_and_paged(site: Site) -> None:
    segments = {
        f"s{number}": segment(
            title=f"Segment {number:03d}",
            public_name=f"list_{number}",
            purpose="win-back" if number % 2 else "loyalty",
            networks=("meta",),
        )
        for number in range(120)
    }
    describe(site.catalog, segments)
    browser = site.user("camille", "engineer")

    def titles(query: str) -> list[str]:
        return re.findall(r"<th scope=\"row\"><a[^>]*>(Segment \d+)</a>", browser.get(f"/audiences?{query}").text)

    assert len(titles("status=none")) == PER_PAGE
    assert titles("status=none&page=3") == [f"Segment {number:03d}" for number in range(100, 120)]
    assert titles("status=none&page=999") == titles("status=none&page=3")
    assert titles("q=segment+list_11&sort=title") == [
        "Segment 011",
        *(f"Segment {number:03d}" for number in range(110, 120)),
    ]
    assert titles("q=segment+list_11&sort=title&backwards=true") == [
        *(f"Segment {n:03d}" for n in range(119, 109, -1)),
        "Segment 011",
    ]
    assert titles("purpose=win-back&sort=title")[:2] == ["Segment 001", "Segment 003"]
    assert titles("network=tiktok") == []
    assert "No audience is like that." in browser.get("/audiences?q=nothing").text
    for wrong in ("sort=password", "page=0", "page=x", "status=odd", f"q={'x' * 300}"):
        assert browser.get(f"/audiences?{wrong}").status_code == 422, wrong


def test_a_page_shows_what_was_written_since_it_was_shown_last(site: Site) -> None:
    browser = site.user("camille", "marketer")
    assert "Ready to create" in text_of(browser.get("/audiences").text)
    confirm(site.catalog, META, f"{DAY}.1", "created")
    assert '"status current"' in browser.get("/audiences").text


def test_an_account_is_named_only_where_a_network_has_several(site: Site) -> None:
    describe(site.catalog, {"loyal": segment(networks=("meta", "google_ads:germany", "tiktok", "tiktok:france"))})
    browser = site.user("camille", "marketer")
    page = text_of(browser.get("/audiences?q=loyal").text)
    # TikTok has two by what is declared, Meta later by what was published before.
    assert "Meta loyalty" in page
    assert "TikTok main loyalty" in page and "TikTok france loyalty" in page
    describe(site.catalog, {"loyal": segment(networks=("meta:germany",)), "new": segment(networks=("linkedin:emea",))})
    page = text_of(browser.get("/audiences").text)
    assert "LinkedIn loyalty" in page and "Meta germany loyalty" in page


def test_nights_say_what_was_held_and_set_aside(site: Site) -> None:
    night = site.catalog.begin_night(DAY)
    small = Ledger(segment_people=9, dropped={"no_consent_to_ads_upload": 6}, file_people=3, file_rows=3)
    site.catalog.record_outcome(GOOGLE, DAY, "held", night=night, reason="it has 3 rows", ledger=small.model_dump())
    site.catalog.record_quarantine(night, [{"table": "orders", "rule": "no rate for NOK", "rows": 1200}])
    lines = [("crm/crm_customers", 3000, 1.2), ("crm/crm_orders", 15000, 2.1), ("uploads/meta_loyal", None, 0.4)]
    record_stages(site.catalog, night, [
        StageLine(asset=asset, stage=asset.split("/")[0], rows=rows, seconds=seconds, succeeded=True)
        for asset, rows, seconds in lines
    ])  # fmt: skip
    site.catalog.end_night(night, "held", ["crm.orders failed"], 4)
    browser = site.user("camille", "engineer")
    page = text_of(browser.get("/nights").text)
    for text in ("1 audience held back", "it has 3 rows", "1,200 source rows set aside", "no rate for NOK",
                 "crm.orders failed", "reading the CRM 18,000 3 s", "files – 0 s"):  # fmt: skip
        assert text in page
    held = text_of(browser.get("/").text)
    assert "Google Ads Customer Match : it has 3 rows." in held


def test_nights_say_which_rows_name_no_customer(site: Site) -> None:
    night = site.catalog.begin_night(DAY)
    record_notices(site.catalog, night, "orders", [Said("first try")])
    record_notices(site.catalog, night, "orders", [Said("{n} of {all} orders name nobody", n=1110, all=2000)])
    record_notices(site.catalog, night, "visits", [])
    site.catalog.end_night(night, "done", [], 0)
    page = text_of(site.user("camille", "engineer").get("/nights").text)
    assert "1,110 of 2,000 orders name nobody" in page
    assert "first try" not in page


def test_an_audience_that_is_held_back_shows_who_is_in_the_file_that_can_be_uploaded(site: Site) -> None:
    tonight = Ledger(segment_people=9, dropped={}, file_people=7, file_rows=7)
    site.catalog.record_outcome(META, DAY, "held", night=1, reason="it shrank", ledger=tonight.model_dump())
    browser = site.user("camille", "marketer")
    assert "4,312 people in the full file" in text_of(browser.get("/").text)
    # How many people are left in a file made anew without a forbidden key is not known, only its rows are.
    files = {"club_b.full.csv": b"email\n" + b"0123456789abcdef\n" * 4311, "club_b.remove.csv": b"email\na\n"}
    site.publish(META, files, version="2026-10-31.1", steps=("removed",), reduced_from=f"{DAY}.1")
    next_day = DAY + timedelta(days=1)
    site.catalog.record_outcome(META, next_day, "held", night=2, reason="it shrank", ledger=tonight.model_dump())
    page = text_of(browser.get(_META).text)
    assert "4,311 rows in the full file" in page and "people in the full file" not in page
    assert "4,311 rows in the full file" in text_of(browser.get("/").text)
    assert "The night of 31 Oct 2026 held it back it shrank." in page, "it waits for an upload, and yet it is held"
    assert "30 Oct 2026 customers as of" in page, "they are those of the version that it was made of"
    assert "would be in the file 7" in page
    site.publish(META, {"club_b.remove.csv": b"email\na\n"}, version="2026-11-01.1", steps=("removed",))
    assert "in the full file" not in text_of(browser.get("/").text)


def test_what_was_made_while_it_was_held_back_is_not_told_as_held_once_a_night_finds_it_whole(site: Site) -> None:
    why = Said("the audience is held back, so its full file is that of {version}", version=f"{DAY}.1")
    files = {"club_b.full.csv": b"email\n" + b"0123456789abcdef\n" * 4311}
    site.publish(META, files, version="2026-10-31.1", steps=("replaced",), reduced_from=f"{DAY}.1", because=why)
    browser = site.user("camille", "marketer")
    ledger = Ledger(segment_people=5000, dropped={"key_refused": 690}, file_people=4310, file_rows=4311).model_dump()
    for number, outcome in enumerate(("held", "fresh", "held"), 1):
        day, reason = DAY + timedelta(days=number), "it shrank" if outcome == "held" else None
        site.catalog.record_outcome(
            META, day, outcome, night=number, version="2026-10-31.1", reason=reason, ledger=ledger
        )
        for page in ("/", _META):
            text = text_of(browser.get(page).text)
            assert ("so its full file is that of" in text) == (outcome == "held"), (outcome, page)
            assert ("4,311 rows in the full file" in text) == (outcome == "held"), (outcome, page)
            assert ("4,310 people in the full file" in text) == (outcome == "fresh"), (outcome, page)


def test_too_small_is_one_state_whether_a_network_keeps_one_list_or_several(site: Site) -> None:
    browser = site.user("camille", "marketer")
    for network, rows, withheld in (("meta", 90, {"": 90}), ("snapchat", 1800, {"emails": 900, "phones": 900})):
        ledger = Ledger(segment_people=900, dropped={}, file_people=900, file_rows=rows)
        reason = too_small(AudienceRows((), withheld, ledger, NOT_COUNTED), networks()[network])
        changed = Said(SHORT_AND_CHANGED, short=reason, changes=[Said("it shrank")])
        for name, why in (("few", reason), ("fewer", changed)):
            audience = Audience(network, "main", name)
            site.catalog.record_outcome(audience, DAY, "held", night=1, reason=why, ledger=ledger.model_dump())
            page = text_of(browser.get("/audiences/" + "/".join(audience)).text)
            assert "Below minimum" in page and "Held back" not in page, (audience, why)
    stopped, audience = Said(HOLDS, changes=[Said("it shrank")], audience="meta/few"), Audience("meta", "main", "few")
    site.catalog.record_outcome(audience, DAY, "held", night=1, reason=stopped, ledger=ledger.model_dump())
    assert "Held back" in text_of(browser.get("/audiences/" + "/".join(audience)).text)


def test_an_audience_that_is_held_back_says_that_its_files_were_withdrawn(site: Site) -> None:
    browser = site.user("camille", "marketer")
    confirm(site.catalog, META, f"{DAY}.1", "created")
    site.catalog.set_state(META, f"{DAY}.1", "withdrawn")
    site.catalog.record_outcome(META, date(2026, 10, 31), "held", night=2, reason=Said("it shrank"))
    page = browser.get(_META).text
    assert "The files were withdrawn" in page and "The next night makes new ones" not in page
    assert "No file was published yet." not in page
    assert "The list there may still hold who must leave." not in browser.get("/").text
    write_removals(site.catalog, [removal("due")])
    assert "The list there may still hold who must leave." in browser.get("/").text


def removal(state: str, confirmation: str | None = None) -> Removal:
    """What became of somebody's keys in the list at Meta."""
    fields = {"carried_by": (f"{DAY}.1",), "state": state, "confirmation": confirmation}
    return Removal.model_validate({"request_id": "r1", **META._asdict(), **fields})


def test_when_the_newest_version_is_withdrawn_no_older_one_is_offered_in_its_place(site: Site) -> None:
    browser = site.user("camille", "marketer")
    full = {"club_b.full.csv": b"email\n" + b"0123456789abcdef\n" * 4312}
    site.publish(META, full, version="2026-10-31.1")
    site.catalog.set_state(META, "2026-10-31.1", "withdrawn")
    today, there = text_of(browser.get("/").text), browser.get(_META).text
    assert "The next night makes new ones." in text_of(there) and "Waiting for the next night" in today
    for page in (today, there):
        assert "I created it" not in page and "Download full file" not in page
    assert "2026-10-30.1 4,312 older" in text_of(there) and "newest" not in text_of(there)
    # A night that would make the older one once more offers it again.
    site.catalog.record_outcome(META, date(2026, 11, 1), "fresh", night=3, version="2026-10-30.1")
    there = text_of(browser.get(_META).text)
    assert "I created it" in there and "2026-10-30.1 4,312 newest" in there and "The files were withdrawn" not in there


@pytest.mark.parametrize("declared", [True, False])
def test_an_older_list_is_to_be_deleted_though_the_newest_version_was_withdrawn(site: Site, declared: bool) -> None:
    browser = site.user("camille", "marketer")
    confirm(site.catalog, META, f"{DAY}.1", "created")
    full = {"club_b.full.csv": b"email\n" + b"0123456789abcdef\n" * 4312}
    site.publish(META, full, version="2026-10-31.1", steps=("created", "deleted"))
    site.catalog.set_state(META, "2026-10-31.1", "withdrawn")
    # Until the new list is there, the old one stays: campaigns use it.
    assert "Delete the old list" not in text_of(browser.get(_META).text)
    site.catalog.set_state(META, "2026-10-31.1", "published")
    confirm(site.catalog, META, "2026-10-31.1", "created")
    site.catalog.set_state(META, "2026-10-31.1", "withdrawn")
    if not declared:
        describe(site.catalog, {})
    today, there = text_of(browser.get("/").text), text_of(browser.get(_META).text)
    assert "1 audience waits for you." in today
    for page in (today, there):
        assert "Delete the old list" in page and f"last filled with {DAY}.1" in page and "I deleted it" in page
        assert "The files were withdrawn" in page and "othing to do" not in page
    deleted = browser.post(f"{_META}/confirmations", {"version": f"{DAY}.1", "kind": "deleted", "next": "/"})
    assert deleted.status_code == 303
    assert "Delete the old list" not in text_of(browser.get(_META).text)


def test_today_never_says_that_all_is_well_when_it_is_not(site: Site) -> None:
    privacy = site.user("camille", "marketer", "privacy")
    confirm(site.catalog, META, f"{DAY}.1", "created")
    assert "Every list holds what it should." in text_of(privacy.get("/").text)
    site.catalog.set_state(META, f"{DAY}.1", "withdrawn")
    today, there = text_of(privacy.get("/").text), text_of(privacy.get(_META).text)
    assert "Nothing to upload now." in today and "holds what it should" not in today
    assert "Loyal customers , Meta" in today and "may still hold" not in today
    # Closed: only files that name the person went. Taken back, or not confirmed yet: a key may be there.
    for state, confirmation, may_hold in [
        ("closed", f"created {DAY}.1", False),
        ("closed", f"removed {DAY}.1", True),
        ("published", None, True),
        ("consented", None, False),
        ("due", None, True),
    ]:
        write_removals(site.catalog, [removal(state, confirmation)])
        told = "Loyal customers , Meta: the list there may still hold who must leave." in text_of(privacy.get("/").text)
        assert told == may_hold, (state, confirmation)
    assert "The files were withdrawn: they held somebody who asked to be forgotten" in there
    assert "Waiting for the next night" in text_of(privacy.get("/audiences").text)


def test_after_a_failed_first_night_no_list_is_said_to_be_right(site: Site) -> None:
    browser = site.user("camille", "marketer")
    confirm(site.catalog, META, f"{DAY}.1", "created")
    site.catalog.end_night(site.catalog.begin_night(DAY), "failed", ["crm.orders failed"], 1)
    today = text_of(browser.get("/").text)
    assert "Nothing to upload now." in today and "holds what it should" not in today


def test_when_nights_have_stopped_today_says_so_and_that_no_list_is_known_to_be_right(site: Site) -> None:
    confirm(site.catalog, META, f"{DAY}.1", "created")
    site.catalog.end_night(site.catalog.begin_night(DAY), "done", [], 1)
    before = text_of(site.user("camille", "marketer").get("/").text)
    site.wait(5)
    after = text_of(site.user("robin", "marketer").get("/").text)
    assert "No night has run for 5 days: nobody here knows who withdrew" in after
    assert "Nothing to upload now." in after
    assert "No night has run" not in before and "holds what it should" in before


def test_the_page_works_while_a_night_runs(site: Site) -> None:
    site.catalog.begin_night(date(2026, 10, 31))
    with site.home.locked():
        browser = site.user("camille", "marketer")
        assert "A night is running since" in browser.get("/").text
        form = {"version": f"{DAY}.1", "kind": "created", "next": "/"}
        assert browser.post(f"{_META}/confirmations", form).status_code == 303


def test_hostile_names_are_shown_as_they_are_and_never_run(site: Site) -> None:
    hostile = segment(title=HOSTILE, purpose=HOSTILE, where=f"country = '{HOSTILE}'", networks=("meta",))
    describe(site.catalog, {"loyal": hostile})
    site.catalog.record_outcome(META, DAY, "held", night=1, reason=HOSTILE)
    browser = site.user("camille", "marketer", "admin")
    for path in ("/", "/audiences", _META, "/networks/meta", "/nights", "/audiences?q=%3Cscript%3E%22%27"):
        page = browser.get(path).text
        assert "<script>alert" not in page and "<img src=x" not in page and ">49<" not in page, path
        tags = Tags()
        tags.feed(page)
        assert tags.found["script"] and all("src" in attributes for attributes in tags.found["script"]), path
        names = {name for each in tags.found.values() for attributes in each for name in attributes}
        assert not {name for name in names if name == "style" or name.startswith("on")}, path
    assert HOSTILE in unescape(browser.get(_META).text)


def test_nothing_inline_and_nothing_from_elsewhere(site: Site) -> None:
    browser = site.user("camille", "marketer", "privacy", "admin")
    for path in ("/", "/audiences", _META, "/networks", "/networks/meta", "/nights", "/privacy", "/users", "/password"):
        answer = browser.get(path)
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert (answer.headers["x-frame-options"], answer.headers["x-content-type-options"]) == ("DENY", "nosniff")
        assert answer.headers["cache-control"] == "no-store"
        for address in re.findall(r"(?:src|href|action|hx-\w+)=\"([^\"]+)\"", answer.text):
            assert not re.match(r"(?:\w+:)?//", address), address
    for address in re.findall(r"(?:src|href)=\"(/static/[^\"]+)\"", browser.get("/").text):
        assert "max-age" in browser.get(address).headers["cache-control"]
    assert "http" not in (Path(portal_app.__file__).parent / "static" / "style.css").read_text(encoding="utf-8")


def test_headers_cannot_be_injected(site: Site) -> None:
    browser = site.user("camille", "marketer")
    form = {"version": f"{DAY}.1", "kind": "created", "next": "/x\r\nSet-Cookie: a=b"}
    answer = browser.post(f"{_META}/confirmations", form)
    assert "\n" not in answer.headers["location"] and "a=b" not in str(answer.headers)
    assert browser.get("/login?next=%0d%0aSet-Cookie:%20a=b").headers["location"] == "/"
    named = browser.post("/language", {"code": "fr", "next": "/\u2028x"})
    assert named.headers["location"].isascii()


def test_privacy_shows_each_request_with_its_state_at_each_network(site: Site) -> None:
    tombstones = pl.DataFrame({"form": ["email.plain"], "tombstone": ["0" * 64]})
    at = datetime(2026, 10, 1, tzinfo=UTC)
    add_request(site.catalog, "r-17", "email", at, tombstones)
    add_request(site.catalog, "r-18", "phone", at, tombstones)
    removal = Removal(
        request_id="r-17", **META._asdict(), carried_by=(f"{DAY}.1",), state="published", removed_by="2026-10-31.1"
    )
    write_removals(site.catalog, [removal])
    mark_closed(site.catalog, ["r-18"])
    page = text_of(site.user("dominique", "privacy").get("/privacy").text)
    assert "1 of 2 are open." in page
    assert page.index("r-17") < page.index("r-18")
    for text in ("by e-mail · asked 1 Oct 2026", "Loyal customers 2026-10-30.1 2026-10-31.1 removal waits for upload",
                 "closed by phone", "Signed certificate"):  # fmt: skip
        assert text in page, text


def test_privacy_claims_nothing_of_a_request_that_was_not_searched_for_yet(site: Site) -> None:
    tombstones = pl.DataFrame({"form": ["email.plain"], "tombstone": ["0" * 64]})
    add_request(site.catalog, "r-17", "email", datetime(2026, 10, 1, tzinfo=UTC), tombstones)
    browser = site.user("dominique", "privacy")
    page = browser.get("/privacy").text
    assert "is known when the night that runs" in page and "No published file carried" not in page
    mark_erased(site.catalog, ["r-17"])
    mark_rewritten(site.catalog, ["r-17"])
    page = text_of(browser.get("/privacy").text)
    assert "No published file carried a key of this person." in page
    assert "erased here by e-mail" in page and "networks to follow" not in page


def test_a_certificate_is_read_on_the_page_and_its_file_is_the_commands(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    tombstones = pl.DataFrame({"form": ["email.plain"], "tombstone": ["0" * 64]})
    add_request(site.catalog, "r-17", "email", datetime(2026, 10, 1, tzinfo=UTC), tombstones)
    browser = site.user("dominique", "privacy")
    # Where the keys are not, nothing is signed and none is made.
    assert browser.get("/privacy/r-17").status_code == 503
    for name in ("WAREHOUSE", "IDENTITY", "SIGNING"):
        monkeypatch.setenv(f"RELANCE_{name}_KEY", "7" * 64)
    keys = open_keys(site.home)
    nobody = "It covers no record of the CRM or of a kept night: none has this address alone."
    assert nobody not in browser.get("/privacy/r-17").text
    mark_erased(site.catalog, ["r-17"])
    assert nobody in browser.get("/privacy/r-17").text
    note_consented(site.catalog, ["r-17"])
    for place in ("/privacy", "/privacy/r-17"):
        page = browser.get(place).text
        assert "A consent that came after the request lifts it" in page
        assert nobody not in page and "Erased here" not in page and "· erased here" not in page
    note_consented(site.catalog, [])
    note_records(site.catalog, [("r-17", "mark", sealed("jane@example.com", keys.identity))])
    page = browser.get("/privacy/r-17").text
    assert nobody not in page
    assert "Records covered" in page and "jane@example.com" not in page
    answer = browser.get("/privacy/r-17/certificate.json")
    found = Certificate.model_validate_json(answer.text)
    assert found.records == ("jane@example.com",)
    assert found.signature is not None
    assert signature_holds(keys.public_key, found.signed_bytes(), found.signature.value)
    assert site.catalog.audit_lines()[-1]["subject"] == "certificate/r-17"
    assert browser.get("/privacy/r-18").status_code == 404
    # What was made after a backup only its network knows.
    restored = "a list that was made between the backup and then"
    assert restored not in page
    site.home.restored.touch()
    os.utime(site.home.restored, ns=(0, 0))
    note_restored(site.catalog, site.home)
    assert restored in browser.get("/privacy/r-17").text


# rules and charts


def test_a_rule_of_plain_comparisons_is_told_in_words() -> None:
    english = Language("en", ZoneInfo("UTC"))
    words = in_words("value_percentile >= 70 AND recency_days > 365", english, "EUR")
    assert words.sentences == (
        "Among the best 30 percent of customers by money spent",
        "Last ordered at least 366 days ago",
    )
    french = Language("fr", ZoneInfo("UTC"))
    for rule, told, told_in_french in (
        ("recency_days <= 1", "Ordered in the last day", "Une commande dans le dernier jour"),
        ("recency_days > 0", "Last ordered at least a day ago", "Dernière commande il y a au moins un jour"),
        ("orders_count < 1", "Never ordered", "Aucune commande"),
        ("orders_count < 2", "Ordered at most once", "Au plus une commande"),
        ("revenue >= 1", "Spent 1 EUR or more in all", "1 EUR ou plus dépensés en tout"),
    ):
        assert in_words(rule, english, "EUR").sentences == (told,)
        assert in_words(rule, french, "EUR").sentences == (told_in_french,)
    for rule in (
        # No day is before today's, and nobody ordered less than never.
        "recency_days <= 0",
        "orders_count >= 0",
        "orders_count >= 5 OR revenue > 3",
        "country = 'FR'",
        "NOT (orders_count > 1)",
        "abs(revenue) > 1",
        # More than 500 is not 500 or more.
        "revenue > 500",
        "value_percentile < 90",
        "orders_count > 1.5",
        "",
    ):
        assert in_words(rule, english, "EUR").sentences == ()


@given(st.lists(st.integers(0, 10**7), min_size=2, max_size=50))
def test_a_line_stays_in_its_box(values: list[int]) -> None:
    drawn = line([(DAY + timedelta(days=3 * number), float(value)) for number, value in enumerate(values)])
    numbers = [float(number) for number in re.findall(r"-?[\d.]+", drawn.path)]
    assert all(0 <= number <= 100 for number in numbers)
    assert len(numbers) == 2 * len(values)
    assert drawn.highest == max(values) and drawn.floor in {0, min(values)}


@given(st.lists(st.integers(0, 1000), max_size=6), st.integers(0, 1000))
def test_the_bars_of_a_waterfall_meet(lost: list[int], left: int) -> None:
    drawn = waterfall(sum(lost) + left, {f"r{number}": people for number, people in enumerate(lost)}, left)
    edge = 100.0
    for loss in drawn.losses:
        assert loss.start + loss.width == pytest.approx(edge, abs=0.02)
        edge = loss.start
    assert drawn.left.width == pytest.approx(edge if drawn.whole else 0, abs=0.02)


@pytest.mark.parametrize(
    "path", ["//[", "/[", "//elsewhere.example/", "/\\elsewhere.example", "http://[", "/a\nb", "elsewhere"]
)
def test_odd_addresses_lead_nowhere_else_and_break_nothing(site: Site, path: str) -> None:
    browser = site.user("camille", "marketer")
    switched = browser.post("/language", {"code": "fr", "next": path})
    assert (switched.status_code, switched.headers["location"]) == (303, path if path == "/[" else "/")
    assert browser.post(f"{_META}/size", {"size": "many"}, referer=path.replace("\n", "")).status_code == 422
    if path.startswith("/"):
        assert browser.client.get("http://testserver" + path.replace("\n", "")).status_code < 500


def test_every_class_of_the_page_has_a_rule_in_its_style_sheet() -> None:
    folder = Path(portal_app.__file__).parent
    style = (folder / "static" / "style.css").read_text(encoding="utf-8")
    written = "".join(path.read_text(encoding="utf-8") for path in sorted((folder / "templates").glob("*.html")))
    named = {name for names in re.findall(r'class="([^"{]+)"', written) for name in names.split()}
    assert len(named) > 50
    assert {name for name in named if not re.search(rf"\.{name}(?![\w-])[^{{}}]*{{", style)} == set()


def test_nobody_is_removed_and_no_password_made_anew_by_one_click(site: Site) -> None:
    boss = site.user("boss", "admin")
    site.user("camille", "marketer")
    page = boss.get("/users").text
    for action in ("/users/remove", "/users/password"):
        forms = [place.start() for place in re.finditer(f'action="{action}"', page)]
        assert forms
        for place in forms:
            # Within something that is to be opened first.
            assert page.rfind("<details", 0, place) > page.rfind("</details>", 0, place)


def test_an_admin_is_asked_before_giving_up_to_manage_users(site: Site) -> None:
    site.user("boss", "admin")
    anne = site.user("anne", "admin", "marketer")
    form = {"name": "anne", "roles": ["marketer"]}
    asked = anne.post("/users/roles", form, page="/users")
    assert asked.status_code == 200 and "You would manage users no more" in asked.text
    assert anne.get("/users").status_code == 200, "nothing was done yet"
    assert anne.post("/users/roles", form | {"sure": "true"}, page="/users").headers["location"] == "/"
    assert anne.get("/users").status_code == 403


def test_how_a_user_is_named_is_said_before_and_a_refused_name_stays_typed(site: Site) -> None:
    boss = site.user("boss", "admin")
    assert "such as jean.dupont" in boss.get("/users").text
    refused = boss.post("/users", {"name": "Jean Dupont", "roles": "marketer"}, page="/users")
    assert "This is no user name" in refused.text and 'value="Jean Dupont"' in refused.text


@pytest.mark.parametrize(("days", "outcome"), [(-2, "partial"), (0, "partial"), (-2, "failed")])
def test_a_run_by_hand_of_some_assets_or_an_older_day_is_not_told_as_the_last_night(
    site: Site, days: int, outcome: str
) -> None:
    browser = site.user("camille", "marketer")
    before = text_of(browser.get("/").text)
    assert "Last night: customers as of" in before

    site.catalog.end_night(site.catalog.begin_night(DAY + timedelta(days=days)), outcome, [], 1)

    assert text_of(browser.get("/").text) == before


def test_a_rule_that_changed_is_told_in_words_on_the_page_of_the_nights(site: Site) -> None:
    night = site.catalog.begin_night(DAY + timedelta(days=1))
    rules = {"before": "orders_count >= 5 AND recency_days <= 180", "after": "revenue >= 5 OR orders_count < 2"}
    record_config_changes(site.catalog, night, [ConfigChange(kind="rule_changed", about="Loyal customers", **rules)])
    browser = site.user("camille", "marketer")
    page = browser.get("/nights").text
    assert "It was: Ordered at least 5 times · Ordered in the last 180 days." in page
    assert "has another rule: <code>revenue &gt;= 5 OR orders_count &lt; 2</code>." in page


def test_the_list_of_audiences_says_of_one_that_waits_that_it_is_held_back_too(site: Site) -> None:
    next_day = DAY + timedelta(days=1)
    files = {"club_b.full.csv": b"email\na\nb\n"}
    site.publish(META, files, version=f"{next_day}.1", reduced_from=f"{DAY}.1")
    held = {"version": f"{next_day}.1", "reason": "it shrank"}
    site.catalog.record_outcome(META, next_day, "held", night=2, **held)
    browser = site.user("camille", "marketer")
    page = text_of(browser.get("/audiences").text)
    assert "The night of 31 Oct 2026 held it back: it shrank." in page
    # How many people are left in its file is not known, and how many rows there are, is.
    assert "2 rows" in page and "2 rows" in text_of(browser.get("/networks/meta").text)
