"""Alerts reach a webhook and a mailbox, once, and tell no secret when they do not."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from catalog.alerts import AlertMessage, tell
from catalog.home import Home
from catalog.nights import alerts, night_report
from catalog.store import Catalog, open_catalog
from pipelines.alerts import night_message, tell_again, tell_of_failure
from schemas.alerts import Alerts
from schemas.declared import read_declared
from schemas.errors import DISK_FULL, ConfigError, DiskError
from schemas.nights import NightReport, OutcomeLine
from schemas.said import Said
from schemas.settings import Settings
from tests.mailbox import RudeMailbox, email_to, mailbox

DAY = date(2026, 3, 28)
FAILED = AlertMessage("failed", "relance: the night of 2026-03-28 failed", ("Source crm: é.",), 7, DAY)


class Webhook(ThreadingHTTPServer):
    """Keeps what is posted to it and answers `status`."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.status = 200
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                webhook.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(webhook.status)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    server = Webhook()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setenv("RELANCE_ALERT_WEBHOOK", f"http://127.0.0.1:{server.server_port}/hunter2")
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def mail_server() -> Iterator[Controller]:
    with mailbox() as controller:
        yield controller


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with open_catalog(Home.at(tmp_path / "home")) as opened:
        yield opened


def report(outcome: str, **changes: object) -> NightReport:
    night = NightReport(
        night=7, as_of=DAY, started_as="nightly", started_at=datetime(2026, 3, 29, tzinfo=UTC), ended_at=None,
        outcome=outcome, messages=(), stages=(), quarantined=(), notices=(), audiences=(), changes=(), alerts=(),
    )  # fmt: skip
    return night.model_copy(update=changes)


def test_an_alert_reaches_the_webhook_and_the_mailbox_and_is_in_the_catalog(
    catalog: Catalog, webhook: Webhook, mail_server: Controller
) -> None:
    settings = Alerts(webhook=True, email=email_to(mail_server.port))

    tell(catalog, settings, FAILED)

    text = "relance: the night of 2026-03-28 failed\nSource crm: é."
    assert webhook.bodies == [{"text": text, "event": "failed", "night": 7, "day": "2026-03-28"}]
    [mail] = mail_server.handler.mails
    assert (mail["Subject"], mail["To"], mail["From"]) == (FAILED.title, "ops@example.com", "relance@example.com")
    assert mail.get_content().split("\r\n") == ["Source crm: é.", ""]
    assert [(alert.channel, alert.failure) for alert in alerts(catalog, 7, DAY)] == [("webhook", None), ("email", None)]


def test_a_mail_that_the_server_took_is_sent_once_however_it_takes_leave(catalog: Catalog) -> None:
    with mailbox(RudeMailbox) as server:
        for _ in range(2):
            tell(catalog, Alerts(email=email_to(server.port)), FAILED)
        assert len(server.handler.mails) == 1
    assert [alert.failure for alert in alerts(catalog, 7, DAY)] == [None]


def test_a_night_is_told_once_and_again_only_where_it_did_not_arrive(catalog: Catalog, webhook: Webhook) -> None:
    # Nobody listens on port 9.
    settings = Alerts(webhook=True, email=email_to(9))

    for _ in range(2):
        tell(catalog, settings, FAILED)
    tell(catalog, settings, FAILED._replace(night=8))

    assert [body["night"] for body in webhook.bodies] == [7, 8]
    assert [alert.channel for alert in alerts(catalog, 7, DAY)] == ["webhook", "email", "email"]


def test_what_could_not_be_sent_of_the_last_night_is_tried_again_until_it_arrives(
    catalog: Catalog, webhook: Webhook
) -> None:
    settings = Alerts(webhook=True)
    night = catalog.begin_night(DAY)
    catalog.end_night(night, "failed", [Said("Source crm: away.")], 1)
    # Nobody tried yet: whoever ended the night is to tell it.
    tell_again(catalog, settings)
    assert not webhook.bodies

    message = night_message(night_report(catalog, night))
    assert message is not None
    webhook.status = 404
    tell(catalog, settings, message)
    webhook.status = 200
    for _ in range(2):
        tell_again(catalog, settings)
    assert [body["text"] for body in webhook.bodies] == ["\n".join([message.title, *message.sentences])] * 2


