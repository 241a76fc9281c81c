"""The place or law under which somebody said something, as typed: whether it is California's, another, or not known."""

from __future__ import annotations

import re

from schemas.countries import country_code, folded, is_country
from schemas.regions import CANADA, US

#: California Consumer Privacy Act, and the act that amended it.
_CALIFORNIAN_LAWS = frozenset({"ccpa", "cpra"})

#: Laws of other places, and what is more than a country, letters and digits only.
_ELSEWHERE = frozenset(
    {"gdpr", "ukgdpr", "rgpd", "dsgvo", "eprivacy", "lgpd", "pipeda", "casl", "vcdpa"}
    | {"eu", "eea", "europe", "europeanunion", "europeaneconomicarea", "ue", "eee", "ewr", "dach", "benelux", "emea"}
    | {"apac", "latam", "all", "everywhere", "global", "international", "world", "worldwide"}
)

#: What stands between several places.
_BETWEEN = re.compile(r"[,;/|&+()]")

_ISO_3166_2 = re.compile(r"([a-z]{2}) ([a-z0-9]{1,3})")


def is_californian(typed: str) -> bool:
    """Whether any part of it says California, however it is written, or its law. `CA` alone is Canada, as a word."""
    words = folded(typed).split()
    runs = ("".join(words[first:last]) for first in range(len(words)) for last in range(first + 1, len(words) + 1))
    return any(run in _CALIFORNIAN_LAWS or (run != "ca" and US.get(run) == "ca") for run in runs)


def is_elsewhere(typed: str) -> bool:
    """Whether all that it names are other places or laws: countries, parts of them as ISO 3166-2 or the post of the US
    and Canada writes them, or what is in no country alone."""
    return _is_place(typed) or all(_is_place(part) for part in _BETWEEN.split(typed) if folded(part))


def _is_place(typed: str) -> bool:
    plain = folded(typed)
    letters = plain.replace(" ", "")
    if letters in _ELSEWHERE or letters in US or letters in CANADA or country_code(typed) is not None:
        return True
    coded = _ISO_3166_2.fullmatch(plain)
    # Of these two all parts are known.
    return coded is not None and is_country(coded[1].upper()) and coded[1] not in {"us", "ca"}
