"""What holds for every form of every identifier, whatever is typed."""

from __future__ import annotations

from datetime import date
from unicodedata import normalize

import polars as pl
import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.identifiers.emails.forms import canonical_email
from pipelines.identifiers.emails.quality import with_email_flags
from pipelines.identifiers.emails.refusals import email_refusal
from pipelines.identifiers.normalise import Typed, normalised
from schemas.identifiers import FORMS, MatchColumn

TODAY = date(2026, 11, 25)
#: What people write themselves, in words.
SEEN = {"email", "first_name", "last_name", "city", "region", "postal_code"}
EVERY_FORM = [(name, form) for name, forms in FORMS.items() for form in forms]

#: What people type, by identifier; junk is tried with each.
TYPED: dict[str, list[str]] = {
    "email": ["Jane.Doe+x@Gmail.com", "a_b-c@Shop.co.uk", "zoë@exemple.fr", "J..d@googlemail.com", "none@none.com"],
    "phone": ["+33 6 12 34 56 78", "06 12 34 56 78", "+1 (212) 456-7890", "+86 138 0013 8000", "0000000000"],
    "first_name": ["Zoë", "Mr. Jean-Luc", "O'Brien Jr.", "李 明", "ßen"],
    "last_name": ["van der Berg", "Müller, PhD", "Ñuñez", "गौरव"],
    "city": ["São Paulo", "St. Louis", "12 Main", "Köln", "Paris ❤️"],
    "region": ["New York", "CA", "Québec", "Île-de-France", "zürich 8"],
    "postal_code": ["94035-1234", "SW1A 1AA", "1012 AB", "75018", "00-950"],
    "country": ["France", "UK", "usa", "Deutschland", "DE"],
    "birth_date": ["1990-12-31", "31/12/1990", "5/6/1990", "19901231"],
    "gender": ["F", "male", " Frau ", "x"],
    "age": ["42", "0", "130"],
    "mobile_ad_id": ["EA7583CD-A667-48BC-B806-42ECB2B48606", "00000000-0000-0000-0000-000000000000", "abcDEF-1"],
    "external_id": ["C-1", " Über 7 ", "a b"],
    "social_handle": ["@AdsAPI", "a.b", "ads_api"],
}

junk = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["", " ", "-", "\u0301", "0" * 64]
)


def values_of(identifier: str) -> st.SearchStrategy[list[str]]:
    """Many at once: a form takes a frame of them, and a frame takes as long with one as with twenty."""
    return st.lists(st.sampled_from(TYPED[identifier]) | junk, min_size=12, max_size=24)


def form(identifier: str, form: str, typed: list[str], country: str | None = "FR") -> list[str | None]:
    column = MatchColumn(identifier, form, "none")
    return [found.value for found in normalised([Typed(text, country) for text in typed], column, today=TODAY)]


@pytest.mark.parametrize(("identifier", "name"), EVERY_FORM)
@given(data=st.data())
@settings(max_examples=3, deadline=None)
def test_no_form_is_ever_empty_and_blank_is_nothing(identifier: str, name: str, data: st.DataObject) -> None:
    typed = [*data.draw(values_of(identifier)), "", " ", "\t\n"]
    formed = form(identifier, name, typed)
    assert "" not in formed
    assert formed[-3:] == [None] * 3


#: Forms that do not come back as they are: the number loses its country, the sector its unit, the day its year.
NOT_AGAIN = {("phone", "national_us"), ("phone", "national_cn"), ("phone", "digits"), ("birth_date", "year"),
             ("birth_date", "month"), ("birth_date", "day")}  # fmt: skip


@pytest.mark.parametrize(("identifier", "name"), [pair for pair in EVERY_FORM if pair not in NOT_AGAIN])
@given(data=st.data())
@settings(max_examples=3, deadline=None)
def test_the_form_of_a_form_is_itself(identifier: str, name: str, data: st.DataObject) -> None:
    formed = [text for text in form(identifier, name, data.draw(values_of(identifier))) if text is not None]
    assert form(identifier, name, formed) == formed


@pytest.mark.parametrize(("identifier", "name"), EVERY_FORM)
def test_spaces_around_and_composition_do_not_matter(identifier: str, name: str) -> None:
    typed = TYPED[identifier]
    formed = form(identifier, name, typed)
    assert form(identifier, name, [f" \t{text}\u00a0\n" for text in typed]) == formed
    # An own id is opaque: it must be what the company's pixel sends.
    if identifier != "external_id":
        assert form(identifier, name, [normalize("NFD", text) for text in typed]) == formed


