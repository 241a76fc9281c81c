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
    is_valid_number_for_region,
    national_significant_number,
    number_type,
    parse,
)

from pipelines.identifiers.phones import resolve_phones
from pipelines.identifiers.phones.fast import Read, read_fast, written_out
from pipelines.identifiers.phones.library import read_phone
from pipelines.identifiers.phones.metadata import REGIONS, plan_of
from pipelines.identifiers.phones.resolve import FEW

SHARED = Path(__file__).parents[4] / "shared"
COLUMNS = ["phone_e164", "phone_country", "phone_country_source", "phone_refusal", "phone_type"]

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


def certain(fields: list[Field], default_country: str | None) -> pl.DataFrame:
    """What the fast path is certain of, as it reads it."""
    read, readings = read_fast(frame(fields).unique().lazy(), default_country=default_country)
    return written_out(Read(read.filter(pl.col("place").is_not_null()), readings))


def disagreements(fields: list[Field], default_country: str | None) -> list[tuple[object, ...]]:
    rows = certain(fields, default_country).iter_rows()
    return [
        (row, expected) for row in rows if row[2:] != (expected := tuple(by_library((row[0], row[1]), default_country)))
    ]


def kind(number: PhoneNumber) -> str:
    return PhoneNumberType.to_string(number_type(number)).lower()


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
    """How people write numbers, rightly and not quite."""
    digits, code = national_significant_number(number), str(number.country_code)
    trunk, abroad = prefix(region, international=False), prefix(region, international=True)
    national, international = f"{trunk}{digits}", f"+{code} {digits}"
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
        f"011{code}{trunk}{digits}",
        national,
        f"({trunk}{digits[:2]}) {digits[2:]}",
        f"{trunk}{digits[:2]}.{digits[2:4]}.{digits[4:]}",
        "\u00a0".join([trunk + digits[:1], digits[1:4], digits[4:]]),
        f"{trunk}{digits[:3]}\t{digits[3:]}",
        f"{trunk}{digits[:3]}\u202f{digits[3:]}",
        f"{trunk}{digits[:2]}\u30fc{digits[2:]}",
        f"{carrier_code(region)}{digits}",
        digits,
        f"0{digits}",
        f"{code}{digits}",
        f"{code}{trunk}{digits}",
        f"+{digits}",
        f"+{trunk}{digits}",
        f"+{abroad}{code}{digits}",
        f"{national} ext. 12",
        f"{international} x12",
        f"{national}#12",
        f"{international};ext=12",
        f"{national} poste 12",
        f"'+{code}{digits}",
        f"'{national}",
        f"tel: {national}",
        f"Mobile: {international}",
        "".join(chr(ord(character) + 0xFEE0) for character in f"+{code}{digits}"),
        f"{national}.0",
        f"{code}{digits}.0",
        f"+{code}{digits}.0",
        f"+{code}{digits}.00",
        f"{digits[:-2]}.{digits[-2:]}",
        f"{digits[:-2]}.00",
        f"{national} / {international}",
        digits[1:],
        f"{digits}0",
        f"{international}99",
        f"{trunk}{digits[:-1]}9",
    ]


def carrier_code(region: str) -> str:
    """What dials a national number through another carrier, where the plan has such codes."""
    return {"BR": "015", "AR": "0", "CO": "03", "CN": "17911", "JP": "0037680", "KR": "0811", "AU": "1831"}.get(
        region, "0"
    )


EXAMPLES = list(examples())


@st.composite
def own_numbers(draw: st.DrawFn) -> tuple[str, PhoneNumber]:
    """A valid number of a region: an example, with other last digits where that is valid too."""
    region, example = draw(st.sampled_from(EXAMPLES))
    digits = national_significant_number(example)
    kept = draw(st.integers(1, len(digits)))
    others = f"{draw(st.integers(0, 10**9 - 1)):09}"[: len(digits) - kept]
    other = parse(f"+{example.country_code}{digits[:kept]}{others}")
    return region, other if is_valid_number_for_region(other, region) else example


def test_both_paths_agree_on_every_shape_of_every_kind_of_number_of_every_region() -> None:
    fields: list[Field] = [(shape, region) for region, number in EXAMPLES for shape in shapes(region, number)]

    assert disagreements(fields, None) == []


