"""An audience's rows: one person a row, in the network's columns, sorted by what the network sees."""

from __future__ import annotations

import polars as pl
import pytest

from pipelines.uploads.rows import AudienceRows, audience_rows, slots
from schemas.customers import Permissions
from schemas.network import Network, networks
from schemas.uploads import RefusedKeys

META, GOOGLE = networks()["meta"], networks()["google_ads"]
ADDRESS = ("First Name 1", "Last Name 1", "Country 1", "Zip 1")


def email(person: str, value: str | None, position: int = 1, google: str | None = None) -> dict[str, object]:
    return {
        "person_id": person,
        "kind": "email",
        "position": position,
        "email_plain_sha256": value,
        "email_google_sha256": google or value,
    }


def phone(person: str, value: str, position: int = 1) -> dict[str, object]:
    return {
        "person_id": person,
        "kind": "phone",
        "position": position,
        "phone_digits_sha256": value,
        "phone_e164_sha256": value,
    }


def lives(person: str, first: str | None, last: str | None, country: str | None, code: str | None) -> dict[str, object]:
    return {
        "person_id": person,
        "kind": "mailing_address",
        "position": 1,
        "first_name_letters_sha256": first,
        "first_name_untitled_sha256": first,
        "last_name_letters_sha256": last,
        "last_name_untitled_sha256": last,
        "country_lower_sha256": country,
        "country_upper": country,
        "postal_code_compact_sha256": code,
        "postal_code_trimmed": code,
    }


def rows_of(
    *identifiers: dict[str, object],
    network: Network = META,
    members: tuple[str, ...] | None = None,
    permitted: tuple[str, ...] | None = None,
    refused: tuple[tuple[str, str], ...] = (),
) -> AudienceRows:
    """Rows of an audience of everybody who has an identifier, all permitted, unless told otherwise."""
    names = tuple(dict.fromkeys(str(row["person_id"]) for row in identifiers))
    columns = ["person_id", "kind", "position", *(column.match.name for column in network.columns)]
    schema = {name: pl.Int64 if name == "position" else pl.String for name in columns}
    return audience_rows(
        pl.DataFrame({"person_id": members if members is not None else names}, schema={"person_id": pl.String}),
        pl.DataFrame(
            [(name, "meta", False) for name in (names if permitted is None else permitted)],
            schema=dict(Permissions.create_empty().schema),
            orient="row",
        ),
        pl.DataFrame([{key: row.get(key) for key in columns} for row in identifiers], schema=schema),
        pl.DataFrame(
            [("meta", key, value) for key, value in refused],
            schema=dict(RefusedKeys.create_empty().schema),
            orient="row",
        ),
        network,
    )


def filled(rows: pl.DataFrame) -> list[dict[str, object]]:
    """Each row without its empty cells."""
    return [{name: value for name, value in row.items() if value is not None} for row in rows.iter_rows(named=True)]


def test_rows_have_a_column_for_each_column_of_the_file() -> None:
    found = rows_of(email("jane", "e1"))
    assert found.rows.columns == slots(META)
    assert [slot.rsplit(" ", 1)[0] for slot in slots(META)] == META.headers
    assert slots(GOOGLE) == ["Email 1", "Email 2", "Phone 1", "Phone 2", *ADDRESS]


def test_a_person_is_one_row_with_all_they_have() -> None:
    found = rows_of(
        email("jane", "e2", 2), email("jane", "e1", 1), phone("jane", "p1"), lives("jane", "f", "l", "c", "z")
    )
    assert filled(found.rows) == [
        {"email 1": "e1", "email 2": "e2", "phone 1": "p1", "fn 1": "f", "ln 1": "l", "zip 1": "z", "country 1": "c"}
    ]


def test_no_more_addresses_than_the_network_takes_and_the_first_ones() -> None:
    identifiers = [email("jane", f"e{number}", number) for number in (5, 3, 1, 4, 2)]
    assert filled(rows_of(*identifiers).rows) == [{"email 1": "e1", "email 2": "e2", "email 3": "e3"}]
    assert filled(rows_of(*identifiers, network=GOOGLE).rows) == [{"Email 1": "e1", "Email 2": "e2"}]


def test_two_addresses_that_are_one_to_the_network_stand_once() -> None:
    identifiers = [email("jane", "e1", 1, google="g"), email("jane", "e2", 2, google="g"), email("jane", "e3", 3)]
    assert filled(rows_of(*identifiers, network=GOOGLE).rows) == [{"Email 1": "g", "Email 2": "e3"}]
    assert filled(rows_of(*identifiers).rows) == [{"email 1": "e1", "email 2": "e2", "email 3": "e3"}]


def test_an_address_the_network_has_no_form_for_leaves_no_gap() -> None:
    identifiers = [{**email("jane", "e1", 1), "email_google_sha256": None}, email("jane", "e2", 2)]
    assert filled(rows_of(*identifiers, network=GOOGLE).rows) == [{"Email 1": "e2"}]


@pytest.mark.parametrize("missing", range(4))
def test_google_gets_the_address_whole_or_not_at_all(missing: int) -> None:
    parts = ["f", "l", "c", "z"]
    whole = rows_of(email("jane", "e"), lives("jane", *parts), network=GOOGLE)
    parts[missing] = None
    torn = rows_of(email("jane", "e"), lives("jane", *parts), network=GOOGLE)
    alone = rows_of(lives("jane", *parts), network=GOOGLE)
    assert set(filled(whole.rows)[0]) == {"Email 1", *ADDRESS}
    assert filled(torn.rows) == [{"Email 1": "e"}]
    assert alone.rows.is_empty()


