"""Phones: the fast path agrees with the library on every input, and the field's habits are read or refused as meant."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from phonenumbers import (
    COUNTRY_CODES_FOR_NON_GEO_REGIONS,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
    example_number_for_non_geo_entity,
    example_number_for_type,
    format_number,
    national_significant_number,
)

from pipelines.identifiers.phones import resolve_phones
from pipelines.identifiers.phones.library import read_phone
from pipelines.identifiers.phones.metadata import REGIONS, plan_of
from pipelines.identifiers.phones.resolve import decided_rows

SHARED = Path(__file__).parents[4] / "shared"
COLUMNS = ["phone_e164", "phone_country", "phone_country_source", "phone_refusal"]

Field = tuple[str | None, str | None]


def frame(fields: list[Field]) -> pl.DataFrame:
    return pl.DataFrame(fields, schema={"phone": pl.String, "country": pl.String}, orient="row")


def resolved(fields: list[Field], default_country: str | None = None) -> dict[Field, tuple[str | None, ...]]:
    rows = resolve_phones(frame(fields).lazy(), default_country=default_country).collect()
    return {(row[0], row[1]): row[2:] for row in rows.iter_rows()}


def one(phone: str | None, country: str | None = None, default_country: str | None = None) -> tuple[str | None, ...]:
    return resolved([(phone, country)], default_country)[phone, country]


def by_library(field: Field, default_country: str | None) -> tuple[str | None, ...]:
    phone, country = field
    own_country = country if country in REGIONS else None
    return read_phone(phone, own_country=own_country, default_country=default_country)


def disagreements(fields: list[Field], default_country: str | None) -> list[tuple[object, ...]]:
    rows = decided_rows(frame(fields).unique(), default_country=default_country).iter_rows()
    return [
        (row, expected) for row in rows if row[2:] != (expected := tuple(by_library((row[0], row[1]), default_country)))
    ]


def examples() -> Iterator[tuple[str, PhoneNumber]]:
    """Every region's example of every kind of number, and those that belong to no region."""
    for region, kind in product(sorted(REGIONS), PhoneNumberType.values()):
        number = example_number_for_type(region, kind)
        if number is not None:
            yield region, number
    for region, code in zip(sorted(REGIONS), sorted(COUNTRY_CODES_FOR_NON_GEO_REGIONS), strict=False):
        yield region, example_number_for_non_geo_entity(code)


def prefix(region: str, *, international: bool) -> str:
    plan = plan_of(region)
    found = plan.international_prefix if international else plan.national_prefix
    return "" if found is None else found.digits or "0" * (1 + international)


def shapes(region: str, number: PhoneNumber) -> list[str]:
    digits, code = national_significant_number(number), str(number.country_code)
    trunk, abroad = prefix(region, international=False), prefix(region, international=True)
    grouped = f"{digits[:2]} {digits[2:5]}-{digits[5:]}"
    return [
        format_number(number, PhoneNumberFormat.INTERNATIONAL),
        format_number(number, PhoneNumberFormat.NATIONAL),
        f"+{code}{digits}",
        f"+{code}{trunk}{digits}",
        f"+{code} ({trunk or 0}){grouped}",
        f"(+{code}) {digits[:3]}/{digits[3:]}",
        f"{abroad}{code}{digits}",
        f"{abroad} {code} {grouped}",
        f"00{code}{digits}",
        f"011 {code} {digits}",
        f"{trunk}{digits}",
        f"({trunk}{digits[:2]}) {digits[2:]}",
        digits,
        f"0{digits}",
        f"{code}{digits}",
        f"{code}{trunk}{digits}",
        f"+{digits}",
        f"+{trunk}{digits}",
        f"+{abroad}{code}{digits}",
        digits[1:],
        f"{digits}0",
        f"{trunk}{digits[:-1]}9",
    ]


EXAMPLES = list(examples())