#: A byte-order mark, a zero-width space, a soft hyphen, marks of direction: copied along, and seen by nobody.
UNSEEN = ["\ufeff", "\u200b", "\u00ad", "\u200e", "\u2068", "\u2060"]


@pytest.mark.parametrize(("identifier", "name"), [pair for pair in EVERY_FORM if pair[0] in SEEN])
@given(data=st.data())
@settings(max_examples=2, deadline=None)
def test_what_nobody_sees_changes_nothing(identifier: str, name: str, data: st.DataObject) -> None:
    typed = TYPED[identifier]
    formed = form(identifier, name, typed)
    places = [(text, sign, data.draw(st.integers(0, len(text)))) for sign in UNSEEN for text in typed]
    hiding = [text[:place] + sign + text[place:] for text, sign, place in places]
    assert form(identifier, name, [*hiding, *(f"\u200d{text}\u200c" for text in typed)]) == formed * (len(UNSEEN) + 1)


AS_TYPED = {"trimmed", "short", "plain", "by_type", "own"}


@pytest.mark.parametrize(("identifier", "name"), EVERY_FORM)
def test_case_does_not_matter_but_where_the_form_keeps_it(identifier: str, name: str) -> None:
    if name in AS_TYPED and identifier != "email":
        pytest.skip("the form keeps what was typed")
    typed = [text for text in TYPED[identifier] if "ß" not in text]
    assert form(identifier, name, [text.lower() for text in typed]) == form(
        identifier, name, [text.upper() for text in typed]
    )


DIGESTS = ["d4" * 32, "D4" * 20, "1a" * 16, "tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ="]


@pytest.mark.parametrize(("identifier", "name"), [pair for pair in EVERY_FORM if pair[0] not in {"external_id"}])
def test_a_value_that_is_a_hash_already_is_never_hashed(identifier: str, name: str) -> None:
    assert form(identifier, name, DIGESTS) == [None] * len(DIGESTS)


atoms = st.sampled_from(["a", "b1", "x", "-", "--", ".", "..", "_", "+", "é", "ß", "xn--", "日", "'", "q" * 40, "１"])
ends = st.sampled_from([".com", ".de", ".test", ".c1", "", ".рф", ".local"])
addresses = st.builds(
    lambda local, domain, end: "".join(local) + "@" + "".join(domain) + end,
    st.lists(atoms, min_size=1, max_size=4),
    st.lists(atoms, min_size=1, max_size=4),
    ends,
)


@given(st.lists(addresses, min_size=1, max_size=60))
@example(["a@a.a", "é@a.a", "a@é.a", "a@a.é", "a@a.日", "a@a.b1é"])
@settings(max_examples=60, deadline=None)
def test_syntax_is_judged_as_email_validator_does(typed: list[str]) -> None:
    frame = pl.DataFrame({"email": typed}).select(email=canonical_email(pl.col("email")))
    judged = frame.with_columns(refusal=email_refusal(pl.col("email")))
    for email, refusal in judged.iter_rows():
        # A placeholder is an address like any other by its syntax.
        assert (refusal in {None, "placeholder"}) == _accepted(email), email


def _accepted(email: str) -> bool:
    try:
        validate_email(email, check_deliverability=False, strict=True)
    except EmailNotValidError:
        return False
    # Ours: no top-level domain has a digit or a hyphen, and none is a single letter of ours.
    last = email.rsplit(".", 1)[-1]
    return (last.isalpha() and not (len(last) == 1 and last.isascii())) or "xn--" in last


@pytest.mark.parametrize(
    ("email", "flags"),
    [
        ("jane@example.com", set()),
        ("jane@mailinator.com", {"disposable"}),
        ("info@example.com", {"role"}),
        ("information.desk@example.com", set()),
        ("jane@gmial.com", {"possibly_mistyped"}),
        ("jane@gmail.con", {"possibly_mistyped"}),
        ("jane@hotmial.fr", {"possibly_mistyped"}),
        ("jane@gmail.com", set()),
        ("jane@mail.com", set()),
        ("jane@yahoo.fr", set()),
        ("jane@outlook.be", set()),
        ("d4" * 32, set()),
    ],
)
def test_what_may_be_wrong_with_an_address_is_reported(email: str, flags: set[str]) -> None:
    found = with_email_flags(pl.DataFrame({"email": [email]})).drop("email").row(0, named=True)
    assert {name for name, holds in found.items() if holds} >= flags
    assert {name for name, holds in found.items() if holds} - {"disposable"} == flags - {"disposable"}