def test_google_takes_somebody_by_the_address_alone_and_meta_does_not() -> None:
    lady = lives("jane", "f", "l", "c", "z")
    assert rows_of(lady, network=GOOGLE).ledger.file_rows == 1
    assert rows_of(lady).rows.is_empty()
    assert rows_of(lady).ledger.dropped["no_usable_identifier"] == 1


def test_meta_gets_the_parts_that_there_are() -> None:
    found = rows_of(email("jane", "e"), lives("jane", "f", None, "c", None))
    assert filled(found.rows) == [{"email 1": "e", "fn 1": "f", "country 1": "c"}]


def test_rows_are_sorted_by_what_the_network_sees_and_not_by_person() -> None:
    one = rows_of(email("a", "e3"), email("b", "e1"), phone("c", "p1"), email("d", "e2"))
    other = rows_of(email("d", "e1"), email("c", "e2"), email("b", "e3"), phone("a", "p1"))
    assert one.rows.equals(other.rows)
    assert filled(one.rows) == [{"phone 1": "p1"}, {"email 1": "e1"}, {"email 1": "e2"}, {"email 1": "e3"}]


def test_two_people_who_look_the_same_to_the_network_are_one_row() -> None:
    found = rows_of(email("jane", "e"), email("john", "e"))
    assert filled(found.rows) == [{"email 1": "e"}]
    assert found.ledger.dropped["duplicate_after_hashing"] == 1


def test_a_couple_with_one_address_and_two_names_are_two_rows() -> None:
    found = rows_of(
        email("jane", "e"), lives("jane", "f1", "l", "c", "z"), email("john", "e"), lives("john", "f2", "l", "c", "z")
    )
    assert [row["fn 1"] for row in filled(found.rows)] == ["f1", "f2"]
    assert found.keys.rows() == [("email", "e")]


def test_who_is_not_permitted_is_in_no_row() -> None:
    found = rows_of(email("jane", "e1"), email("john", "e2"), permitted=("jane",))
    assert filled(found.rows) == [{"email 1": "e1"}]
    assert found.ledger.dropped["no_consent"] == 1


def test_who_is_permitted_but_no_member_is_in_no_row() -> None:
    found = rows_of(email("jane", "e1"), email("john", "e2"), members=("jane",))
    assert (filled(found.rows), found.ledger.segment_people) == ([{"email 1": "e1"}], 1)


def test_a_refused_key_is_blanked_in_every_row_and_the_rest_stays() -> None:
    identifiers = [email("jane", "e1", 1), email("jane", "e2", 2), phone("jane", "p"), email("john", "e1")]
    found = rows_of(*identifiers, refused=(("email", "e1"),))
    assert filled(found.rows) == [{"email 1": "e2", "phone 1": "p"}]
    assert found.ledger.dropped["key_refused"] == 1


def test_a_refused_key_of_another_kind_takes_nothing_out() -> None:
    found = rows_of(email("jane", "x"), phone("jane", "y"), refused=(("phone", "x"), ("email", "y")))
    assert filled(found.rows) == [{"email 1": "x", "phone 1": "y"}]


def test_a_refused_address_is_blanked_whole_and_only_where_every_part_is_the_same() -> None:
    refused = (("address", "f\tl\tc\tz"),)
    same = rows_of(email("jane", "e"), lives("jane", "f", "l", "c", "z"), network=GOOGLE, refused=refused)
    near = rows_of(email("jane", "e"), lives("jane", "f", "l", "c", "z2"), network=GOOGLE, refused=refused)
    alone = rows_of(lives("jane", "f", "l", "c", "z"), network=GOOGLE, refused=refused)
    assert filled(same.rows) == [{"Email 1": "e"}]
    assert set(filled(near.rows)[0]) == {"Email 1", *ADDRESS}
    assert (alone.rows.height, alone.ledger.dropped["key_refused"]) == (0, 1)


def test_a_row_never_has_companions_without_a_key() -> None:
    found = rows_of(email("jane", "e"), lives("jane", "f", "l", "c", "z"), refused=(("email", "e"),))
    assert found.rows.is_empty()
    assert found.ledger.dropped["key_refused"] == 1


def test_keys_are_those_that_the_rows_carry_each_once() -> None:
    found = rows_of(
        *(email("jane", f"e{number}", number) for number in range(1, 5)),
        phone("john", "p"),
        lives("john", "f", "l", "c", "z"),
        email("john", "e1"),
        network=GOOGLE,
    )
    assert found.keys.rows() == [("address", "f\tl\tc\tz"), ("email", "e1"), ("email", "e2"), ("phone", "p")]


def test_companions_are_no_keys() -> None:
    assert rows_of(email("jane", "e"), lives("jane", "f", "l", "c", "z")).keys.rows() == [("email", "e")]


def test_people_who_are_sent_on_an_assumption_are_counted() -> None:
    members = pl.DataFrame({"person_id": ["a", "b", "c"]})
    permitted = pl.DataFrame({"person_id": ["a", "b", "c"], "network": "meta", "assumed": [True, False, True]})
    names = ["person_id", "position", *(column.match.name for column in META.columns)]
    held = pl.DataFrame(
        [{key: row.get(key) for key in names} for row in (email("a", "e1"), email("b", "e2"))],
        schema={name: pl.Int64 if name == "position" else pl.String for name in names},
    )
    found = audience_rows(members, permitted, held, pl.DataFrame(RefusedKeys.create_empty()), META)
    assert found.assumed_people == 1


def test_an_empty_segment_has_no_rows_and_its_ledger_closes() -> None:
    found = rows_of(email("jane", "e"), members=())
    assert found.rows.is_empty()
    assert (found.ledger.segment_people, found.ledger.closes, found.keys.height) == (0, True, 0)
