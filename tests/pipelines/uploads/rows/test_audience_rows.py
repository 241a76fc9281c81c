"""An audience's rows: one person a row, in the network's columns, sorted by what the network sees."""

from __future__ import annotations

import polars as pl
import pytest

from pipelines.uploads.files.order import ordered
from pipelines.uploads.rows.audience_rows import AudienceRows, audience_rows
from pipelines.uploads.rows.lost import Lost
from schemas.customers import Permissions
from schemas.network import Network, match_columns, networks
from schemas.uploads import RefusedKeys
from tests.pipelines.uploads.helpers import of_any_size, people_of, without_value

NETWORKS = {name: of_any_size(network.allowing(())) for name, network in networks().items()}
META, GOOGLE = without_value(NETWORKS["meta"]), NETWORKS["google_ads"]
SNAPCHAT, THE_TRADE_DESK, TIKTOK = (NETWORKS[name] for name in ("snapchat", "the_trade_desk", "tiktok"))
SLOTS = {network.title: [slot.name for slot in network.lists[0].slots] for network in (META, GOOGLE)}
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
    countries: dict[str, str] | None = None,
    revenues: dict[str, str] | None = None,
    states: dict[str, str] | None = None,
) -> AudienceRows:
    """Rows of an audience of everybody who has an identifier, all permitted, unless told otherwise."""
    names = tuple(dict.fromkeys(str(row["person_id"]) for row in identifiers))
    columns = ["person_id", "kind", "position", *(match.name for match in match_columns([network]))]
    schema = {name: pl.Int64 if name == "position" else pl.String for name in columns}
    everybody = people_of(
        pl.DataFrame(
            [(name, "meta", False, False) for name in (names if permitted is None else permitted)],
            schema=dict(Permissions.create_empty().schema),
            orient="row",
        ),
        pl.DataFrame([{key: row.get(key) for key in columns} for row in identifiers], schema=schema),
        network,
        refused=pl.DataFrame(
            [("meta", key, value) for key, value in refused],
            schema=dict(RefusedKeys.create_empty().schema),
            orient="row",
        ),
        countries=countries,
        revenues=revenues,
        states=states,
    )
    chosen = pl.DataFrame({"person_id": members if members is not None else names}, schema={"person_id": pl.String})
    silent = 0 if permitted is None else len(set(chosen["person_id"]) - set(permitted))
    return audience_rows(chosen, everybody, network, Lost({"no_consent_to_ads_upload": silent}, {}))


def filled(found: AudienceRows) -> list[dict[str, object]]:
    """Each row of the only list without its empty cells, in the order of the file."""
    if not found.lists:
        return []
    (part,) = found.lists
    rows = ordered(part.rows).iter_rows(named=True)
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def test_rows_have_a_column_for_each_column_of_the_file() -> None:
    found = rows_of(email("jane", "e1"))
    assert found.lists[0].rows.columns == SLOTS["Meta"]
    assert [slot.rsplit(" ", 1)[0] for slot in SLOTS["Meta"]] == META.lists[0].headers
    assert SLOTS[GOOGLE.title] == ["Email 1", "Email 2", "Phone 1", "Phone 2", *ADDRESS]


def test_a_person_is_one_row_with_all_they_have() -> None:
    found = rows_of(
        email("jane", "e2", 2), email("jane", "e1", 1), phone("jane", "p1"), lives("jane", "f", "l", "c", "z")
    )
    assert filled(found) == [
        {"email 1": "e1", "email 2": "e2", "phone 1": "p1", "fn 1": "f", "ln 1": "l", "zip 1": "z", "country 1": "c"}
    ]


def test_no_more_addresses_than_the_network_takes_and_the_first_ones() -> None:
    identifiers = [email("jane", f"e{number}", number) for number in (5, 3, 1, 4, 2)]
    assert filled(rows_of(*identifiers)) == [{"email 1": "e1", "email 2": "e2", "email 3": "e3"}]
    assert filled(rows_of(*identifiers, network=GOOGLE)) == [{"Email 1": "e1", "Email 2": "e2"}]


def test_two_addresses_that_are_one_to_the_network_stand_once() -> None:
    identifiers = [email("jane", "e1", 1, google="g"), email("jane", "e2", 2, google="g"), email("jane", "e3", 3)]
    assert filled(rows_of(*identifiers, network=GOOGLE)) == [{"Email 1": "g", "Email 2": "e3"}]
    assert filled(rows_of(*identifiers)) == [{"email 1": "e1", "email 2": "e2", "email 3": "e3"}]


