"""What a sample of values looks like; only shares and yes or no leave this module, never a value."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Literal

from pipelines.crm.guess.names import squashed, vocabulary
from pipelines.crm.guess.signs import Sign, is_amount, signs_of
from pipelines.crm.sources.values import is_email, is_hash, is_iso_time
from schemas.countries import country_code
from schemas.crm import CONSENT_STATUSES, PURPOSES
from schemas.money import is_currency
from schemas.network import network_names

Values = Sequence[str | None]

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
#: `{'city': Paris}`, `{"city": "Paris"}`, `{city=Paris}`, `[Paris]`; an id in braces is none.
_NESTED = re.compile(r"\{(?:.*[:=].*|\s*)\}|\[.*\]", re.DOTALL)
_DATE_LIKE = re.compile(
    r"(?:[a-z]{3,9}, )?"
    r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/. ]\d{1,2}[-/. ]\d{2,4}|\d{1,2}[-. /]\w{3,9}[-., /]+\d{2,4}"
    r"|[a-z]{3,9} \d{1,2},? \d{4}|\d{8}|\d{10}|\d{13}|\d{16})(?:\D.*)?",
    re.IGNORECASE,
)
_BOOLEANS = frozenset("yes no true false t f y n j 0 1 oui non ja nein si sí nee on off vrai faux wahr falsch".split())  # noqa: SIM905
_YES = ("t", "y", "j", "true", "yes", "oui", "vrai", "ja", "wahr", "s[ií]", "verdadero", "vero")
_GENDERS = frozenset(
    "m f w h d x v o u male female man woman homme femme mann frau männlich weiblich divers hombre mujer masculino "  # noqa: SIM905
    "femenino uomo donna maschio femmina masculin féminin vrouw other unknown nonbinary non-binary".split()
)
_ACCOUNT_STATES = frozenset(
    "enabled disabled invited declined active inactive subscribed unsubscribed aktiv inaktiv actif inactif activo "  # noqa: SIM905
    "inactivo attivo inattivo actief inactief".split()
)

#: A column of states has no more different words.
MOST_STATES = 12

#: Blanks inside amounts, which can go without changing them.
_BLANKS = frozenset(" \u00a0\u202f")


def filled(values: Values) -> list[str]:
    """The values without blank ones, trimmed."""
    trimmed = (value.strip(" \t\r\n\u00a0") for value in values if value is not None)
    return [value for value in trimmed if value]


def share(values: Values, looks_right: Callable[[str], bool]) -> float | None:
    """The share of filled values that look right; None if all are blank."""
    every = filled(values)
    return sum(looks_right(value) for value in every) / len(every) if every else None


def fit(column: str, values: Values) -> float | None:
    """How many of the filled values could be the contract column's, 0 to 1; None if all are blank."""
    if column in {"order_id", "event_id"}:
        return share(values, lambda value: not is_email(value) and not _is_boolean_word(value))
    if column.endswith("_id") and column != "mobile_ad_id" and len(values) > 2 and set(filled(values)) <= {"0", "1"}:
        return 0.0  # a flag
    if column.endswith("_id") and column != "mobile_ad_id":
        return share(values, lambda value: not (is_email(value) or _is_boolean_word(value) or value.count(" ") > 0))
    if column.endswith("_at") or column in {"birth_date", "valid_from", "valid_to"}:
        return share(values, lambda value: _DATE_LIKE.fullmatch(value) is not None)
    if column == "country" and any(_is_boolean_word(value) and not _is_country(value) for value in filled(values)):
        return 0.0  # `no` is Norway, but not beside `yes`
    return share(values, _CHECKS.get(column, _is_word))


def is_key(values: Values) -> bool:
    """Whether nearly every row has a value of its own."""
    every = filled(values)
    return not values or (len(every) >= 0.9 * len(values) and len(set(every)) >= 0.98 * len(every))


def sign_between_ids(values: Values) -> str | None:
    """The sign between the ids of cells that hold several, as CRMs write it where a deal has several contacts. A sign
    that is in every cell is one of the ids' own, as in `shop|1234`."""
    every = filled(values)
    for sign in (";", "|", ","):
        signed = [value for value in every if sign in value]
        if len(signed) < len(every) and any(_are_ids(value.split(sign), sign) for value in signed):
            return sign
    return None


def ids_in(values: Values) -> list[str]:
    """Each id of a column whose cells may hold several, without the apostrophe by which exports keep zeros."""
    every, sign = filled(values), sign_between_ids(values)
    parts = every if sign is None else filled([part for value in every for part in value.split(sign)])
    return [part.lstrip("'") for part in parts]


