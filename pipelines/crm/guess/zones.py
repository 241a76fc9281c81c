"""Which time zone a column's name says its times are in: `Close Date (GMT+1)`, `created_at_utc`, `Date (EST)`."""

from __future__ import annotations

import re
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

#: Abbreviations with their offsets. In summer people write EST for EDT too, so that none is sure.
_ABBREVIATIONS = {
    "EST": "-05:00", "EDT": "-04:00", "CST": "-06:00", "CDT": "-05:00", "MST": "-07:00", "MDT": "-06:00",
    "PST": "-08:00", "PDT": "-07:00", "AKST": "-09:00", "HST": "-10:00", "WET": "+00:00", "WEST": "+01:00",
    "BST": "+01:00", "CET": "+01:00", "CEST": "+02:00", "MEZ": "+01:00", "MESZ": "+02:00", "EET": "+02:00",
    "EEST": "+03:00", "MSK": "+03:00", "IST": "+05:30", "JST": "+09:00", "AEST": "+10:00", "AEDT": "+11:00",
}  # fmt: skip

_OPEN, _CLOSE = r"[(\[]\s*", r"\s*[)\]]"
_SHIFT = r"(?P<sign>[+-])\s?(?P<hours>\d{1,2})(?::?(?P<minutes>\d\d))?"
#: In brackets an offset, a place, or an abbreviation in any case; without them `UTC` and, in capitals, abbreviations.
_ZONES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\s*{_OPEN}(?P<utc>(?i:GMT|UTC))?\s*{_SHIFT}{_CLOSE}$",
        rf"[\s_-]+(?P<utc>(?i:GMT|UTC))\s?{_SHIFT}$",
        rf"\s*{_OPEN}(?P<utc>(?i:GMT|UTC)){_CLOSE}$",
        r"[\s_-]+(?P<utc>(?i:GMT|UTC))$",
        rf"\s*{_OPEN}(?P<place>[A-Z][A-Za-z]+/[A-Za-z_/-]+){_CLOSE}$",
        rf"\s*{_OPEN}(?P<short>(?i:{'|'.join(_ABBREVIATIONS)})){_CLOSE}$",
        rf"[\s_-]+(?P<short>{'|'.join(_ABBREVIATIONS)})$",
    )
)
_UTC_WORD = re.compile(r"(?:^|[^a-z])(?:utc|gmt)(?:[^a-z]|$)", re.IGNORECASE)


class Zone(NamedTuple):
    """What a column's name says of its times' zone."""

    #: As the name says it.
    said: str
    #: `Z` or `+01:00`; None for a place.
    offset: str | None
    #: An IANA name.
    place: str | None = None
    #: Whether it leaves no doubt.
    sure: bool = True


def zone_of(name: str) -> Zone | None:
    """The zone that a column's name says; None if it says none."""
    found = _found(name)
    if found is None:
        return Zone("UTC", "Z") if _UTC_WORD.search(name) else None
    groups = found.groupdict()
    said = found[0].strip(" ()[]_-") if groups.get("utc") else found[0].strip(" ()[]_")
    if groups.get("sign"):
        return Zone(said, f"{groups['sign']}{int(groups['hours']):02d}:{groups['minutes'] or '00'}")
    if groups.get("place"):
        return Zone(said, None, groups["place"])
    short = groups.get("short")
    return Zone(said, _ABBREVIATIONS[short.upper()], sure=False) if short else Zone(said.upper(), "Z")


def without_zone(name: str) -> str:
    """The name without the zone at its end."""
    found = _found(name)
    return name[: found.start()] if found is not None else name


def _found(name: str) -> re.Match[str] | None:
    for pattern in _ZONES:
        found = pattern.search(name)
        if found and (not found.groupdict().get("place") or _is_place(found["place"])):
            return found
    return None


def _is_place(name: str) -> bool:
    try:
        return bool(ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
