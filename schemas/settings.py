"""`config/relance.toml`: what a company decides once."""

from __future__ import annotations

from datetime import date, time
from functools import cache
from typing import Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, StrictBool, field_validator, model_validator

from schemas.alerts import Alerts
from schemas.brake import Brake
from schemas.countries import EEA, is_country
from schemas.declared import Declared
from schemas.money import is_currency
from schemas.portal import PortalSettings

#: Looking for them in all their folders takes 0.03 s.
_time_zones = cache(available_timezones)

Purpose = Literal["ads_upload", "ads_personalization", "profiling", "email_marketing", "sms_marketing"]
JoiningKey = Literal["email", "phone", "last_name", "postal_code"]


class Joining(Declared):
    """Which shared identifiers make two records one person."""

    #: Records that agree on every key of one rule are one person.
    rules: tuple[tuple[JoiningKey, ...], ...] = (("email",), ("phone", "last_name"))
    #: An e-mail or phone on more records than this joins nobody and is no match key.
    shared_by_more_than: int = Field(default=5, ge=1)

    @field_validator("rules")
    @classmethod
    def _rules_join_on_an_address(cls, rules: tuple[tuple[JoiningKey, ...], ...]) -> tuple[tuple[JoiningKey, ...], ...]:
        for rule in rules:
            if not {"email", "phone"} & set(rule):
                msg = f"the rule {list(rule)} needs `email` or `phone`: a name alone is not one person"
                raise ValueError(msg)
        return rules


class SourceRetries(Declared):
    """How often a source that cannot be reached is tried again; a source that breaks its contract never is."""

    times: int = Field(default=3, ge=0, le=10)
    #: Before it is tried again for the first time; twice as long before each following one.
    seconds: float = Field(default=30, ge=0)


class Assumption(Declared):
    """What is taken as granted for people of one region of whom no statement is on record: purposes that a network may
    ask for, so not profiling.
    """

    ads_upload: StrictBool = False
    ads_personalization: StrictBool = False
    email_marketing: StrictBool = False
    sms_marketing: StrictBool = False


class Settings(Declared):
    """`relance.toml`."""

    #: The business's time zone: it says when a day ends and when the night starts.
    time_zone: str = "UTC"
    #: The one currency that revenue is counted in (ISO 4217).
    currency: str
    #: Country of phones whose record has none (ISO 3166 alpha-2); without it they are dropped.
    default_country: str | None = None
    #: First partition that Dagster offers.
    first_day: date = date(1990, 1, 1)
    #: What DuckDB may hold in memory before it spills (encrypted) into the home.
    memory_limit: str = Field(default="1GB", pattern=r"^\d+(\.\d+)?\s?(MB|GB|MiB|GiB)$")
    #: When the night must be there, in `time_zone`.
    fresh_by: time = time(6)
    source_retries: SourceRetries = SourceRetries()
    alerts: Alerts = Alerts()
    joining: Joining = Joining()
    #: What an audience may change by in a night; a segment may set its own.
    brake: Brake = Brake()
    #: Network → headers of columns that it takes only in plain and that the company allows.
    allow_plain: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    #: Networks whose columns that limit the use of Californians' data are filled.
    limited_data_use: tuple[str, ...] = ()
    #: By region: a country code, `EEA` (unknown countries count there), or `everywhere`.
    assume: dict[str, Assumption] = Field(default_factory=dict)
    #: Purpose → purposes of which a word counts for it, where a person said nothing about it itself.
    consent: dict[Purpose, tuple[Purpose, ...]] = Field(default_factory=dict)
    #: Nobody younger is sent to any network; without it, age is not asked.
    minimum_age: int | None = Field(default=None, ge=1, le=100)
    #: What becomes of people of unknown age where there is a minimum.
    unknown_age: Literal["drop", "keep"] = "drop"
    #: After how many nights that found nothing new in customers and consents it is told.
    unchanged_nights: int = Field(default=3, ge=1)
    #: The same of consents alone, while customers change.
    unchanged_consents_nights: int = Field(default=14, ge=1)
    #: For how many days `relance why` and `relance replay` know what was.
    history_days: int = Field(default=35, ge=1, le=400)
    #: For how many days a stay in a segment that ended is kept.
    membership_days: int = Field(default=400, ge=1)
    #: How many days before a network forgets members they are sent again; of short memberships a third at most.
    resend_margin_days: int = Field(default=30, ge=1, le=180)
    #: The marketer's page.
    portal: PortalSettings = PortalSettings()

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if name not in _time_zones():
            msg = f"{name!r} is no IANA time zone such as 'Europe/Paris'"
            raise ValueError(msg)
        return name

    @field_validator("currency")
    @classmethod
    def _known_currency(cls, code: str) -> str:
        if not is_currency(code):
            msg = f"{code!r} is no ISO 4217 code such as 'EUR'"
            raise ValueError(msg)
        return code

    @field_validator("default_country")
    @classmethod
    def _known_country(cls, code: str | None) -> str | None:
        if code is not None and not is_country(code):
            msg = f"{code!r} is no ISO 3166 alpha-2 code such as 'FR'"
            raise ValueError(msg)
        return code

    @field_validator("assume")
    @classmethod
    def _known_regions(cls, assume: dict[str, Assumption]) -> dict[str, Assumption]:
        for region in assume:
            if region not in {"EEA", "everywhere"} and not is_country(region):
                msg = f"region {region!r} is neither a country code, 'EEA' nor 'everywhere'"
                raise ValueError(msg)
        return assume

    @field_validator("consent")
    @classmethod
    def _counts_for_another(cls, consent: dict[Purpose, tuple[Purpose, ...]]) -> dict[Purpose, tuple[Purpose, ...]]:
        for purpose, others in consent.items():
            if purpose in others:
                msg = f"{purpose} counts for itself already"
                raise ValueError(msg)
            if purpose == "profiling":
                msg = "profiling is never asked for: only an objection to it is heard"
                raise ValueError(msg)
        return consent

    @model_validator(mode="after")
    def _has_a_mail_server(self) -> Self:
        if self.portal.weekly_email is not None and self.alerts.email is None:
            msg = "portal.weekly_email is sent through the mail server of [alerts.email], which is not there"
            raise ValueError(msg)
        return self

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def assumed(self, purpose: Purpose, country: str | None) -> bool:
        """Whether silence counts as granted: the country's word, else its region's, else everywhere's."""
        in_eea = country is None or country in EEA
        for region in (country, "EEA" if in_eea else None, "everywhere"):
            if region is not None and region in self.assume:
                return getattr(self.assume[region], purpose)
        return False