def _are_ids(parts: Sequence[str], sign: str) -> bool:
    """Whether a cell's parts are ids, and not the thousands of one number."""
    are_thousands = sign == "," and all(re.fullmatch(r"\d{3}", part) for part in parts[1:])
    return not are_thousands and all(part.strip() and " " not in part.strip() for part in parts)


def is_nested(values: Values) -> bool:
    """Whether a column holds lists or structures, as DuckDB writes them or as JSON."""
    return (share(values, lambda value: _NESTED.fullmatch(value) is not None) or 0.0) >= 0.5


def is_international_phone(value: str) -> bool:
    # No country code begins with 0; numbers of loyalty cards do.
    return value.startswith(("+", "00")) and not value.startswith("000") and _is_phone(value)


def is_decimal(value: str) -> bool:
    """A number with exactly two decimals, as money is written."""
    return re.fullmatch(r"-?\d[\d.,]*[.,]\d\d", value) is not None


def decimal_sign(values: Values) -> Literal[".", ","]:
    """The sign before the decimals of amounts: a comma only if it stands last before one or two digits, or after a lone
    zero where no point stands.
    """
    commas = share(values, lambda value: re.search(r",\d{1,2}\D*$", value) is not None) or 0.0
    points = share(values, lambda value: re.search(r"\.\d+\D*$", value) is not None) or 0.0
    return "," if commas > points or (points == 0 and _is_below_one(values, ",")) else "."


def _is_below_one(values: Values, sign: str) -> bool:
    """Whether `sign` stands after a lone zero: thousands do not begin so."""
    return any(re.match(rf"[^\d.,]*0{re.escape(sign)}\d", value) for value in filled(values))


def has_money_signs(values: Values) -> bool:
    """Whether amounts come with a currency's sign or blanks inside; a stray one is a fault of its row."""
    return (share(values, lambda value: bool(signs_of(value) or set(value) & _BLANKS)) or 0.0) > 0.1


def money_signs(values: Values) -> tuple[Sign, ...]:
    """The currencies' signs that stand beside amounts; one that is a part of another comes after it."""
    every = {sign for value in filled(values) for sign in signs_of(value)}
    return tuple(sorted(every, key=lambda sign: (-len(sign.text), sign.text)))


def has_codes(values: Values) -> bool:
    """Whether amounts come with their currency's code: `12.50 EUR`."""
    return (share(values, lambda value: any(map(is_currency, re.findall(r"[A-Z]{3}", value)))) or 0.0) > 0.1


def has_thousands(values: Values, sign: Literal[".", ",", "'", "’"]) -> bool:
    """Whether `sign` stands between thousands, and nowhere else."""
    number = re.compile(rf"\D*\d{{1,3}}(?:{re.escape(sign)}\d{{3}})+(?!\d)[^{re.escape(sign)}]*")
    signed = [value for value in filled(values) if sign in value]
    return bool(signed) and all(number.fullmatch(value) for value in signed) and not _is_below_one(values, sign)


def has_lakhs(values: Values) -> bool:
    """Whether commas stand before two digits, and before the last three, as in India: `2,09,021.12`."""
    number = re.compile(r"\D*\d{1,3}(?:,\d{2,3})*,\d{3}(?!\d)[^,]*")
    signed = [value for value in filled(values) if "," in value]
    return any(re.search(r"\d,\d\d,\d", value) for value in signed) and all(map(number.fullmatch, signed))


def starts_with_apostrophe(values: Values) -> bool:
    """Whether most values begin with the apostrophe by which Shopify's exports keep zeros."""
    return (share(values, lambda value: value.startswith("'")) or 0.0) > 0.5


def is_yes_or_no(values: Values) -> bool:
    """Whether a column only says yes or no, in one of several languages."""
    return (share(values, lambda value: value.lower() in _BOOLEANS) or 0.0) >= 0.9


def is_time(values: Values) -> bool:
    """Whether a column may say when: days or times that are more than a number."""
    return (share(values, lambda value: _DATE_LIKE.fullmatch(value) is not None and not value.isdigit()) or 0.0) >= 0.5


def is_time_or_flag(values: Values) -> bool:
    """Whether a column may say when or whether something holds: days, times, yes or no."""
    return (share(values, _is_time_or_flag) or 0.0) >= 0.5


