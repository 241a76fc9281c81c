"""What mail programs and bounce reports put around an address is no part of it, where somebody refuses by it."""

from __future__ import annotations

import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.identifiers.digests import HEX_LENGTHS
from pipelines.identifiers.emails.wrapped import PLAIN, each_unwrapped, unwrapped

LOCALS = st.from_regex(r"[a-z0-9]([a-z0-9._+'-]{0,8}[a-z0-9])?", fullmatch=True).filter(lambda local: ".." not in local)
DOMAINS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?\.(fr|com|co\.uk)", fullmatch=True).filter(
    lambda domain: "--" not in domain
)
ADDRESSES = st.builds("{}@{}".format, LOCALS, DOMAINS)
AROUND = ("Ada Lo <{}>", "<{}>", "mailto:{}", "SMTP:{}", "{};", "{},", "{}.", '"{}"', "{} (bounced)", "“{}”", "‹{}>",
          "[{}]", "e-mail: {}", "{{{}}}", "{}!", "*{}*", "‘{}’", "mailto:{}?subject=unsubscribe")  # fmt: skip


def within(text: str | None, *, among_words: bool = True) -> set[str]:
    return set(unwrapped(pl.Series([text], dtype=pl.String), among_words=among_words)["address"])


@given(ADDRESSES, st.sampled_from(AROUND))
def test_an_address_is_found_in_what_is_around_it(address: str, around: str) -> None:
    assert within(around.format(address)) == {address}


@given(st.lists(ADDRESSES, min_size=2, max_size=4), st.sampled_from([", ", ";", " ; ", "\n", " ", "|", "/", "，"]))
def test_of_several_addresses_each_is_found(addresses: list[str], between: str) -> None:
    assert within(between.join(addresses)) == within(between.join(addresses), among_words=False) == set(addresses)


DIGESTS = st.one_of(st.from_regex(f"[0-9a-f]{{{length}}}", fullmatch=True) for length in HEX_LENGTHS.values())


@given(st.lists(DIGESTS, min_size=2, max_size=3), st.sampled_from([", ", ";", " ", "\n"]), st.sampled_from(["", "0x"]))
def test_of_several_digests_each_is_found(digests: list[str], between: str, before: str) -> None:
    text = between.join(f"{before}{digest}" for digest in digests)
    assert within(text) == within(text, among_words=False) == {f"{before}{digest}" for digest in digests}
    assert within(f"unsubscribed: {text}") == within(text)
    assert within(f"unsubscribed: {text}", among_words=False) == set()


@given(DIGESTS)
def test_a_digest_alone_stays_as_it_is(digest: str) -> None:
    assert within(digest) == within(f"0x{digest}") == within(f" sha256:{digest.upper()} ") == set()


@given(ADDRESSES)
def test_what_is_lost_beside_an_address_stays_to_be_counted(address: str) -> None:
    text = f"Ada (@ada) <{address}>"
    assert within(text) == {address, text}


@given(ADDRESSES)
def test_a_word_before_an_address_may_be_a_part_of_it_where_too_many_do_harm(address: str) -> None:
    for text in (f"jean {address}", f"{address} (bounced)"):
        assert within(text) == {address}
        assert within(text, among_words=False) == set()
    assert within(f"Jean Dupont <{address}>", among_words=False) == {address}


@pytest.mark.parametrize("text", ["ada@gmail,com", "ada@gmail .com", "ada@gmail", "ada@x..fr"])
def test_half_an_address_is_none(text: str) -> None:
    assert within(text) == set()


@given(ADDRESSES)
def test_a_space_beside_the_at_is_none_of_the_address(address: str) -> None:
    assert within(address.replace("@", " @ ")) == {address}


@given(ADDRESSES)
def test_an_address_alone_stays_as_it_is(address: str) -> None:
    assert within(address) == within(f" {address.upper()} ") == set()


@pytest.mark.parametrize("text", [None, "", "xyz", "0470 12 34 56", "ada@", "@x.fr", "ada@@x.fr"])
def test_what_holds_no_address_gives_none(text: str | None) -> None:
    assert within(text) == set()


@given(st.lists(st.one_of(st.none(), ADDRESSES, st.builds("<{}>".format, ADDRESSES)), max_size=5))
def test_every_row_is_there_with_its_address(texts: list[str | None]) -> None:
    rows = pl.DataFrame({"number": range(len(texts)), "address": texts}, {"number": pl.Int64, "address": pl.String})
    found = each_unwrapped(rows, "address", among_words=True)
    assert found.rows() == [(place, text and text.strip("<>")) for place, text in enumerate(texts)]


@given(ADDRESSES)
def test_what_is_plain_has_nothing_around_it(address: str) -> None:
    for around in AROUND:
        assert not re.fullmatch(PLAIN, around.format(address))
