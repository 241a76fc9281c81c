"""French and English: sentences, numbers, dates. The English sentence is the key to `words/fr.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal, format_percent

from portal.terms import TERMS
from schemas.said import Said

Code = Literal["en", "fr"]

LANGUAGES: dict[Code, str] = {"en": "English", "fr": "Français"}


@cache
def french() -> dict[str, str]:
    """English sentence → French sentence."""
    folder = Path(__file__).parent / "words"
    # The networks' own sentences stand apart: they change with the networks' files.
    return {
        english: _typeset(said)
        for name in ("fr.toml", "networks.fr.toml")
        for english, said in tomllib.loads((folder / name).read_text(encoding="utf-8")).items()
    }


def _typeset(french: str) -> str:
    """French signs are not left alone at a line's beginning or end."""
    return re.sub(r" (?=[:»%])|(?<=«) ", "\u00a0", re.sub(r" (?=[;?!])", "\u202f", french))


def chosen_language(cookie: str | None, accepted: str) -> Code:
    """The language that was switched to, else the browser's first that there is, else English."""
    if cookie in LANGUAGES:
        return "fr" if cookie == "fr" else "en"
    preferred = sorted(map(_preference, accepted.split(",")[:20]), key=lambda each: -each[1])
    names = [name.partition("-")[0].lower() for name, quality in preferred if quality > 0]
    return "fr" if next((name for name in names if name in LANGUAGES), "en") == "fr" else "en"


def _preference(part: str) -> tuple[str, float]:
    name, _, quality = part.partition(";q=")
    try:
        return name.strip(), float(quality or 1)
    except ValueError:
        return name.strip(), 0.0


@dataclass(frozen=True)
class Language:
    """How things are said in one language and one time zone."""

    code: Code
    zone: ZoneInfo

    def say(self, sentence: str, **values: object) -> str:
        """The sentence, `{name}` standing for each value. Numbers and days are written as the language does."""
        said = french().get(sentence, sentence) if self.code == "fr" else sentence
        return said.format(**{name: self.shown(value) for name, value in values.items()}) if values else said

    def say_count(self, one: str, many: str, n: int, **values: object) -> str:
        """The sentence for one or for many; French counts none as one."""
        singular = n == 1 or (self.code == "fr" and n == 0)
        return self.say(one if singular else many, n=n, **values)

    def is_translated(self, sentence: str) -> bool:
        """Whether `say` says it in the language."""
        return self.code == "en" or sentence in french()

    def said(self, sentence: Said) -> str:
        """What a run said."""
        return self.say(sentence.sentence, **sentence.values)

    def term(self, word: str) -> str:
        """What a code word means, see `portal.terms`."""
        return self.say(TERMS[word]) if word in TERMS else word.replace("_", " ")

    def shown(self, value: object) -> str:  # noqa: PLR0911 - a case for each type
        match value:
            case bool() | None:
                return "–" if value is None else self.say("yes" if value else "no")
            case int() | float():
                return _number(value, self.code)
            case datetime():
                return self.time(value)
            case date():
                return self.day(value)
            case Said():
                return self.said(value)
            case list():
                return ("; " if self.code == "en" else "\u202f; ").join(map(self.shown, value))
            case str() if self.code == "fr":
                # As a run wrote a share: French sets the sign apart.
                return re.sub(r"(?<=\d)%$", "\u202f%", value)
            case _:
                return str(value)

    def number(self, value: float | None, *, signed: bool = False) -> str:
        if value is None:
            return "–"
        return ("+" if signed and value > 0 else "") + _number(value, self.code).replace("-", "−")

    def percent(self, value: float | None) -> str:
        """`value` in percent."""
        return (
            "–"
            if value is None
            else format_percent(
                value / 100, format="#,##0.#\u202f%" if self.code == "fr" else "#,##0.#%", locale=self._locale
            )
        )

    def day(self, value: date | str | None) -> str:
        """A day; of a UTC time, the one that it is in the company's time zone."""
        match value:
            case None:
                return "–"
            case str():
                return _day(date.fromisoformat(value), self._locale)
            case datetime():
                return _day(value.astimezone(self.zone).date(), self._locale)
            case _:
                return _day(value, self._locale)

    def time(self, value: datetime | None) -> str:
        """A UTC time in the company's time zone."""
        if value is None:
            return "–"
        return _first(format_datetime(value, "d MMM y, HH:mm", tzinfo=self.zone, locale=self._locale), self._locale)

    def short_time(self, value: datetime) -> str:
        return _first(format_datetime(value, "d MMM, HH:mm", tzinfo=self.zone, locale=self._locale), self._locale)

    def seconds(self, seconds: float) -> str:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} min {rest} s" if minutes else f"{rest} s"

    def bytes(self, size: int) -> str:
        units = ("o", "ko", "Mo", "Go") if self.code == "fr" else ("B", "kB", "MB", "GB")
        value, unit = float(size), units[0]
        for unit in units:
            if value < 1000 or unit == units[-1]:
                break
            value /= 1000
        return f"{_number(round(value, 1) if value < 10 else round(value), self.code)} {unit}"

    @property
    def _locale(self) -> str:
        return "fr" if self.code == "fr" else "en_GB"

    @property
    def template_names(self) -> dict[str, Callable[..., str | bool]]:
        """What templates call these."""
        return {
            "_": self.say,
            "_n": self.say_count,
            "said": self.said,
            "shown": self.shown,
            "term": self.term,
            "is_translated": self.is_translated,
            "number": self.number,
            "percent": self.percent,
            "day": self.day,
            "time": self.time,
            "short_time": self.short_time,
            "seconds": self.seconds,
            "bytes_": self.bytes,
        }


@lru_cache(maxsize=16384)
def _number(value: float, code: Code) -> str:
    return format_decimal(value, locale="fr" if code == "fr" else "en_GB")


@lru_cache(maxsize=4096)
def _day(value: date, locale: str) -> str:
    return _first(format_date(value, "d MMM y", locale=locale), locale)


def _first(day: str, locale: str) -> str:
    """French counts the first day of a month, and no other."""
    return re.sub(r"^1 ", "1er ", day) if locale == "fr" else day