def test_a_number_is_of_the_kind_that_the_library_says() -> None:
    written = {format_number(number, PhoneNumberFormat.E164): kind(number) for _, number in EXAMPLES}

    read = certain([(number, None) for number in written], None).filter(pl.col("phone_e164").is_not_null())

    assert read["phone_type"].n_unique() == 11
    assert dict(read.select("phone_e164", "phone_type").iter_rows()).items() <= written.items()


@given(st.lists(own_numbers(), min_size=10, max_size=40))
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_no_number_of_one_country_becomes_a_number_of_another(numbers: list[tuple[str, PhoneNumber]]) -> None:
    meant = {
        (text, region): format_number(number, PhoneNumberFormat.E164)
        for region, number in numbers
        if is_valid_number_for_region(number, region)
        for text in (
            format_number(number, PhoneNumberFormat.NATIONAL),
            *([f"+{national_significant_number(number)}"] if not plan_of(region).is_open else []),
        )
    }

    read = resolved(list(meant))

    assert {field: number for field, (number, *_) in read.items() if number not in (None, meant[field])} == {}


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
beginnings = st.sampled_from(["", "", "", "tel:", "Tél. ", "Mobile: ", "p:", "WhatsApp ", "x", "'", "' "])
endings = st.sampled_from(
    ["", "", "", " ", " ext. 12", " x3", "#4", ";ext=5", " poste 6", ".0", "a", ",7", "-", ".", " / 0612345678"]
)


@st.composite
def written(draw: st.DrawFn) -> Field:
    """A number of any region in one of the shapes people use, then spoilt a little, most often in its own country."""
    region, number = draw(own_numbers())
    text = list(draw(st.sampled_from(shapes(region, number))))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(text)))
        text[place : place + draw(st.integers(0, 1))] = draw(separators | st.sampled_from("0123456789+"))
    return draw(beginnings) + "".join(text) + draw(endings), draw(st.just(region) | countries)


digit_strings = st.text("0123456789", max_size=22)
punctuated = st.text("00112345678999+ .-/()[],;#x\u00a0\uff0b\uff11\u0661\u2013", max_size=26)
#: Beside so many, fields are read in columns.
MANY: list[Field] = [(f"06 12 34 {last}", "FR") for last in range(1000, 1000 + FEW + 1)]
fields = st.lists(written() | written() | st.tuples(digit_strings | punctuated, countries), min_size=1, max_size=40)


@given(fields, st.none() | regions)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_whatever_is_typed_is_read_as_the_library_reads_it(fields: list[Field], default_country: str | None) -> None:
    assert disagreements(fields, default_country) == []
    expected = {field: by_library(field, default_country) for field in fields}
    assert resolved(fields, default_country) == expected
    assert resolved([*fields, *MANY], default_country).items() >= expected.items()


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
        # As Meta's lead forms export it.
        ("p:+33612345678", None, "+33612345678"),
        ("WhatsApp: 06 12 34 56 78", "FR", "+33612345678"),
        ("Tél. : 06 12 34 56 78", "FR", "+33612345678"),
        ("Mobile 0171 1234567", "DE", "+491711234567"),
        ("+44 (0)20 7946 0958", "GB", "+442079460958"),
        ("+44 020 7946 0958", "US", "+442079460958"),
        ("+54 (0)11 4311 4333", "AR", "+541143114333"),
        ("+34 (0)914 454 454", "ES", "+34914454454"),
        ("+39 06 39733434", "IT", "+390639733434"),
        ("+39 (0)6 39733434", None, "+390639733434"),
        # A mobile of Italy has no zero, a landline keeps its own.
        ("+39 (0)347 1234567", None, "+393471234567"),
        ("(0)347 1234567", "IT", "+393471234567"),
        ("+39 (0)331 123456", "FR", "+390331123456"),
        ("+39 0342 1234567", None, "+3903421234567"),
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
        ("22 123 45 67 wew. 12", "PL", "+48221234567"),
        ("030 1234567 Durchwahl 12", "DE", "+49301234567"),
        ("020 123 4567 tst. 12", "NL", "+31201234567"),
        ("(11) 91234-5678 ramal 12", "BR", "+5511912345678"),
        ("  0612345678\t", "FR", "+33612345678"),
        ("06\t12\t34\t56\t78", "FR", "+33612345678"),
        ("06\u202f12\u202f34\u202f56\u202f78", "FR", "+33612345678"),
        ("\uff10\uff19\uff10\u30fc\uff11\uff12\uff13\uff14\u30fc\uff15\uff16\uff17\uff18", "JP", "+819012345678"),
        ("090\uff701234\uff705678", "JP", "+819012345678"),
        ("'+33612345678", "FR", "+33612345678"),
        ("+436601234567", "DE", "+436601234567"),
        ("+41 79 123 45 67", "DE", "+41791234567"),
        ("+41 79 123 45 67", "AT", "+41791234567"),
        ("+33 6 12 34 56 78", "IT", "+33612345678"),
        # In these countries other digits are dialled before calling codes.
        ("0081 90-1234-5678", "JP", "+819012345678"),
        ("00 44 (0)20 7946 0018", "US", "+442079460018"),
        ("0055 11 91234-5678", "BR", "+5511912345678"),
        ("(00) 33 6 12 34 56 78", "AU", "+33612345678"),
        # The library takes these for fixed lines that lack their zero, and so for nobody's number.
        ("491701234567", "DE", "+491701234567"),
        ("4915123454911", "DE", "+4915123454911"),
        ("49 (0)171 1234567", "DE", "+491711234567"),
        ("62812341079", "ID", "+62812341079"),
        # A fixed line in Emden that lost its zero, and a mobile in Italy that begins with 39.
        ("4921123456", "DE", "+494921123456"),
        ("3912345678", "IT", "+393912345678"),
    ],
)
def test_a_number_is_read_however_it_is_written(phone: str, country: str | None, number: str) -> None:
    assert one(phone, country)[0] == number