def test_an_address_the_network_has_no_form_for_leaves_no_gap() -> None:
    identifiers = [{**email("jane", "e1", 1), "email_google_sha256": None}, email("jane", "e2", 2)]
    assert filled(rows_of(*identifiers, network=GOOGLE)) == [{"Email 1": "e2"}]


@pytest.mark.parametrize("missing", range(4))
def test_google_gets_the_address_whole_or_not_at_all(missing: int) -> None:
    parts = ["f", "l", "c", "z"]
    whole = rows_of(email("jane", "e"), lives("jane", *parts), network=GOOGLE)
    parts[missing] = None
    torn = rows_of(email("jane", "e"), lives("jane", *parts), network=GOOGLE)
    alone = rows_of(lives("jane", *parts), network=GOOGLE)
    assert set(filled(whole)[0]) == {"Email 1", *ADDRESS}
    assert filled(torn) == [{"Email 1": "e"}]
    assert alone.below_minimum


def test_google_takes_somebody_by_the_address_alone_and_meta_does_not() -> None:
    lady = lives("jane", "f", "l", "c", "z")
    assert rows_of(lady, network=GOOGLE).ledger.file_rows == 1
    assert rows_of(lady).below_minimum
    assert rows_of(lady).ledger.dropped["no_usable_identifier"] == 1


def test_meta_gets_the_parts_that_there_are() -> None:
    found = rows_of(email("jane", "e"), lives("jane", "f", None, "c", None))
    assert filled(found) == [{"email 1": "e", "fn 1": "f", "country 1": "c"}]


def test_rows_are_sorted_by_what_the_network_sees_and_not_by_person() -> None:
    one = rows_of(email("a", "e3"), email("b", "e1"), phone("c", "p1"), email("d", "e2"))
    other = rows_of(email("d", "e1"), email("c", "e2"), email("b", "e3"), phone("a", "p1"))
    assert filled(one) == filled(other)
    assert filled(one) == [{"phone 1": "p1"}, {"email 1": "e1"}, {"email 1": "e2"}, {"email 1": "e3"}]


def test_two_people_who_look_the_same_to_the_network_are_one_row() -> None:
    found = rows_of(email("jane", "e"), email("john", "e"))
    assert filled(found) == [{"email 1": "e"}]
    assert found.ledger.dropped["duplicate_after_hashing"] == 1


def test_a_couple_with_one_address_and_two_names_are_two_rows() -> None:
    found = rows_of(
        email("jane", "e"), lives("jane", "f1", "l", "c", "z"), email("john", "e"), lives("john", "f2", "l", "c", "z")
    )
    assert [row["fn 1"] for row in filled(found)] == ["f1", "f2"]
    assert sorted(found.keys.rows()) == [("email", "e")]


def test_who_is_not_permitted_is_in_no_row() -> None:
    found = rows_of(email("jane", "e1"), email("john", "e2"), permitted=("jane",))
    assert filled(found) == [{"email 1": "e1"}]
    assert found.ledger.dropped["no_consent_to_ads_upload"] == 1


def test_who_is_permitted_but_no_member_is_in_no_row() -> None:
    found = rows_of(email("jane", "e1"), email("john", "e2"), members=("jane",))
    assert (filled(found), found.ledger.segment_people) == ([{"email 1": "e1"}], 1)


def test_a_refused_key_is_blanked_in_every_row_and_the_rest_stays() -> None:
    identifiers = [email("jane", "e1", 1), email("jane", "e2", 2), phone("jane", "p"), email("john", "e1")]
    found = rows_of(*identifiers, refused=(("email", "e1"),))
    assert filled(found) == [{"email 1": "e2", "phone 1": "p"}]
    assert found.ledger.dropped["key_refused"] == 1


def test_who_lacks_what_the_network_needs_of_everybody_is_not_told_to_have_a_refused_key() -> None:
    amazon = NETWORKS["amazon_ads"]
    found = [
        {"person_id": person, "kind": "email", "position": 1, "email_amazon_sha256": f"{person}'s"}
        for person in ("jane", "john", "jack")
    ] + [
        {"person_id": person, "kind": "external_id", "position": 1, "external_id_own_sha256": f"{person}'s id"}
        for person in ("jane", "john", "jack")
    ]
    lives_in = [lives(person, None, None, "FR", None) for person in ("jane", "jack")]
    ledger = rows_of(*found, *lives_in, network=amazon, refused=(("email", "jack's"),)).ledger
    dropped = {reason: people for reason, people in ledger.dropped.items() if people}
    assert (dropped, ledger.file_people) == ({"needed_value_missing": 1, "key_refused": 1}, 1)


