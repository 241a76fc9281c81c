"""The weekly e-mail: what waits, to whom relance.toml says, once on its day."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from fastapi.testclient import TestClient

from catalog.descriptions import describe
from catalog.erasures import write_removals
from catalog.journal import confirmations
from pipelines.holdings.confirming import confirm
from pipelines.holdings.open_lists import base_of, open_lists
from portal import weekly
from portal.overview import Overview
from portal.state import State
from portal.weekly import due_on, send_if_due, weekly_mail
from schemas.alerts import Alerts
from schemas.declared import read_declared
from schemas.erasure import Removal
from schemas.errors import ConfigError
from schemas.portal import WeeklyEmail
from schemas.segment import Audience
from schemas.settings import Settings
from tests.mailbox import email_to, mailbox
from tests.portal.conftest import DAY, GOOGLE, META, PARIS, Site, segment

WEEKLY = WeeklyEmail(
    to=("camille@example.com", "anne@example.com"), address="https://relance.example.com", language="fr"
)
FULL = {"club_b.full.csv": b"email\na\n"}


@pytest.fixture
def mail_server() -> Iterator[Controller]:
    with mailbox() as controller:
        yield controller


def next_monday(site: Site, **at: int) -> None:
    """Turn the site's clock to a Monday morning in Paris."""
    now = datetime.now(PARIS)
    monday = (now + timedelta(days=7 - now.weekday())).replace(**{"hour": 9, "minute": 0, **at})
    site.late = monday.astimezone(UTC) - now.astimezone(UTC)


def test_it_names_lists_and_counts_with_removals_first_and_a_link(site: Site) -> None:
    other = Audience("google_ads", "germany", "loyal")
    describe(
        site.catalog, {"loyal": segment(title="R&D <fans>", networks=("meta", "google_ads", "google_ads:germany"))}
    )
    for audience in (GOOGLE, other):
        site.publish(audience, FULL)
    confirm(site.catalog, GOOGLE, f"{DAY}.1", "created")
    base = base_of(open_lists(confirmations(site.catalog, GOOGLE)))
    site.publish(GOOGLE, {**FULL, "club_b.remove.csv": b"email\na\n"}, version="2026-10-31.1", steps=("removed",),
                 removes=3, forbidden=3, base=base)  # fmt: skip
    rows = site.app.state.relance.overview.rows(site.today)

    mail = weekly_mail(rows, WEEKLY, PARIS)

    assert mail is not None
    assert mail.subject == "relance: 3 audiences vous attendent"
    full = "4\u202f312 personnes dans le fichier complet"
    assert mail.text.splitlines() == [
        "3 audiences vous attendent.",
        "",
        "D’abord\u00a0: retirer des personnes",
        "- Google Ads Customer Match (main)\u00a0: R&D <fans> (club_b), 3 clés de correspondance doivent partir.",
        "",
        "Ensuite\u00a0: mettre les listes à jour",
        f"- Google Ads Customer Match (germany)\u00a0: R&D <fans> (club_b), {full}",
        f"- Meta\u00a0: R&D <fans> (club_b), {full}",
        "",
        "Les fichiers, et que faire de chacun\u00a0: https://relance.example.com",
    ]


def test_it_names_lists_that_wait_for_the_next_night(site: Site) -> None:
    confirm(site.catalog, META, f"{DAY}.1", "created")
    site.catalog.set_state(META, f"{DAY}.1", "withdrawn")
    fields = {"request_id": "r1", **META._asdict(), "carried_by": (f"{DAY}.1",), "state": "due"}
    write_removals(site.catalog, [Removal.model_validate(fields)])
    # Nobody is called for what nobody can do anything about.
    assert weekly_mail(site.app.state.relance.overview.rows(site.today), WEEKLY, PARIS) is None
    site.publish(GOOGLE, FULL)

    mail = weekly_mail(site.app.state.relance.overview.rows(site.today), WEEKLY, PARIS)

    assert mail is not None
    told = mail.text.splitlines()
    heading = told.index("En attente de la nuit prochaine\u00a0: rien à faire pour vous")
    assert told[heading + 2 :][:2] == [
        "- Meta\u00a0: Loyal customers (club_b), la liste peut encore contenir ceux qui doivent la quitter.",
        "",
    ]
    # Nor does it keep silent of one that is held back.
    site.catalog.record_outcome(META, DAY + timedelta(days=1), "held", night=2, reason="it shrank")
    held = weekly_mail(site.app.state.relance.overview.rows(site.today), WEEKLY, PARIS)
    assert held is not None
    assert told[heading + 2] in held.text and told[heading] not in held.text


def test_it_calls_for_an_older_list_to_be_deleted_though_the_newest_files_were_withdrawn(site: Site) -> None:
    confirm(site.catalog, META, f"{DAY}.1", "created")
    site.publish(META, FULL, version="2026-10-31.1", steps=("created", "deleted"))
    confirm(site.catalog, META, "2026-10-31.1", "created")
    site.catalog.set_state(META, "2026-10-31.1", "withdrawn")
    mail = weekly_mail(site.app.state.relance.overview.rows(site.today), WEEKLY, PARIS)
    assert mail is not None
    assert "- Meta\u00a0: Loyal customers (club_b), une ancienne liste est à supprimer" in mail.text.splitlines()


