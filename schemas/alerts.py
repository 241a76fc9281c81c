"""Whom relance tells when a night fails, is held or is late. Secrets are in the environment, never in a file."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from schemas.declared import Declared, Text

#: `failed`: a night failed. `held`: it went through, but audiences were held back. `late`: last night is not there.
AlertEvent = Literal["failed", "held", "late"]


class Email(Declared):
    """The mail server and the addresses; its password is RELANCE_ALERT_EMAIL_PASSWORD."""

    to: tuple[Text, ...] = Field(min_length=1)
    sender: Text
    server: Text
    #: 587 with `starttls`, 465 with `tls`, 25 with `none`, unless another is given.
    port: int | None = Field(default=None, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    #: Who logs in; nobody without it.
    user: str | None = None

    @model_validator(mode="after")
    def _no_password_in_clear(self) -> Email:
        if self.user is not None and self.security == "none":
            msg = "a user's password would be sent in clear; set security to 'starttls' or 'tls'"
            raise ValueError(msg)
        return self

    @property
    def used_port(self) -> int:
        return self.port or {"starttls": 587, "tls": 465, "none": 25}[self.security]


class Alerts(Declared):
    """`[alerts]` of `relance.toml`."""

    on: tuple[AlertEvent, ...] = ("failed", "held", "late")
    #: Post to the URL in RELANCE_ALERT_WEBHOOK; such URLs are secrets themselves.
    webhook: bool = False
    email: Email | None = None
