"""The slow path, and the definition: one field, read by the phonenumbers library."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

import polars as pl
from phonenumbers import (
    CountryCodeSource,
    NumberParseException,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
    country_code_for_region,
    enable_pattern_cache,
    format_number,
    is_valid_number,
    number_type,
    parse,
    region_code_for_number,
)

from pipelines.identifiers.phones.bare_plus import is_bare_plus
from pipelines.identifiers.phones.metadata import plan_of
from pipelines.identifiers.phones.own_code import is_own_code
from pipelines.identifiers.phones.text import ITALIAN_ZERO, OPTIONAL_TRUNK_PREFIX, Refusal, digits_of, number_text

# All regions together have more patterns than Python's own cache keeps.
enable_pattern_cache()

CountrySource = Literal["international", "own_country", "default_country"]


class PhoneReading(NamedTuple):
    """A field's number, or why there is none."""

    phone_e164: str | None = None
    phone_country: str | None = None
    phone_country_source: CountrySource | None = None
    phone_refusal: Refusal | None = None
    phone_type: str | None = None


READING = pl.Schema(dict.fromkeys(PhoneReading._fields, pl.String))


def read_phone(phone: str | None, *, own_country: str | None, default_country: str | None) -> PhoneReading:
    """The number in `phone`; the countries are regions that the library knows, or None."""
    text, refusal = number_text(phone)
    if refusal:
        return PhoneReading(phone_refusal=refusal)
    reading = _read(text, own_country, default_country)
    return PhoneReading(phone_refusal="not_valid") if _is_two_of_italy(text, reading.phone_e164) else reading


def _is_two_of_italy(text: str, e164: str | None) -> bool:
    """Whether the number was read as a landline with the zero that stands in brackets, and is a mobile without."""
    if e164 is None or not re.search(ITALIAN_ZERO, text) or not re.fullmatch(r"\+3903[0-9]{9}", e164):
        return False
    return _kind(_parse_as_typed(e164.replace("+390", "+39"), None)) == "mobile"


def _read(text: str, own_country: str | None, default_country: str | None) -> PhoneReading:
    country = own_country or default_country
    if re.match(r"[^0-9]*\+", text):
        return _read_international(text, country)
    if country is None:
        return _read_without_country(text)
    number = _after_own_code(text, country) or _parse(text, country)
    if not isinstance(number, PhoneNumber):
        abroad = None if plan_of(country).dials_abroad_by_zeros else _after_zeros(text)
        return PhoneReading(phone_refusal=number) if abroad is None else _accepted(abroad, "international")
    if number.country_code_source == CountryCodeSource.FROM_NUMBER_WITH_IDD:
        return _accepted(number, "international")
    return _accepted(number, "own_country" if own_country else "default_country")


def _read_international(text: str, country: str | None) -> PhoneReading:
    number = _parse(text, country)
    if country is not None and not _belongs(number, country):
        at_home = _parse_as_typed(text.replace("+", ""), country)
        home = _kind(at_home) if _belongs(at_home, country) else None
        if is_bare_plus(home, _kind(number), is_open=plan_of(country).is_open):
            return PhoneReading(phone_refusal="bare_plus")
    if isinstance(number, PhoneNumber):
        return _accepted(number, "international")
    return PhoneReading(phone_refusal=number)


def _read_without_country(text: str) -> PhoneReading:
    number = _after_zeros(text)
    return PhoneReading(phone_refusal="no_country") if number is None else _accepted(number, "international")


def _after_zeros(text: str) -> PhoneNumber | None:
    """The number after `00`, which people write before calling codes in countries too that dial others."""
    if not digits_of(text).startswith("00"):
        return None
    number = _parse(re.sub("^[^0-9]*0[^0-9]*0", "+", text), None)
    return number if isinstance(number, PhoneNumber) else None


def _after_own_code(text: str, country: str) -> PhoneNumber | None:
    """The number after the country's own calling code, where that is believed to stand there without its plus."""
    if not plan_of(country).is_open or not digits_of(text).startswith(plan_of(country).calling_code):
        return None
    number = _parse_as_typed(f"+{text}", country)
    believed = is_own_code(_kind(_parse_as_typed(text, country)), _kind(number))
    return number if isinstance(number, PhoneNumber) and believed else None


def _parse(text: str, country: str | None) -> PhoneNumber | Refusal:
    number = _parse_as_typed(text, country)
    if isinstance(number, PhoneNumber) or OPTIONAL_TRUNK_PREFIX not in text:
        return number
    return _parse_as_typed(text.replace(OPTIONAL_TRUNK_PREFIX, " "), country)


def _parse_as_typed(text: str, country: str | None) -> PhoneNumber | Refusal:
    try:
        number = parse(text, country, keep_raw_input=True)
    except NumberParseException as error:
        return "not_a_number" if error.error_type == NumberParseException.NOT_A_NUMBER else "not_valid"
    return number if is_valid_number(number) else "not_valid"


def _belongs(number: PhoneNumber | Refusal, country: str) -> bool:
    return isinstance(number, PhoneNumber) and number.country_code == country_code_for_region(country)


def _kind(number: PhoneNumber | Refusal) -> str | None:
    return PhoneNumberType.to_string(number_type(number)).lower() if isinstance(number, PhoneNumber) else None


def _accepted(number: PhoneNumber, source: CountrySource) -> PhoneReading:
    e164 = format_number(number, PhoneNumberFormat.E164)
    return PhoneReading(e164, region_code_for_number(number), source, phone_type=_kind(number))
