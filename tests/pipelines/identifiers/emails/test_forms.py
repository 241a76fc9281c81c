"""E-mail addresses: the canonical form, what is refused, and each network's form with its published digests."""

from __future__ import annotations

import hashlib
from unicodedata import normalize

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.identifiers.emails.forms import amazon, canonical_email, google, plain, reddit
from pipelines.identifiers.emails.refusals import email_refusal
from pipelines.identifiers.hashes import hashed

FORMS = {"meta": plain, "google": google}


def column(*typed: str | None) -> pl.DataFrame:
    return pl.DataFrame({"email": typed}, schema={"email": pl.String}).with_columns(canonical_email(pl.col("email")))


def canonical(typed: str | None) -> str | None:
    return column(typed).item()


def refusal(typed: str | None) -> str | None:
    return column(typed).select(email_refusal(pl.col("email"))).item()


def form(network: str, *typed: str | None) -> list[str | None]:
    return column(*typed).select(FORMS[network](pl.col("email"))).to_series().to_list()


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("network", "typed", "expected", "digest"),
    [
        (
            "meta",
            "mary@example.com",
            "mary@example.com",
            "f1904cf1a9d73a55fa5de0ac823c4403ded71afd4c3248d00bdcd0866552bb79",
        ),
        (
            "google",
            "dana@example.com",
            "dana@example.com",
            "07e2f1394b0ea80e2adca010ea8318df697001a005ba7452720edda4b0ce57b3",
        ),
        (
            "google",
            "cloudy.sanfrancisco+shopping@gmail.com",
            "cloudysanfrancisco@gmail.com",
            "223ebda6f6889b1494551ba902d9d381daf2f642bae055888e96343d53e9f9c4",
        ),
        (
            "meta",
            " John.Doe+News@Gmail.com ",
            "john.doe+news@gmail.com",
            "0bce3ed0bcbcc8d9dab97b42bf2ffa075b5782c10f543f0be1d8d53803efab15",
        ),
        (
            "google",
            " John.Doe+News@Gmail.com ",
            "johndoe@gmail.com",
            "06a240d11cc201676da976f7b49341181fd180da37cbe40a77432c0a366c80c3",
        ),
    ],
)
def test_one_person_has_each_networks_own_digest(network: str, typed: str, expected: str, digest: str) -> None:
    formed = form(network, typed)
    assert formed == [expected]
    assert hashed(pl.Series(formed), "sha256").to_list() == [digest]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("jane.doe@googlemail.com", "janedoe@googlemail.com"),
        ("jane.doe+a+b@gmail.com", "janedoe@gmail.com"),
        ("jane.doe@example.com", "jane.doe@example.com"),
        ("jane+shop@example.com", "jane+shop@example.com"),
        ("jane.doe@gmail.com.example.org", "jane.doe@gmail.com.example.org"),
        ("jane.doe@notgmail.com", "jane.doe@notgmail.com"),
        ("jane.doe@mail.gmail.com", "jane.doe@mail.gmail.com"),
        ("+shop@gmail.com", None),
        (".@gmail.com", None),
        (None, None),
    ],
)
def test_google_drops_dots_and_plus_tags_at_gmail_only(typed: str | None, expected: str | None) -> None:
    assert form("google", typed) == [expected]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("Jane.Doe+Shop@Example.COM", "jane.doe+shop@example.com"),
        ("  jane@example.com\t", "jane@example.com"),
        ("\u00a0jane@example.com\u2003", "jane@example.com"),
        ("ZOË@example.com", "zoë@example.com"),
        ("zoe\u0308@example.com", "zoë@example.com"),
        ("J\u030cana@example.com", "\u01f0ana@example.com"),
        ("jane@ｋｕｎｄｅｎ。net", "jane@kunden.net"),
        ("jane@Ｋunden．Net", "jane@kunden.net"),
        ("ｊane@例え。jp", "ｊane@例え.jp"),
        ("", None),
        (" \t\n", None),
        (None, None),
    ],
)
def test_the_canonical_address_is_trimmed_composed_and_lower_case(typed: str | None, expected: str | None) -> None:
    assert canonical(typed) == expected


@pytest.mark.parametrize(
    "typed",
    [
        "jane@example.com",
        "j@e.co",
        "jane.doe+shop@sub.example.co.uk",
        "o'brien@example.com",
        "jane_doe-1@example-shop.com",
        "zoë@exämple.de",
        "正@例え.jp",
        "jane@xn--exmple-cua.de",
        "jane@example.xn--p1ai",
        "jane@2x3.example.com",
        "test@example.com",
        "none@example.com",
        "contact@none.com",
        "j" * 60 + "@example.com",
    ],
)
def test_an_address_is_a_match_key(typed: str) -> None:
    assert refusal(typed) is None