@pytest.mark.parametrize(
    ("phone", "country", "refusal"),
    [
        (None, "FR", "blank"),
        # A mobile of Italy, or a landline in Sondrio.
        ("+39 (0)342 1234567", None, "not_valid"),
        ("(0) 342 123 4567", "IT", "not_valid"),
        ("39 (0)342 1234567 int. 12", "IT", "not_valid"),
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
        ("491701234567.00", "DE", "not_a_number"),
        ("+491701234567.0", "DE", "not_a_number"),
        ("+491701234567.00", None, "not_a_number"),
        ("1" * 300 + "2", "FR", "not_a_number"),
        ("06 12 34 56", "FR", "not_valid"),
        ("+33 6 12 34 56", None, "not_valid"),
        ("+999 123 456 789", "FR", "not_valid"),
    ],
)
def test_what_is_no_certain_number_is_refused(phone: str | None, country: str | None, refusal: str) -> None:
    assert one(phone, country) == (None, None, None, refusal, None)


@pytest.mark.parametrize(
    ("phone", "country", "default_country", "expected"),
    [
        ("0612345678", "FR", "DE", ("+33612345678", "FR", "own_country", None, "mobile")),
        ("0612345678", None, "FR", ("+33612345678", "FR", "default_country", None, "mobile")),
        ("0612345678", "uk", "FR", ("+33612345678", "FR", "default_country", None, "mobile")),
        ("+33612345678", "FR", "DE", ("+33612345678", "FR", "international", None, "mobile")),
        ("0033612345678", "FR", None, ("+33612345678", "FR", "international", None, "mobile")),
        ("33612345678", "FR", None, ("+33612345678", "FR", "own_country", None, "mobile")),
        ("416 555 0123", "US", None, ("+14165550123", "CA", "own_country", None, "fixed_line_or_mobile")),
        ("07624 123456", "GB", None, ("+447624123456", "IM", "own_country", None, "mobile")),
        ("+80012345678", None, None, ("+80012345678", "001", "international", None, "toll_free")),
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
        # A prefix after the plus, a zero in a country without trunk prefix and what may be a decimal are not plain.
        if not shape.startswith("+0")
        if shape[-2] != "." and not shape.endswith(".00")
        if "(0)" not in shape or prefix(home, international=False)
    ]

    read = resolved(typed)

    accepted = frame([field for field, (number, *_) in read.items() if number is not None])
    assert accepted.height > 900
    assert certain(accepted.rows(), None).height == accepted.height


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