def test_both_paths_agree_on_every_kind_of_number_of_every_region() -> None:
    fields: list[Field] = [
        (shape, region)
        for place, (region, number) in enumerate(EXAMPLES)
        # All shapes of all examples take minutes: each example takes its turn, mobiles and fixed lines come more often.
        for shape in shapes(region, number)[place % 3 :: 3]
    ]

    assert disagreements(fields, None) == []


@pytest.mark.parametrize("default_country", [None, "FR", "US"])
def test_both_paths_agree_on_numbers_of_other_countries(default_country: str | None) -> None:
    homes = ["US", "GB", "IT", "AR", "BR", "JP", "VG", None, "ZZ"]
    fields: list[Field] = [
        (shape, homes[(place + turn) % len(homes)])
        for place, (region, number) in enumerate(EXAMPLES)
        for turn, shape in enumerate(shapes(region, number)[place % 11 :: 11])
    ]

    assert disagreements(fields, default_country) == []


regions = st.sampled_from(
    ["FR", "DE", "ES", "IT", "BE", "NL", "GB", "CH", "US", "CA", "AR", "BR", "MX", "AU", "VG", "KZ"]
)
countries = regions | st.none() | st.sampled_from(["ZZ", "fr", "", "001"])
separators = st.sampled_from(
    [" ", ".", "-", "/", "(", ")", "[", "\u00a0", "\u2011", "  ", " - ", "x", ",", ";", "#", "~", "*", "\t"]
)
beginnings = st.sampled_from(["", "", "", "tel:", "Tél. ", "Mobile: ", "x"])
endings = st.sampled_from(
    ["", "", "", " ", " ext. 12", " x3", "#4", ";ext=5", " poste 6", ".0", "a", ",7", " / 0612345678"]
)


@st.composite
def written(draw: st.DrawFn) -> str:
    """A number in one of the shapes people use, then spoilt a little."""
    kinds = st.sampled_from([PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE, PhoneNumberType.TOLL_FREE])
    region = draw(regions)
    number = example_number_for_type(region, draw(kinds)) or example_number_for_type("FR", PhoneNumberType.MOBILE)
    text = list(draw(st.sampled_from(shapes(region, number))))
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(text)))
        text[place : place + draw(st.integers(0, 1))] = draw(separators | st.sampled_from("0123456789+"))
    return draw(beginnings) + "".join(text) + draw(endings)


digit_strings = st.text("0123456789", max_size=22)
punctuated = st.text("00112345678999+ .-/()[],;#x\u00a0\uff0b\uff11\u0661\u2013", max_size=26)
fields = st.lists(st.tuples(written() | written() | digit_strings | punctuated, countries), min_size=1, max_size=40)


@given(fields, st.none() | regions)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_whatever_is_typed_is_read_as_the_library_reads_it(fields: list[Field], default_country: str | None) -> None:
    assert disagreements(fields, default_country) == []
    assert resolved(fields, default_country) == {field: by_library(field, default_country) for field in fields}