def test_a_refused_key_of_another_kind_takes_nothing_out() -> None:
    found = rows_of(email("jane", "x"), phone("jane", "y"), refused=(("phone", "x"), ("email", "y")))
    assert filled(found) == [{"email 1": "x", "phone 1": "y"}]


def test_a_refused_address_is_blanked_whole_and_only_where_every_part_is_the_same() -> None:
    refused = (("address", "f\tl\tc\tz"),)
    same = rows_of(email("jane", "e"), lives("jane", "f", "l", "c", "z"), network=GOOGLE, refused=refused)
    near = rows_of(email("jane", "e"), lives("jane", "f", "l", "c", "z2"), network=GOOGLE, refused=refused)
    alone = rows_of(lives("jane", "f", "l", "c", "z"), network=GOOGLE, refused=refused)
    assert filled(same) == [{"Email 1": "e"}]
    assert set(filled(near)[0]) == {"Email 1", *ADDRESS}
    assert (alone.ledger.file_rows, alone.ledger.dropped["key_refused"]) == (0, 1)


def test_a_row_never_has_companions_without_a_key() -> None:
    found = rows_of(email("jane", "e"), lives("jane", "f", "l", "c", "z"), refused=(("email", "e"),))
    assert found.below_minimum
    assert found.ledger.dropped["key_refused"] == 1


def test_keys_are_those_that_the_rows_carry_each_once() -> None:
    found = rows_of(
        *(email("jane", f"e{number}", number) for number in range(1, 5)),
        phone("john", "p"),
        lives("john", "f", "l", "c", "z"),
        email("john", "e1"),
        network=GOOGLE,
    )
    assert sorted(found.keys.rows()) == [("address", "f\tl\tc\tz"), ("email", "e1"), ("email", "e2"), ("phone", "p")]


def test_companions_are_no_keys() -> None:
    assert rows_of(email("jane", "e"), lives("jane", "f", "l", "c", "z")).keys.rows() == [("email", "e")]


def test_people_who_are_sent_on_an_assumption_are_counted() -> None:
    members = pl.DataFrame({"person_id": ["a", "b", "c"]})
    permitted = pl.DataFrame({"person_id": ["a", "b", "c"], "network": "meta", "assumed": [True, False, True]})
    names = ["person_id", "kind", "position", *(match.name for match in match_columns([META]))]
    held = pl.DataFrame(
        [{key: row.get(key) for key in names} for row in (email("a", "e1"), email("b", "e2"))],
        schema={name: pl.Int64 if name == "position" else pl.String for name in names},
    )
    assert audience_rows(members, people_of(permitted, held, META), META).ledger.on_assumption == 1


def test_an_empty_segment_has_no_rows_and_its_ledger_closes() -> None:
    found = rows_of(email("jane", "e"), members=())
    assert found.below_minimum
    assert (found.ledger.segment_people, found.ledger.closes, found.keys.height) == (0, True, 0)


def test_both_forms_of_a_phone_stand_under_one_header_where_the_network_wants_both() -> None:
    both = {**phone("jane", "plus"), "phone_digits_sha256": "digits"}
    assert filled(rows_of(both, network=TIKTOK)) == [{"Phone_SHA256 1": "plus", "Phone_SHA256 2": "digits"}]
    half = rows_of(both, email("jane", "e"), network=TIKTOK, refused=(("phone", "digits"),))
    assert filled(half) == [{"Email_SHA256 1": "e", "Phone_SHA256 1": "plus"}]


def lists(found: AudienceRows) -> dict[str, list[str]]:
    return {part.upload_list.label: ordered(part.rows).to_series(-1).to_list() for part in found.lists}


def test_where_a_row_is_an_identifier_a_person_has_as_many_rows_as_identifiers_each_in_its_list() -> None:
    found = rows_of(email("jane", "e2", 1), email("jane", "e1", 2), phone("jane", "p"), network=SNAPCHAT)
    assert lists(found) == {"emails": ["e1", "e2"], "phones": ["p"]}
    assert (found.ledger.file_people, found.ledger.file_rows) == (1, 3)


def test_an_identifier_of_two_people_stands_once_and_both_are_in_the_file_unless_all_they_have_is_the_same() -> None:
    found = rows_of(email("a", "e"), email("b", "e"), email("b", "e2", 2), email("c", "e"), network=SNAPCHAT)
    assert lists(found) == {"emails": ["e", "e2"]}
    assert (found.ledger.file_people, found.ledger.dropped["duplicate_after_hashing"]) == (2, 1)
    assert found.ledger.closes


