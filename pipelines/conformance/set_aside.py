"""Rows that are set aside: a judgement per rule, which `docs/conformance.md` publishes with its reason.

A rule looks at what the row asks for, and holds for whatever file the row stands in.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Literal, NamedTuple
from unicodedata import category, normalize

from phonenumbers import NumberParseException, is_valid_number, parse

from pipelines.conformance.rules import network_name
from pipelines.identifiers.normalise import Normalised
from pipelines.identifiers.persons.genders import OTHER_LANGUAGES
from schemas.countries import country_codes, country_names, folded
from schemas.identifiers import MatchColumn
from schemas.regions import CANADA, US
from schemas.vectors import Vector

RuleName = Literal[
    "already_hashed",
    "phone_without_country",
    "phone_not_valid",
    "phone_bare_plus",
    "phone_placeholder",
    "email_placeholder",
    "email_no_address",
    "gmail_tag_kept",
    "amazon_plus_deleted",
    "tiktok_phone_without_plus",
    "tiktok_email_stripped",
    "country_guessed",
    "country_name_refused",
    "country_no_code",
    "region_guessed",
    "region_name_kept",
    "zip_cut_at_dash",
    "zip_without_digits",
    "zip_plus_4_kept",
    "uk_zip_whole",
    "ad_id_case_kept",
    "ad_id_of_no_system",
    "external_id_case_kept",
    "date_ambiguous",
    "date_impossible",
    "date_as_typed",
    "gender_of_another_language",
]


class _Row(NamedTuple):
    vector: Vector
    column: MatchColumn
    ours: Normalised
    today: date

    @property
    def text(self) -> str:
        return "" if self.vector.input is None else str(self.vector.input)

    @property
    def wanted(self) -> str | None:
        return self.vector.normalized

    @property
    def is_accepted(self) -> bool:
        """Whether the source makes something of the value."""
        return not self.vector.is_refusal

    @property
    def network(self) -> str:
        return network_name(self.vector.network)


def set_aside(vector: Vector, column: MatchColumn, ours: Normalised, today: date) -> RuleName | None:
    """The first rule that sets the row aside."""
    row = _Row(vector, column, ours, today)
    return next((name for name, rule in _RULES.items() if rule(row)), None)


def _already_hashed(row: _Row) -> bool:
    is_email_as_typed = (row.column.identifier, row.column.form) == ("email", "plain")
    return row.is_accepted and row.ours.refusal == "already_hashed" and not is_email_as_typed


def _phone(refusal: str) -> Callable[[_Row], bool]:
    return lambda row: row.column.identifier == "phone" and row.is_accepted and row.ours.refusal == refusal


def _phone_not_valid(row: _Row) -> bool:
    """No number, or the wanted one is none: a trunk zero kept, an extension glued on."""
    if row.column.identifier != "phone" or not row.is_accepted:
        return False
    if row.ours.refusal in {"not_valid", "not_a_number", "several_numbers"}:
        return True
    wanted = re.sub(r"\D", "", row.wanted or "")
    if not wanted or row.column.form not in {"digits", "e164"} or row.ours.refusal is not None:
        return False
    try:
        return not is_valid_number(parse(f"+{wanted}"))
    except NumberParseException:
        return True


def _email_placeholder(row: _Row) -> bool:
    return row.column.identifier == "email" and row.is_accepted and row.ours.refusal == "placeholder"


def _email_no_address(row: _Row) -> bool:
    return row.column.identifier == "email" and row.is_accepted and row.ours.refusal == "not_an_email"


def _gmail_tag_kept(row: _Row) -> bool:
    tagged = re.search(r"\+[^@]*@(?:gmail|googlemail)\.com\s*$", row.text.lower()) is not None
    kept = row.wanted is not None and "+" in row.wanted
    return row.network.startswith("google") and row.column.identifier == "email" and tagged and kept


def _amazon_plus_deleted(row: _Row) -> bool:
    plus = row.network == "amazon" and row.column.identifier == "email" and "+" in row.text
    return plus and row.wanted is not None and "+" not in row.wanted


def _tiktok_phone_without_plus(row: _Row) -> bool:
    of_tiktok = row.network == "tiktok" and row.column.identifier == "phone"
    return of_tiktok and row.wanted is not None and row.wanted.isdigit() and row.ours.value == f"+{row.wanted}"


def _tiktok_email_stripped(row: _Row) -> bool:
    """Older pages of TikTok's dropped dots and tags; the newest does not."""
    if row.network != "tiktok" or row.column.identifier != "email" or row.wanted is None or row.ours.value is None:
        return False
    local, _, domain = row.ours.value.partition("@")
    stripped = {local.partition("+")[0], local.replace(".", ""), local.partition("+")[0].replace(".", "")}
    return row.wanted != row.ours.value and row.wanted in {f"{name}@{domain}" for name in stripped}