def test_a_disk_so_full_that_no_catalog_opens_is_told_all_the_same(
    webhook: Webhook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Home) -> None:
        raise DiskError(DISK_FULL)

    monkeypatch.setattr("pipelines.alerts.open_catalog", full)
    tell_of_failure(Home.at(tmp_path / "home"), Alerts(webhook=True), FAILED)
    assert [body["event"] for body in webhook.bodies] == ["failed"]


def test_of_two_runs_that_never_began_each_is_told(catalog: Catalog, webhook: Webhook) -> None:
    unreported = FAILED._replace(night=None)
    for _ in range(2):
        tell(catalog, Alerts(webhook=True), unreported, again=True)
    tell(catalog, Alerts(webhook=True), unreported)
    assert len(webhook.bodies) == 2


def test_an_event_that_nobody_asked_for_is_not_told(catalog: Catalog, webhook: Webhook) -> None:
    tell(catalog, Alerts(webhook=True, on=("late",)), FAILED)

    assert webhook.bodies == []
    assert alerts(catalog, 7, DAY) == []


@pytest.mark.parametrize(
    ("url", "failure"),
    [
        (None, "RELANCE_ALERT_WEBHOOK is not set"),
        ("hunter2", "the webhook could not be reached (MissingSchema)"),
        ("http://127.0.0.1:{port}/hunter2", "the webhook answered 403"),
    ],
)
def test_a_webhook_that_fails_says_why_without_its_url(
    catalog: Catalog, webhook: Webhook, monkeypatch: pytest.MonkeyPatch, url: str | None, failure: str
) -> None:
    webhook.status = 403
    if url is None:
        monkeypatch.delenv("RELANCE_ALERT_WEBHOOK")
    else:
        monkeypatch.setenv("RELANCE_ALERT_WEBHOOK", url.format(port=webhook.server_port))

    [alert] = tell(catalog, Alerts(webhook=True), FAILED)

    assert alert.failure == failure


def test_the_password_is_never_sent_in_clear(catalog: Catalog, mail_server: Controller, tmp_path: Path) -> None:
    path = tmp_path / "relance.toml"
    path.write_text(
        'currency = "EUR"\n[alerts.email]\nto = ["ops@example.com"]\nsender = "relance@example.com"\n'
        'server = "127.0.0.1"\nuser = "relance"\nsecurity = "none"\n'
    )
    with pytest.raises(ConfigError, match=r"relance\.toml: alerts\.email: a user's password would be sent in clear"):
        read_declared(Settings, path)

    # A server that offers no encryption gets nothing.
    email = email_to(mail_server.port).model_copy(update={"security": "starttls"})
    [alert] = tell(catalog, Alerts(email=email), FAILED)
    assert alert.failure == "the mail server 127.0.0.1 did not take it (SMTPNotSupportedError)"
    assert mail_server.handler.mails == []


@pytest.mark.parametrize("outcome", ["done", "partial"])
def test_a_night_that_went_well_is_told_to_nobody(outcome: str) -> None:
    assert night_message(report(outcome)) is None


def test_a_failed_night_is_told_with_what_failed_and_a_killed_one_with_that() -> None:
    failed, killed = (
        night_message(report("failed", messages=("The CRM gave no customer.",))),
        night_message(report("running")),
    )

    assert failed is not None
    assert failed.sentences[0] == "The CRM gave no customer."
    assert killed is not None
    assert killed.event == "failed"
    assert "it was killed" in killed.sentences[0]


def test_a_held_night_names_the_audiences_and_why() -> None:
    line = OutcomeLine(
        network="meta", account="main", segment="loyal", outcome="held", version=None, reason="too small",
        people=0, rows=0,
    )  # fmt: skip
    fresh = line.model_copy(update={"segment": "new", "outcome": "fresh"})

    message = night_message(report("held", audiences=(line, fresh)))

    assert message is not None
    assert message.title == "relance: 1 of 2 audiences held in the night of 2026-03-28"
    assert message.sentences == ("meta/loyal: too small.", "The others are ready.")
    # A later run of the day, which tells of them itself, took the place of all that the night held.
    assert night_message(report("held", audiences=(fresh,))) is None
    assert night_message(report("held")) is None
