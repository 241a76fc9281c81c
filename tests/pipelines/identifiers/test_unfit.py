"""Whatever a CRM holds, no column shows what the second reader refuses, since it would refuse the whole file."""

from __future__ import annotations

import hashlib
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.identifiers.matching import with_match_columns
from pipelines.identifiers.normalise import Typed, normalised
from pipelines.identifiers.unfit import fit
from pipelines.uploads.checker.rules import rules
from schemas.identifiers import Hash, MatchColumn
from schemas.network import Network, UploadList, networks
from schemas.network_file import Slot

TODAY = date(2026, 11, 27)
NOTHING = ["null", "NULL", "None", "none", "nan", "NaN", "N/A", "n/a", "undefined", " Null. ", "Mr. None", "(nan)"]
MISPLACED = ["jane@example.com", "06 12 34 56 78", "+33612345678", "af3802a465767e36", "test", "123", "0", "5", "@cmd"]
SPREAD = ["1    2    3    4    5", "75001 - - - - - - - 1", "zero\x00byte", "é" * 40, "1️⃣", "\ufeff", "line\nbreak"]
#: Some form makes placeholders of them.
ALMOST = ["test+shop@test.com", "te.st@test.com", "n.a@na.com", "no!reply@test.com"]
NASTY = NOTHING + MISPLACED + SPREAD + ALMOST

COLUMNS = [
    pytest.param(network, upload_list, place, slot, id=f"{name} {upload_list.label} {place} {slot.column.header}")
    for name, network in networks().items()
    for upload_list in network.lists
    for place, slot in enumerate(upload_list.slots)
    if slot.match is not None and slot.place == 1
]  # fmt: skip

anything = st.sampled_from(NASTY) | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def shown(column: MatchColumn, typed: list[str], country: str = "FR") -> list[str | None]:
    return [found.digest for found in normalised([Typed(text, country) for text in typed], column, today=TODAY)]


@pytest.mark.parametrize(("network", "upload_list", "place", "slot"), COLUMNS)
# Many values at once: a column takes as long with one as with forty.
@given(typed=st.lists(anything, min_size=20, max_size=40))
@settings(max_examples=4, deadline=None)
def test_no_value_makes_a_column_that_the_second_reader_refuses(
    network: Network, upload_list: UploadList, place: int, slot: Slot, typed: list[str]
) -> None:
    assert slot.match is not None
    # The writer puts a space where a line would break.
    values = [(value or "").replace("\n", " ") for value in shown(slot.match, NASTY + typed)]
    cells = pl.DataFrame({str(other): [""] * len(values) for other in range(len(upload_list.slots))})
    cells = cells.with_columns(pl.Series(str(place), values))
    for rule in rules(upload_list, network):
        if rule.place == f", {slot.column.header}":
            assert not cells.select(rule.broken).to_series().any(), rule.sentence
    assert not any(byte in value for value in values for byte in "@\x00")


@pytest.mark.parametrize(
    ("column", "typed"),
    [
        (MatchColumn("first_name", "untitled", "sha256"), NOTHING[:9]),
        (MatchColumn("first_name", "letters", "sha256"), [*NOTHING[:9], " n/a "]),
        (MatchColumn("last_name", "initial", "sha256"), NOTHING[:9]),
        (MatchColumn("city", "ascii", "sha256"), ["null", "None"]),
        # Strangers called so would be one person to Google, by country and postal code.
        (
            MatchColumn("last_name", "trimmed", "sha256"),
            ["Unbekannt", "UNKNOWN", "inconnue", " Keine Angabe ", "Okänd"],
        ),
        (MatchColumn("first_name", "initial", "sha256"), ["Unbekannt", "Sconosciuto", "non renseigné"]),
        (MatchColumn("last_name", "trimmed", "none"), ["null", "jane@example.com", "06 12 34 56 78"]),
        (MatchColumn("mobile_ad_id", "lower", "sha256"), ["null", "None", "nan", "undefined"]),
        (MatchColumn("mobile_ad_id", "lower", "none"), ["af3802a465767e36", "868030035048584", "test"]),
        (MatchColumn("mobile_ad_id", "device", "sha256"), ["iOS", "unknown", "Yes", "1", "a-b", "customer_7"]),
        # An IMEI, and phones as Meta and Snapchat know them.
        (MatchColumn("mobile_ad_id", "device", "sha256"), ["868030035048584", "16502530999", "0033612345678901"]),
        (MatchColumn("mobile_ad_id", "lower", "sha256"), ["af3802a465767e36", "AF3802A465767E36"]),
        (MatchColumn("mobile_ad_id", "device", "none"), ["af3802a465767e36"]),
        (
            MatchColumn("mobile_ad_id", "device", "sha256"),
            [
                "11111111-1111-1111-1111-111111111111",
                "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
                "ffffffffffffffff",
                "12345678-1234-1234-1234-123456789012",
                "123e4567-e89b-12d3-a456-426614174000",
            ],
        ),
        (MatchColumn("last_name", "letters", "sha256"), [r"\N", r" \n "]),
        (MatchColumn("postal_code", "trimmed", "none"), ["0", "06 12 34 56 78", "0612345678"]),
    ],
)
def test_what_says_nothing_or_belongs_elsewhere_is_not_shown(column: MatchColumn, typed: list[str]) -> None:
    assert shown(column, typed) == [None] * len(typed)


@pytest.mark.parametrize(
    ("column", "typed"),
    [
        (MatchColumn("first_name", "letters", "none"), ["nana", "nonette"]),
        (MatchColumn("last_name", "trimmed", "none"), ["Louis 14", "O'Brien-Smith"]),
        (MatchColumn("mobile_ad_id", "lower", "none"), ["ea7583cd-a667-48bc-b806-42ecb2b48606"]),
        (MatchColumn("postal_code", "trimmed", "none"), ["SW1A 1AA", "EC1A 1BB"]),
    ],
)
def test_what_only_looks_like_it_is_shown(column: MatchColumn, typed: list[str]) -> None:
    assert shown(column, typed, country="GB") == typed


def test_files_and_the_command_leave_out_the_same() -> None:
    column = MatchColumn("first_name", "letters", "sha256")
    files = with_match_columns(pl.DataFrame({"first_name": NASTY}), (column,))[column.name].to_list()
    assert files == shown(column, NASTY)


@pytest.mark.parametrize("how", ["sha256", "none"])
def test_an_id_that_is_the_hash_of_nothing_is_shown_nowhere(how: Hash) -> None:
    column = MatchColumn("external_id", "own", how)
    nothing = [hashlib.sha256(b"").hexdigest(), hashlib.sha1(b"", usedforsecurity=False).hexdigest()]
    assert fit(pl.Series([*nothing, "c1"]), column).to_list() == [None, None, "c1"]