def _country_guessed(row: _Row) -> bool:
    """No country as a whole; the wanted code is its first two letters, or that of a name within."""
    if row.column.identifier != "country" or not row.is_accepted or row.ours.canonical is not None:
        return False
    wanted, joined = (row.wanted or "").upper(), _letters(row.text)
    locale = re.fullmatch(r"\s*[A-Za-z]{2,3}[-_]([A-Za-z]{2})\s*", row.text)
    within = any(
        code == wanted and len(name) >= 2 and name.replace(" ", "") in joined for name, code in country_names().items()
    )
    return joined[:2].upper() == wanted or within or (locale is not None and locale[1].upper() == wanted)


def _country_name_refused(row: _Row) -> bool:
    known = row.column.identifier == "country" and row.vector.is_refusal and row.ours.canonical is not None
    return known and row.text.strip().upper() != row.ours.canonical


def _country_no_code(row: _Row) -> bool:
    return row.column.identifier == "country" and row.wanted is not None and (row.wanted.upper() not in country_codes())


def _region_guessed(row: _Row) -> bool:
    """No state or province as a whole; the wanted code is its first two letters, or that of a name within."""
    if row.column.identifier != "region" or not row.is_accepted or row.wanted is None or len(row.wanted) != 2:
        return False
    joined = _letters(row.text)
    if len(joined) <= 2 or joined in US or joined in CANADA:
        return False
    names = ((name, code) for name, code in (*US.items(), *CANADA.items()) if len(name) > len(code))
    within = any(code == row.wanted and name in joined for name, code in names)
    return joined[:2] == row.wanted or within


def _region_name_kept(row: _Row) -> bool:
    by_code = row.column.identifier == "region" and row.column.form in {"letters", "ascii"}
    as_typed = row.wanted is not None and len(row.wanted) > 2 and _letters(row.text) == row.wanted
    return by_code and as_typed and row.wanted in {**US, **CANADA}


def _zip_cut_at_dash(row: _Row) -> bool:
    """A part of a code with dashes, where that is not the five digits of a ZIP+4."""
    if row.column.identifier != "postal_code" or row.column.form != "compact" or row.wanted is None:
        return False
    first, dash, rest = row.text.strip().lower().partition("-")
    is_zip_plus_4 = re.fullmatch(r"[0-9]{5}-[0-9]{4}", row.text.strip()) is not None
    return bool(dash) and not is_zip_plus_4 and row.wanted == re.sub(r"\s", "", first) and rest != ""


def _zip_without_digits(row: _Row) -> bool:
    if row.column.identifier != "postal_code" or not row.is_accepted:
        return False
    bare = "".join(letter for letter in row.text if letter.isalnum())
    return len(bare) > 10 or not any(letter.isdigit() for letter in bare)


def _zip_plus_4_kept(row: _Row) -> bool:
    compact = row.column.identifier == "postal_code" and row.column.form == "compact"
    return compact and re.fullmatch("[0-9]{9}", row.wanted or "") is not None


