"""Sending alerts, to a webhook and by e-mail, once for each event of a night."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING, Literal, NamedTuple

import requests
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from catalog.database import now
from catalog.mail import send_mail
from catalog.nights import alerts, record_alert
from schemas.alerts import AlertEvent, Alerts
from schemas.errors import DiskError
from schemas.nights import Alert

if TYPE_CHECKING:
    from catalog.store import Catalog

#: Seconds to wait for a server that does not answer.
_TIMEOUT = 10


class AlertSecrets(BaseSettings):
    """RELANCE_ALERT_WEBHOOK and RELANCE_ALERT_EMAIL_PASSWORD, from the environment or `.env`; never shown."""

    model_config = SettingsConfigDict(env_prefix="RELANCE_ALERT_", env_file=".env", extra="ignore")

    webhook: SecretStr | None = None
    email_password: SecretStr | None = None


class AlertMessage(NamedTuple):
    """What is told: sentences without personal data, about a night, or about a day that has none."""

    event: AlertEvent
    title: str
    sentences: tuple[str, ...]
    night: int | None
    day: date


def tell(catalog: Catalog, settings: Alerts, message: AlertMessage, *, again: bool = False) -> list[Alert]:
    """Send the message on each channel that was not told of the event yet, or on all `again`; what came of it is kept
    in the catalog.
    """
    known = [] if again else alerts(catalog, message.night, message.day)
    told = {alert.channel for alert in known if alert.event == message.event and alert.failure is None}
    sent = send(settings, message, except_for=told)
    for alert in sent:
        # On a full disk it is not noted, and perhaps sent twice.
        with suppress(DiskError):
            record_alert(catalog, alert, message.night, message.day)
    return sent


def send(
    settings: Alerts, message: AlertMessage, *, except_for: frozenset[str] | set[str] = frozenset()
) -> list[Alert]:
    """Send the message on each channel of the settings; a channel that fails is no error, but says why."""
    if message.event not in settings.on:
        return []
    secrets = AlertSecrets()
    channels: dict[Literal["webhook", "email"], Callable[[], str | None]] = {}
    if settings.webhook:
        channels["webhook"] = lambda: _post(secrets.webhook, message)
    if settings.email is not None:
        email = settings.email
        text = "\n".join(message.sentences) + "\n"
        channels["email"] = lambda: send_mail(email, secrets.email_password, email.to, message.title, text)
    return [
        Alert(event=message.event, channel=channel, failure=deliver(), sent_at=now())
        for channel, deliver in channels.items()
        if channel not in except_for
    ]


def _post(url: SecretStr | None, message: AlertMessage) -> str | None:
    """Post the message as JSON; `text` is what Slack, Mattermost and their like show. The failure, if any."""
    if url is None:
        return "RELANCE_ALERT_WEBHOOK is not set"
    body = {
        "text": "\n".join([message.title, *message.sentences]),
        "event": message.event,
        "night": message.night,
        "day": message.day.isoformat(),
    }
    again = Retry(total=3, backoff_factor=0.5, status_forcelist=(429, 502, 503, 504), allowed_methods={"POST"},
                  raise_on_status=False)  # fmt: skip
    try:
        with requests.Session() as session:
            for scheme in ("http://", "https://"):
                session.mount(scheme, HTTPAdapter(max_retries=again))
            answer = session.post(url.get_secret_value(), json=body, timeout=_TIMEOUT, allow_redirects=False)
    except requests.RequestException as error:  # its message quotes the URL, a secret
        return f"the webhook could not be reached ({type(error).__name__})"
    return None if answer.ok and not answer.is_redirect else f"the webhook answered {answer.status_code}"