@pytest.mark.parametrize(
    ("phone", "country", "number"),
    [
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("06.12.34.56.78", "FR", "+33612345678"),
        ("+33 (0)6 12 34 56 78", "FR", "+33612345678"),
        ("0033612345678", "FR", "+33612345678"),
        ("33612345678", "FR", "+33612345678"),
        ("(+33) 6-12-34-56-78", None, "+33612345678"),
        ("\uff0b33 6 12 34 56 78", None, "+33612345678"),
        ("tel:+33-6-12-34-56-78", None, "+33612345678"),
        ("Tél. : 06 12 34 56 78", "FR", "+33612345678"),
        ("Mobile 0171 1234567", "DE", "+491711234567"),
        ("+44 (0)20 7946 0958", "GB", "+442079460958"),
        ("+44 020 7946 0958", "US", "+442079460958"),
        ("+54 (0)11 4311 4333", "AR", "+541143114333"),
        ("+34 (0)914 454 454", "ES", "+34914454454"),
        ("+39 06 39733434", "IT", "+390639733434"),
        ("+39 (0)6 39733434", None, "+390639733434"),
        ("06 39733434", "IT", "+390639733434"),
        ("347 123 4567", "IT", "+393471234567"),
        ("914 454 454", "ES", "+34914454454"),
        ("(212) 555-1234", "US", "+12125551234"),
        ("1-212-555-1234", "US", "+12125551234"),
        ("011 44 20 7946 0958", "US", "+442079460958"),
        ("+49 (0)171/1234567", "DE", "+491711234567"),
        ("0171/1234567", "DE", "+491711234567"),
        ("00 49 171 1234567", None, "+491711234567"),
        ("11 96123-4567", "BR", "+5511961234567"),
        ("0 15 11961234567", "BR", "+5511961234567"),
        ("011 15 2345-6789", "AR", "+5491123456789"),
        ("+800 1234 5678", "FR", "+80012345678"),
        ("06 12 34 56 78 ext. 12", "FR", "+33612345678"),
        ("06 12 34 56 78 poste 12", "FR", "+33612345678"),
        ("06 12 34 56 78 x12", "FR", "+33612345678"),
        ("06 12 34 56 78 #12", "FR", "+33612345678"),
        ("+33612345678;ext=12", "FR", "+33612345678"),
        ("  0612345678\t", "FR", "+33612345678"),
    ],
)
def test_a_number_is_read_however_it_is_written(phone: str, country: str | None, number: str) -> None:
    assert one(phone, country)[0] == number


@pytest.mark.parametrize(
    ("phone", "country", "refusal"),
    [
        (None, "FR", "blank"),
        ("", "FR", "blank"),
        (" \t ", None, "blank"),
        ("0000000000", "FR", "placeholder"),
        ("+1 111 111 1111", None, "placeholder"),
        ("99 99 99 99", "DK", "placeholder"),
        ("123-456-7890", "US", "placeholder"),
        ("0123456789", "FR", "placeholder"),
        ("0612345678", None, "no_country"),
        ("0612345678", "ZZ", "no_country"),
        ("00 999 123456", None, "no_country"),
        ("+2125551234", "US", "bare_plus"),
        ("+15123456789", "DE", "bare_plus"),
        ("+0612345678", "FR", "bare_plus"),
        ("06 12 34 56 78 / 07 12 34 56 78", "FR", "several_numbers"),
        ("0612345678;0712345678", "FR", "several_numbers"),
        ("0612345678, 0712345678", "FR", "several_numbers"),
        ("0612345678 ou 0712345678", "FR", "several_numbers"),
        ("212-555-1234 or 212-555-9876", "US", "several_numbers"),
        ("+33612345678/+33712345678", "FR", "several_numbers"),
        ("1-800-FLOWERS", "US", "not_a_number"),
        ("n/a", "FR", "not_a_number"),
        ("-", "FR", "not_a_number"),
        ("Fax 0612345678", "FR", "not_a_number"),
        ("jane@example.com", "FR", "not_a_number"),
        ("d41d8cd98f00b204e9800998ecf8427e", "FR", "not_a_number"),
        ("01234567890123456789012345678901", "FR", "not_a_number"),
        ("30123456.0", "DE", "not_a_number"),
        ("1" * 300 + "2", "FR", "not_a_number"),
        ("06 12 34 56", "FR", "not_valid"),
        ("+33 6 12 34 56", None, "not_valid"),
        ("+999 123 456 789", "FR", "not_valid"),
    ],
)
def test_what_is_no_certain_number_is_refused(phone: str | None, country: str | None, refusal: str) -> None:
    assert one(phone, country) == (None, None, None, refusal)


@pytest.mark.parametrize(
    ("phone", "country", "default_country", "expected"),
    [
        ("0612345678", "FR", "DE", ("+33612345678", "FR", "own_country", None)),
        ("0612345678", None, "FR", ("+33612345678", "FR", "default_country", None)),
        ("0612345678", "uk", "FR", ("+33612345678", "FR", "default_country", None)),
        ("+33612345678", "FR", "DE", ("+33612345678", "FR", "international", None)),
        ("0033612345678", "FR", None, ("+33612345678", "FR", "international", None)),
        ("33612345678", "FR", None, ("+33612345678", "FR", "own_country", None)),
        ("416 555 0123", "US", None, ("+14165550123", "CA", "own_country", None)),
        ("07624 123456", "GB", None, ("+447624123456", "IM", "own_country", None)),
        ("+80012345678", None, None, ("+80012345678", "001", "international", None)),
    ],
)
def test_a_number_says_its_country_and_how_it_is_known(
    phone: str, country: str | None, default_country: str | None, expected: tuple[str | None, ...]
) -> None:
    assert one(phone, country, default_country) == expected