def uid2(person: str, value: str | None) -> dict[str, object]:
    return {**email(person, value), "email_uid2_sha256_base64": value}


def uid2_phone(person: str, value: str) -> dict[str, object]:
    return {**phone(person, value), "phone_e164_sha256_base64": value}


def test_each_region_has_lists_of_its_own_and_unknown_countries_are_europe() -> None:
    people = {"ann": "US", "bo": "FR", "jo": "JP", "zé": "BR"}
    found = rows_of(
        *(uid2(person, f"e {person}") for person in [*people, "who"]),
        *(uid2_phone(person, f"p {person}") for person in [*people, "who"]),
        # Nothing is known of how to reach her, but nobody would be reached there.
        uid2("eva", None),
        network=THE_TRADE_DESK,
        countries=people | {"eva": "BR"},
    )
    assert lists(found) == {
        "us.emails": ["e ann"], "us.phones": ["p ann"], "eu.emails": ["e bo", "e who"],
        "apac.emails": ["e jo"], "apac.phones": ["p jo"],
    }  # fmt: skip
    assert found.ledger.dropped["region_not_served"] == 2
    assert found.ledger.closes


def test_a_list_below_the_minimum_is_withheld_and_who_is_in_no_other_is_counted() -> None:
    network = networks()["the_trade_desk"]
    many = [uid2(f"p{number}", f"e{number}") for number in range(1500)]
    found = rows_of(*many, uid2("ann", "e ann"), network=network, countries={"ann": "US"})
    assert list(lists(found)) == ["eu.emails"]
    assert found.withheld == {"us.emails": 1}
    assert (found.ledger.file_people, found.ledger.dropped["list_below_minimum"]) == (1500, 1)
    assert found.ledger.closes
    assert ("email", "e ann") not in set(found.keys.iter_rows())


def test_where_no_list_reaches_the_minimum_none_is_there_and_the_ledger_counts_what_was_made() -> None:
    found = rows_of(email("jane", "e"), phone("john", "p"), network=networks()["snapchat"])
    assert (found.below_minimum, found.withheld) == (True, {"emails": 1, "phones": 1})
    assert (found.ledger.file_people, found.ledger.file_rows, found.keys.height) == (2, 2, 0)
    assert found.ledger.closes


def test_a_value_is_a_decimal_of_at_least_zero_and_people_who_look_the_same_are_worth_what_they_are_together() -> None:
    found = rows_of(
        *(email(person, value) for person, value in (("a", "e1"), ("b", "e2"), ("c", "e2"), ("d", "e3"))),
        network=NETWORKS["meta"],
        revenues={"a": "-12.5", "b": "129.90", "c": "0.1"},
    )
    rows = [(row["email 1"], str(row["value 1"])) for row in filled(found)]
    assert rows == [("e1", "0.00"), ("e2", "130.00"), ("e3", "0.00")]
    assert found.ledger.dropped["duplicate_after_hashing"] == 1


def test_californians_are_marked_for_limited_data_use_where_the_company_wants_it_and_nobody_else_is() -> None:
    marks = ["data_processing_options 1", "data_processing_options_country 1", "data_processing_options_state 1"]
    limiting = of_any_size(networks()["meta"].allowing((), limited_data_use=True))
    found = rows_of(email("cal", "e1"), email("ny", "e2"), network=limiting, states={"cal": "US-CA", "ny": "US-NY"})
    rows = found.lists[0].rows.sort("email 1").select(marks).rows()
    assert rows == [("LDU", "1", "1000"), (None, None, None)]
    assert not {column.header for column in META.columns} & {"data_processing_options"}
    assert META.allowing(()).limits_data_use is False


def test_a_ledger_that_lost_a_person_on_the_way_does_not_close() -> None:
    lost = rows_of(email("a", "e1"), email("b", "e2"), email("c", "e3"), permitted=("a", "b"))
    assert lost.ledger.closes
    members = pl.DataFrame({"person_id": ["a", "b", "c"]})
    permitted = pl.DataFrame({"person_id": ["a"], "network": "meta", "assumed": False})
    names = ["person_id", "kind", "position", *(match.name for match in match_columns([META]))]
    held = pl.DataFrame(
        [{key: row.get(key) for key in names} for row in (email("a", "e1"),)],
        schema={name: pl.Int64 if name == "position" else pl.String for name in names},
    )
    found = audience_rows(members, people_of(permitted, held, META), META, Lost({"no_consent_to_ads_upload": 1}, {}))
    assert not found.ledger.closes