def _is_time_or_flag(value: str) -> bool:
    return _DATE_LIKE.fullmatch(value) is not None or value.lower() in _BOOLEANS


def says_so(sql: str, values: Values) -> str:
    """SQL for whether a column says yes, or a time or an amount that is not only zeros."""
    flags = not filled(values) or any(value.lower() in _BOOLEANS - {"0"} for value in filled(values))
    yes = rf"|^\s*(?:{'|'.join(_YES)})\s*$" if flags else ""
    return f"regexp_matches({sql}, '{'(?i)' if flags else ''}[1-9]{yes}')"


def whole_numbers(values: Values) -> bool:
    """Whether amounts have no decimals at all, and so may be cents; `40253.0` is a whole number that was a float."""
    every = filled(values)
    return bool(every) and all(re.fullmatch(r"-?\d+(?:[.,]0)?", value) for value in every)


def ours(column: str, values: Values) -> float:
    """The share of filled values that are relance's own words for the column; 1 if all are blank."""
    known = share(values, lambda value: value.lower() in _WORDS[column])
    return 1.0 if known is None else known


def translated(column: str, values: Values) -> float:
    """The share of filled values that the vocabulary translates into the column's words; 1 if all are blank."""
    known = share(values, lambda value: value.lower() in _translated_words(column))
    return 1.0 if known is None else known


@cache
def _translated_words(column: str) -> frozenset[str]:
    return frozenset(word for every in vocabulary()["translated"][column].values() for word in every)


def tells_of_ends(values: Values) -> bool:
    """Whether some of few words are of orders that were called off, given back or not paid, whole or in part."""
    every = {value.lower() for value in filled(values)}
    return len(every) <= MOST_STATES and any(map(_tells_of_an_end, every))


def _tells_of_an_end(value: str) -> bool:
    lists = vocabulary()
    known = {word for ours, words in lists["translated"]["status"].items() if ours != "completed" for word in words}
    parts = [part for mark in ("given_back", "called_off", "unpaid") for part in lists["marks"][mark]]
    return value in known or (is_state(value) and any(part in squashed(value) for part in parts))


def _is_phone(value: str) -> bool:
    digits, letters = sum(map(str.isdigit, value)), sum(map(str.isalpha, value))
    return digits >= 5 and letters <= 4 and not is_iso_time(value) and "@" not in value and not is_hash(value)


def _is_country(value: str) -> bool:
    # One letter may be a state, such as A for active, and three digits anything.
    return len(value.strip()) > 1 and not value.strip().isdigit() and country_code(value) is not None


def _is_boolean_word(value: str) -> bool:
    return value.lower() in _BOOLEANS - {"0", "1"}


def _is_word(value: str) -> bool:
    """Something a person wrote: no flag, no address, no hash."""
    return value.lower() not in _BOOLEANS and not is_email(value) and not is_hash(value)


def _is_name(value: str) -> bool:
    return _is_word(value) and any(map(str.isalpha, value))


def is_state(value: str) -> bool:
    """Whether a text may say in which state something is: words, and no country's, currency's or code's."""
    is_other = _is_country(value) or is_currency(value.upper()) or any(map(str.isdigit, value))
    return _is_name(value) and len(value) <= 40 and not is_other


def _is_address(value: str) -> bool:
    return is_email(value) or _is_phone(value)


_WORDS: dict[str, tuple[str, ...]] = {"purpose": PURPOSES, "status": CONSENT_STATUSES, "network": network_names()}

_CHECKS: dict[str, Callable[[str], bool]] = {
    # A hash is an e-mail's, but too late: it is mapped with a warning, since relance refuses hashes by itself.
    "email": lambda value: is_email(value) or is_hash(value),
    "address": _is_address,
    "phone": _is_phone,
    "first_name": _is_name,
    "last_name": _is_name,
    "city": _is_name,
    "street": _is_name,
    "region": lambda value: _is_word(value) and value.lower() not in _ACCOUNT_STATES,
    "postal_code": lambda value: _is_word(value) and len(value) <= 12 and any(map(str.isdigit, value)),
    "country": _is_country,
    "gender": lambda value: value.lower() in _GENDERS,
    "mobile_ad_id": lambda value: _UUID.fullmatch(value) is not None,
    "currency": lambda value: is_currency(value.upper()),
    "amount": is_amount,
    "cancelled": _is_time_or_flag,
    "refunded": _is_time_or_flag,
    "refunded_amount": is_amount,
    "status": lambda value: len(value) <= 40 and not is_email(value) and not is_iso_time(value),
}
