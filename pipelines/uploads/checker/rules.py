"""What holds for each row of a network's file: the shape of every value, what belongs together, what identifies."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, reduce
from operator import or_
from typing import NamedTuple

import polars as pl

from pipelines.identifiers.emails.refusals import PLACEHOLDERS
from pipelines.identifiers.nothing import HASHES, digest_of, hashes_of_nothing
from schemas.countries import is_country
from schemas.identifiers import Hash, MatchColumn
from schemas.network import Network, UploadList
from schemas.network_file import Slot


class Rule(NamedTuple):
    """A row breaks the rule where `broken` is true; `place` names the column, if it is one column's."""

    sentence: str
    place: str
    broken: pl.Expr


HEX_DIGITS = "0123456789abcdef"
#: Digits of each hash that is written in hex.
_HEX: dict[Hash, int] = {"sha256": 64, "sha256_of_md5": 64, "sha1": 40, "md5": 32}

#: Plain values by identifier and form; any others: no spaces around, nothing that breaks a line.
_PLAIN = {
    ("country", "upper"): r"^[A-Z]{2}$",
    ("country", "lower"): r"^[a-z]{2}$",
    ("first_name", "short"): r"^\S(.{0,33}\S)?$",
    ("last_name", "short"): r"^\S(.{0,33}\S)?$",
    ("postal_code", "trimmed"): r"^[^\s\"][^\"\t\n]{0,14}$",
    ("postal_code", "digits"): r"^[0-9]{2,10}$",
    ("postal_code", "ascii"): r"^[a-z0-9]{2,12}$",
    ("mobile_ad_id", "lower"): r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
    ("mobile_ad_id", "upper"): r"^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$",
    (
        "mobile_ad_id",
        "by_type",
    ): r"^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12})$",
    ("mobile_ad_id", "plain"): r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$",
}
_TEXT = r"^[^\s](.*[^\s])?$"
_DIGEST = r"^([0-9A-Fa-f]{32}|[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64}|[A-Za-z0-9+/]{43}=)$"
_AMOUNT = r"^[0-9]+(\.[0-9]+)?$"