def test_it_says_that_nights_have_stopped(site: Site) -> None:
    rows = site.app.state.relance.overview.rows(site.today)
    told, silent = (weekly_mail(rows, WEEKLY, PARIS, quiet) for quiet in (12, None))
    assert told is not None and silent is not None
    [first, empty, stopped, *rest] = told.text.splitlines()
    assert stopped.startswith("Aucune nuit n’a tourné depuis 12 jours\u00a0: personne ici ne sait qui a retiré")
    assert [first, empty, *rest[1:]] == silent.text.splitlines()


def test_it_is_sent_while_the_page_is_served_once_on_its_day(
    make_site: Callable[..., Site], mail_server: Controller
) -> None:
    site = make_site(alerts=Alerts(email=email_to(mail_server.port)), weekly_email=WEEKLY)
    state, sent = site.app.state.relance, mail_server.handler.mails
    next_monday(site)
    send_if_due(state)
    assert sent == []
    site.publish(META, FULL)
    next_monday(site, hour=7)
    send_if_due(state)
    assert sent == []
    site.late += timedelta(days=7, hours=2)
    with TestClient(site.app):
        deadline = time.monotonic() + 10
        while not sent and time.monotonic() < deadline:
            time.sleep(0.01)
    send_if_due(state)
    [mail] = sent
    assert (mail["To"], mail["From"]) == ("camille@example.com, anne@example.com", "relance@example.com")
    assert mail["Subject"] == "relance: 1 audience vous attend"
    assert "Meta\u00a0: Loyal (club_b), 4\u202f312 personnes dans le fichier complet" in mail.get_content()
    site.late += timedelta(days=7)
    send_if_due(state)
    assert len(sent) == 2


def test_what_the_server_did_not_take_is_tried_again_an_hour_later(
    make_site: Callable[..., Site], mail_server: Controller, caplog: pytest.LogCaptureFixture
) -> None:
    # Nobody listens on port 9.
    broken = make_site(alerts=Alerts(email=email_to(9)), weekly_email=WEEKLY)
    mended = make_site(alerts=Alerts(email=email_to(mail_server.port)), weekly_email=WEEKLY)
    mended.publish(META, FULL)
    for minutes, site, mails in ((0, broken, 0), (30, mended, 0), (61, mended, 1)):
        next_monday(site, minute=0)
        site.late += timedelta(minutes=minutes)
        send_if_due(site.app.state.relance)
        assert len(mail_server.handler.mails) == mails
    assert "The weekly e-mail was not sent: the mail server 127.0.0.1 did not take it" in caplog.text


def test_a_try_that_broke_off_is_made_again_an_hour_later_and_its_mail_sent_once(
    make_site: Callable[..., Site], mail_server: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_site(alerts=Alerts(email=email_to(mail_server.port)), weekly_email=WEEKLY)
    site.publish(META, FULL)
    next_monday(site, minute=0)
    with monkeypatch.context() as patched:
        # What kills the process leaves as much behind.
        patched.setattr(Overview, "rows", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            send_if_due(site.app.state.relance)
    for minutes, mails in ((30, 0), (61, 1), (123, 1)):
        next_monday(site, minute=0)
        site.late += timedelta(minutes=minutes)
        # The page is served by two processes.
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(send_if_due, [site.app.state.relance] * 2))
        assert len(mail_server.handler.mails) == mails


def test_whatever_breaks_a_try_the_page_goes_on_looking(
    make_site: Callable[..., Site], mail_server: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_site(alerts=Alerts(email=email_to(mail_server.port)), weekly_email=WEEKLY)
    looked = threading.Semaphore(0)

    def broken(state: State) -> None:
        looked.release()
        raise ZeroDivisionError

    monkeypatch.setattr(weekly, "send_if_due", broken)
    monkeypatch.setattr(weekly, "_SECONDS_BETWEEN_LOOKS", 0)
    with TestClient(site.app):
        assert looked.acquire(timeout=10)
        assert looked.acquire(timeout=10)


def test_it_is_due_on_its_day_from_its_time_on() -> None:
    monday = datetime(2026, 11, 23, 8, 0)
    assert due_on(WEEKLY, monday) == monday.date()
    assert due_on(WEEKLY, monday.replace(hour=23, minute=59)) == monday.date()
    assert due_on(WEEKLY, monday.replace(hour=7, minute=59)) is None
    assert due_on(WEEKLY, monday + timedelta(days=1)) is None


def test_it_needs_the_mail_server_of_the_alerts(tmp_path: Path) -> None:
    path = tmp_path / "relance.toml"
    path.write_text(
        'currency = "EUR"\n[portal.weekly_email]\nto = ["camille@example.com"]\naddress = "https://relance.example.com"\n'
    )
    with pytest.raises(ConfigError, match=r"relance\.toml.*the mail server of \[alerts\.email\], which is not there"):
        read_declared(Settings, path)