def _uk_zip_whole(row: _Row) -> bool:
    british = row.column.form == "compact" and (row.vector.of_context("country") or "").upper() in {"GB", "UK"}
    return british and row.wanted == re.sub(r"\s", "", row.text).lower() and row.ours.value != row.wanted


def _ad_id_case_kept(row: _Row) -> bool:
    lower = row.column.identifier == "mobile_ad_id" and row.column.form == "lower"
    return lower and row.wanted is not None and row.wanted == row.text.strip() != row.wanted.lower()


def _ad_id_of_no_system(row: _Row) -> bool:
    if row.column.identifier != "mobile_ad_id" or not row.is_accepted:
        return False
    text = row.text.strip().lower()
    is_android_id = re.fullmatch("[0-9a-f]{16}", text) is not None and not text.isdigit()
    return "-" not in text and not is_android_id


def _external_id_case_kept(row: _Row) -> bool:
    lower = row.column.identifier == "external_id" and row.column.form == "lower"
    return lower and row.wanted is not None and row.wanted == row.text.strip() != row.wanted.lower()


def _date_ambiguous(row: _Row) -> bool:
    if row.column.identifier != "birth_date" or row.vector.of_context("order") or not row.is_accepted:
        return False
    groups = re.findall("[0-9]+", row.text)
    return len(groups) >= 3 and len(groups[0]) < 3 and all(1 <= int(part) <= 12 for part in groups[:2])


def _date_impossible(row: _Row) -> bool:
    wanted = row.wanted or ""
    if row.column != MatchColumn("birth_date", "ymd", row.column.hash) or not re.fullmatch("[0-9]{8}", wanted):
        return False
    try:
        day = date(int(wanted[:4]), int(wanted[4:6]), int(wanted[6:]))
    except ValueError:
        return row.is_accepted
    return row.is_accepted and not date(1900, 1, 1) <= day <= row.today


def _date_as_typed(row: _Row) -> bool:
    ymd = row.column == MatchColumn("birth_date", "ymd", row.column.hash)
    return ymd and row.is_accepted and row.wanted is not None and re.search("[^0-9]", row.wanted) is not None


def _gender_of_another_language(row: _Row) -> bool:
    word = normalize("NFC", row.text.strip().lower())
    return row.column.identifier == "gender" and row.vector.is_refusal and word in OTHER_LANGUAGES


def _letters(text: str) -> str:
    """Letters and marks, lower-case, accents dropped from Latin ones."""
    plain = normalize("NFKD", folded(text))
    return "".join(letter for letter in plain if category(letter)[0] == "L")


_RULES: dict[RuleName, Callable[[_Row], bool]] = {
    "already_hashed": _already_hashed,
    "phone_without_country": _phone("no_country"),
    "phone_not_valid": _phone_not_valid,
    "phone_bare_plus": _phone("bare_plus"),
    "phone_placeholder": _phone("placeholder"),
    "email_placeholder": _email_placeholder,
    "email_no_address": _email_no_address,
    "gmail_tag_kept": _gmail_tag_kept,
    "amazon_plus_deleted": _amazon_plus_deleted,
    "tiktok_phone_without_plus": _tiktok_phone_without_plus,
    "tiktok_email_stripped": _tiktok_email_stripped,
    "country_guessed": _country_guessed,
    "country_name_refused": _country_name_refused,
    "country_no_code": _country_no_code,
    "region_guessed": _region_guessed,
    "region_name_kept": _region_name_kept,
    "zip_cut_at_dash": _zip_cut_at_dash,
    "zip_without_digits": _zip_without_digits,
    "zip_plus_4_kept": _zip_plus_4_kept,
    "uk_zip_whole": _uk_zip_whole,
    "ad_id_case_kept": _ad_id_case_kept,
    "ad_id_of_no_system": _ad_id_of_no_system,
    "external_id_case_kept": _external_id_case_kept,
    "date_ambiguous": _date_ambiguous,
    "date_impossible": _date_impossible,
    "date_as_typed": _date_as_typed,
    "gender_of_another_language": _gender_of_another_language,
}