_ALPHA_2 = [a + b for a in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" for b in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if is_country(a + b)]


def rules(upload_list: UploadList, network: Network, *, only_digits: bool = False) -> list[Rule]:
    """The rules of the list's rows; columns of the checked frame are named "0", "1" … in the file's order.

    `only_digits`: it is known that hashes in hex are of digits, and just their length is asked.
    """
    slots = list(enumerate(upload_list.slots))
    found = [rule for place, slot in slots for rule in _value_rules(place, slot, only_digits=only_digits)]

    keys = carried_keys(upload_list, network).values()
    found.append(Rule("no key of the network, so nobody can be matched", "", ~pl.any_horizontal(keys)))
    headers = {slot.column.header for _, slot in slots}
    for group in network.required_any:
        if group[0] in headers:
            missing = ~pl.any_horizontal(_filled(group, upload_list))
            found.append(Rule(f"{' or '.join(group)} is needed", "", missing))
    for group in network.all_or_none:
        if group[0] in headers:
            parts = _filled(group, upload_list)
            torn = pl.any_horizontal(parts) & ~pl.all_horizontal(parts)
            found.append(Rule(f"{', '.join(group)} belong together, some are missing", "", torn))
    return found + _gap_rules(upload_list, slots)


def carried_keys(upload_list: UploadList, network: Network) -> dict[str, pl.Expr]:
    """For each of the network's keys that the list has, by name, whether a row carries it."""
    return {key.name: pl.all_horizontal(_filled(key.headers, upload_list)) for key in network.keys_of(upload_list)}


def _filled(headers: Iterable[str], upload_list: UploadList) -> list[pl.Expr]:
    """For each header, whether one of its columns has a value."""
    slots = list(enumerate(upload_list.slots))
    return [
        reduce(or_, (pl.col(str(place)) != "" for place, slot in slots if slot.column.header == header))
        for header in headers
    ]


def is_hex(slot: Slot) -> bool:
    """Whether the slot holds hashes written in hex."""
    return slot.match is not None and slot.match.hash in _HEX


def _gap_rules(upload_list: UploadList, slots: list[tuple[int, Slot]]) -> list[Rule]:
    """Of several columns with one header the same value stands once."""
    found = []
    for column in upload_list.columns:
        places = [place for place, slot in slots if slot.column == column]
        for one, other in ((a, b) for a in places for b in places if a < b):
            same = (pl.col(str(one)) != "") & (pl.col(str(one)) == pl.col(str(other)))
            found.append(Rule("the same value twice in one row", f", {column.header}", same))
    return found


def _value_rules(place: int, slot: Slot, *, only_digits: bool) -> list[Rule]:
    value, where = pl.col(str(place)), f", {slot.column.header}"
    match = slot.match
    if slot.column.constant is not None:
        allowed = [slot.column.constant, *([""] if slot.column.only_in else [])]
        return [Rule("not the text that stands there", where, ~value.is_in(allowed))]
    if match is None:
        return [Rule("not a decimal of at least 0, of digits and point only", where, ~value.str.contains(_AMOUNT))]
    filled = value != ""
    if match.hash == "none":
        shape = _PLAIN.get((match.identifier, match.form), _TEXT)
        return [
            Rule(f"not the shape of a plain {match.identifier}", where, filled & ~value.str.contains(shape)),
            Rule("a hash where plain text belongs", where, value.str.contains(_DIGEST)),
            *_known(value, where, match),
        ]
    shaped = _shaped(value, match.hash, only_digits=only_digits)
    return [
        Rule(f"not the shape of {match.hash} {match.identifier}", where, filled & ~shaped),
        Rule("the hash of nothing, or of such a hash", where, value.is_in(hashes_of_nothing(match.hash))),
        *_known(value, where, match),
    ]


def _known(value: pl.Expr, where: str, match: MatchColumn) -> list[Rule]:
    """Placeholders and countries are few: one of the first, what is none of the others, or one that was hashed twice,
    can be told by its hash.
    """
    if match.identifier == "email" and match.hash != "none":
        return [Rule("the hash of a placeholder", where, value.is_in(_placeholders(match.hash)))]
    if match.identifier != "country":
        return []
    known_or_twice, twice = _country_codes(match)
    return [
        Rule("hashed twice", where, value.is_in(twice)),
        Rule("no country's code in the network's form", where, (value != "") & ~value.is_in(known_or_twice)),
    ]


@cache
def _placeholders(how: Hash) -> pl.Series:
    """The hashes of addresses that are typed to get past a form, as one list."""
    return _listed([digest_of(address, how) for address in PLACEHOLDERS])


@cache
def _country_codes(match: MatchColumn) -> tuple[pl.Series, pl.Series]:
    """Every country as the column shows it or would show it if it were hashed before, as one list; and the latter."""
    codes = [code.lower() if match.form == "lower" else code for code in _ALPHA_2]
    if match.hash == "none":
        return _listed(codes), _listed([])
    known = [digest_of(code, match.hash) for code in codes]
    twice = [digest_of(digest_of(code, once), match.hash) for code in codes for once in HASHES]
    return _listed([*known, *twice]), _listed(twice)


def _shaped(value: pl.Expr, how: Hash, *, only_digits: bool) -> pl.Expr:
    if how == "sha256_base64":
        return (value.str.len_bytes() == 44) & value.str.contains(r"^[A-Za-z0-9+/]{43}=$")
    long = value.str.len_bytes() == _HEX[how]
    return long if only_digits else long & ~value.str.contains(f"[^{HEX_DIGITS}]")


def _listed(values: list[str]) -> pl.Series:
    """The values as one list, which is how a column is compared with them."""
    return pl.Series(values, dtype=pl.String).implode()
