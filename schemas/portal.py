"""The marketer's page: who may use it, and `[portal]` of relance.toml."""

from __future__ import annotations

from datetime import datetime, time
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.declared import Declared, Text

#: `admin` does what a marketer and an engineer do, and manages users; only `privacy` sees requests to forget.
Role = Literal["marketer", "engineer", "privacy", "admin"]


Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class User(BaseModel):
    """Somebody who may use the page."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    roles: frozenset[Role]
    #: Whether the password was made by relance, so that it must be changed first.
    one_time_password: bool
    #: UTC.
    created_at: datetime


class ProxyLogin(Declared):
    """A proxy in front of the page that has logged people in and names them in a header."""

    header: Text = "X-Forwarded-User"
    #: Addresses from which the header is believed.
    addresses: tuple[Text, ...] = ("127.0.0.1",)


class OidcLogin(Declared):
    """An OpenID Connect provider. The client's secret is RELANCE_OIDC_SECRET in the environment."""

    issuer: Text
    client_id: Text
    #: The claim that names the user; compare `relance users add --known-as`.
    claim: Text = "preferred_username"


class WeeklyEmail(Declared):
    """What waits, once a week by e-mail, through the mail server of `[alerts.email]`."""

    to: tuple[Text, ...] = Field(min_length=1)
    #: Where those who read it reach the page.
    address: str = Field(pattern=r"^https?://\S+$")
    day: Weekday = "monday"
    #: In the company's time zone.
    at: time = time(8)
    language: Literal["en", "fr"] = "en"


class PortalSettings(Declared):
    """`[portal]` of relance.toml."""

    #: Host names under which the page is reached; any other is refused.
    hosts: tuple[Text, ...] = ("127.0.0.1", "localhost")
    #: Minutes without a request after which one has to log in again.
    idle_minutes: int = Field(default=30, ge=1)
    #: Hours after which one has to log in again in any case.
    session_hours: int = Field(default=12, ge=1)
    #: Either replaces local passwords.
    proxy: ProxyLogin | None = None
    oidc: OidcLogin | None = None
    weekly_email: WeeklyEmail | None = None

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if self.proxy is not None and self.oidc is not None:
            msg = "proxy and oidc exclude each other: there is one way to log in"
            raise ValueError(msg)
        return self

    @property
    def login(self) -> Literal["password", "proxy", "oidc"]:
        if self.proxy is not None:
            return "proxy"
        return "oidc" if self.oidc is not None else "password"