def test_each_distinct_field_comes_back_once_with_its_country_as_given() -> None:
    fields: list[Field] = [("0612345678", "FR"), ("0612345678", "FR"), ("0612345678", "ZZ"), (None, None), (None, None)]

    rows = resolve_phones(frame(fields).lazy(), default_country=None).collect()

    assert rows.columns == ["phone", "country", *COLUMNS]
    assert rows.height == len(set(fields))
    assert set(rows.select("phone", "country").iter_rows()) == set(fields)


def test_no_phones_give_no_rows() -> None:
    assert resolved([]) == {}


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_two_readings_in_one_query_do_not_wait_for_each_other(engine: pl.EngineType) -> None:
    phones = frame([(f"06 12 34 {last}", "FR") for last in range(1000, 9999)]).lazy()
    readings = [resolve_phones(phones, default_country=country) for country in ("FR", "DE", None)]

    rows = pl.concat(readings).collect(engine=engine)

    assert rows.height == 3 * 8999


def test_plain_numbers_of_common_countries_do_not_need_the_library() -> None:
    homes = ["FR", "DE", "ES", "IT", "BE", "NL", "GB", "CH", "US", "CA"]
    typed: list[Field] = [
        (shape, home)
        for home, number in EXAMPLES
        if home in homes
        for shape in shapes(home, number)
        # A prefix after the plus, and a zero in a country without trunk prefix, are not plain.
        if not shape.startswith("+0") and ("(0)" not in shape or prefix(home, international=False))
    ]

    read = resolved(typed)

    accepted = frame([field for field, (number, *_) in read.items() if number is not None])
    assert accepted.height > 900
    assert decided_rows(accepted, default_country=None).height == accepted.height


def test_the_library_s_own_examples_are_read() -> None:
    path = SHARED / "vectors" / "libphonenumber_examples.jsonl"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    expected = {
        (row["input"], (row["context"] or {}).get("default_region")): row["normalized"]
        for row in rows
        if row["valid"] and row["normalized"]
    }

    read = resolved(list(expected))

    others = {field: read[field] for field, number in expected.items() if read[field][0] != number}
    assert len(others) <= 0.02 * len(expected), others
    assert {reading[3] for reading in others.values()} <= {"bare_plus", "placeholder", "not_a_number"}, others


CHINOOK = {
    "Argentina": "AR", "Australia": "AU", "Austria": "AT", "Belgium": "BE", "Brazil": "BR", "Canada": "CA",
    "Chile": "CL", "Czech Republic": "CZ", "Denmark": "DK", "Finland": "FI", "France": "FR", "Germany": "DE",
    "Hungary": "HU", "India": "IN", "Ireland": "IE", "Italy": "IT", "Netherlands": "NL", "Norway": "NO",
    "Poland": "PL", "Portugal": "PT", "Spain": "ES", "Sweden": "SE", "United Kingdom": "GB", "USA": "US",
}  # fmt: skip


def test_a_real_shop_s_phones_are_read() -> None:
    path = SHARED / "data" / "chinook" / "Customer.csv"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    with path.open(encoding="utf-8", newline="") as file:
        fields = [(row["Phone"], CHINOOK[row["Country"]]) for row in csv.DictReader(file)]

    read = resolved(fields)

    assert sum(read[field][0] is not None for field in fields) == 55
    assert sorted(read[field][3] or "" for field in fields if read[field][0] is None) == [
        "blank",
        "not_valid",
        "not_valid",
        "not_valid",
    ]