@pytest.mark.parametrize(
    ("reason", "typed"),
    [
        *(("blank", typed) for typed in (None, "", "  ", "\u00a0")),
        *(
            ("placeholder", typed)
            for typed in (
                "none@none.com",
                " None@NONE.com ",
                "test@test.com",
                "noreply@noemail.com",
                "no.email@nomail.com",
                "n/a@na.com",
                "xxx@xxx.com",
                "inconnu@unknown.com",
                "sansmail@noemail.fr",
            )
        ),
        *(
            ("already_hashed", typed)
            for typed in (
                sha256("jane@example.com"),
                sha256("jane@example.com").upper(),
                f" {sha256('jane@example.com')} ",
                hashlib.md5(b"jane@example.com").hexdigest(),
                hashlib.sha1(b"jane@example.com").hexdigest(),
                hashlib.md5(b"").hexdigest(),
                hashlib.sha256(b"").hexdigest(),
            )
        ),
        *(
            ("not_an_email", typed)
            for typed in (
                "jane",
                "jane@",
                "@example.com",
                "jane@example",
                "jane@localhost",
                "jane@@example.com",
                "jane@home@example.com",
                "jane doe@example.com",
                "jane@exam ple.com",
                "jane@example.com, john@example.com",
                "jane@example.com;john@example.com",
                "jane@example.com john@example.com",
                "Jane <jane@example.com>",
                '"jane doe"@example.com',
                ".jane@example.com",
                "jane.@example.com",
                "jane..doe@example.com",
                "jane@example..com",
                "jane@.example.com",
                "jane@example.com.",
                "jane@-example.com",
                "jane@example-.com",
                "jane@[192.0.2.1]",
                "jane@192.0.2.1",
                "jane@example.c",
                "mailto:jane@example.com",
                "none",
                "n/a",
                "0612345678",
                "g" * 64,
                "j" * 250 + "@example.com",
            )
        ),
    ],
)
def test_what_is_no_match_key_is_refused_with_the_reason(reason: str, typed: str | None) -> None:
    assert refusal(typed) == reason


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("ışıl@kunden.com.tr", None), ("rené@kunden.fr", None), ("李明@kunden.cn", None),
        ("jane!doe+x_y@kundën.fr", "janedoe+x_y@kundën.fr"),
    ],
)  # fmt: skip
def test_amazon_never_gets_the_address_that_deleted_letters_leave(typed: str, expected: str | None) -> None:
    assert column(typed).select(amazon(pl.col("email"))).item() == expected


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        # Lower-casing leaves a dot beside the i, which is neither letter nor digit.
        ("İstanbul@example.com", "istanbul@example.com"),
        ("ALİ.veli+news@example.com", "aliveli@example.com"),
        # What is one letter keeps its accent, however it was typed.
        ("Jose\u0301.Nu\u00f1ez@example.com", "josénuñez@example.com"),
    ],
)
def test_reddit_gets_letters_and_digits_alone(typed: str, expected: str) -> None:
    assert column(typed).select(reddit(pl.col("email"))).item() == expected


def test_refusals_stand_in_the_rows_of_their_addresses() -> None:
    typed = ["jane@example.com", None, "none@none.com", "d4" * 32, "x"]
    found = column(*typed).select(email_refusal(pl.col("email"))).to_series().to_list()
    assert found == [None, "blank", "placeholder", "already_hashed", "not_an_email"]


any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
letters = st.sampled_from([*"abcdjzABJZ.+-_'éëçÉÇßøñ", "e\u0301", "E\u0308", "J\u030c", "j\u030c"])
locals_ = st.lists(letters, min_size=1, max_size=10).map("".join)
addresses = st.builds(
    lambda local, domain: f"{local}@{domain}",
    locals_,
    st.sampled_from(["gmail.com", "Gmail.COM", "googlemail.com", "example.com", "exämple.de"]),
)
typed_lists = st.lists(addresses | any_text, min_size=1, max_size=30)


@given(typed_lists)
@settings(max_examples=60, deadline=None)
def test_forms_of_a_form_are_itself_and_never_empty(typed: list[str]) -> None:
    once = column(*typed)["email"].to_list()
    assert column(*once)["email"].to_list() == once
    assert "" not in once
    for network in FORMS:
        formed = form(network, *typed)
        assert form(network, *formed) == formed
        assert "" not in formed


@given(st.lists(addresses, min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_composition_case_and_spaces_around_do_not_matter(typed: list[str]) -> None:
    for network in FORMS:
        formed = form(network, *typed)
        assert form(network, *(normalize("NFD", text) for text in typed)) == formed
        assert form(network, *(normalize("NFC", text) for text in typed)) == formed
        assert form(network, *(f" \t{text}\u00a0\n" for text in typed)) == formed
        # Capital letters of ß and ŉ are two letters, so those two do not come back.
        there_and_back = [text.upper() if text.upper().lower() == text.lower() else text for text in typed]
        assert form(network, *there_and_back) == formed


@given(typed_lists)
@settings(max_examples=30, deadline=None)
def test_whatever_is_a_match_key_has_one_at_and_no_white_space(typed: list[str]) -> None:
    frame = column(*typed)
    taken = frame.filter(email_refusal(pl.col("email")).is_null())["email"].to_list()
    assert all(address.count("@") == 1 and not any(letter.isspace() for letter in address) for address in taken)
