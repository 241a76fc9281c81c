"""A request by record means the whole person, one by address the address; only a later consent brings anybody back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from catalog.duckdb_connection import connect
from catalog.home import Home
from pipelines import pieces
from pipelines.crm.pull import Reading, TableToWrite
from pipelines.crm.read import Crm
from pipelines.crm.suppressions import read_suppressions
from pipelines.tombstones.tombstones import Compared, person_tombstones, tombstones
from schemas.crm import CrmCustomers, ErasureRequests
from schemas.network import networks
from schemas.suppression import Suppression
from tests.pipelines.crm.side_by_side import Own, side_by_side
from tests.pipelines.crm.test_pull import TABLES, everything, night, reading_of, who

Read = Callable[..., Reading]

#: Zoe has two records that share an e-mail; the second has a phone of its own.
PERSON = ["zoe,zoe@x.fr,,FR,", "zoe2,zoe@x.fr,06 99 99 99 99,FR,", "jane,jane@x.fr,,FR,"]
ORDERS = [f"o-{name},{name},2025-01-01,10,EUR,completed" for name in ("zoe", "zoe2", "jane")]
CONSENTS = [f"{name},,ads_upload,,granted,2025-01-01" for name in ("zoe", "zoe2", "jane")]


def days() -> st.SearchStrategy[str]:
    return st.integers(1, 9).map("2025-06-0{}".format)


@st.composite
def crms(draw: st.DrawFn) -> dict[str, list[str]]:
    """A handful of records that share addresses, requests by id or address, and grants before and after them."""
    names = [f"c{number}" for number in range(draw(st.integers(2, 5)))]
    emails, phones = st.sampled_from(["a@x.fr", "b@x.fr", ""]), st.sampled_from(["0612345678", "0687654321", ""])
    customers = [f"{name},{draw(emails)},{draw(phones)},FR," for name in names]
    who = st.one_of(st.sampled_from(names).map("{},".format), st.sampled_from([",a@x.fr", ",b@x.fr"]))
    asked = draw(st.lists(st.tuples(who, days()), min_size=1, max_size=3))
    granted = draw(st.lists(st.tuples(who, days()), max_size=4))
    return {
        "customers": customers,
        "orders": [f"o-{name},{name},2025-01-01,10,EUR,completed" for name in names],
        "consents": [f"{whom},ads_upload,,granted,{day}" for whom, day in granted],
        "erasures": [f"r{number},{whom},,{day}" for number, (whom, day) in enumerate(asked)],
    }


@contextmanager
def readings(folder: Path) -> Iterator[Read]:
    home = Home.at(folder)
    home.create()
    with closing(connect(home, "500MB")) as connection:

        def made(**lines: list[str]) -> Reading:
            own = {"customers": PERSON, "orders": ORDERS, "consents": CONSENTS, "visits": []}
            return reading_of(connection, folder, **{**own, **lines})

        yield made


@pytest.fixture
def reading(tmp_path: Path) -> Iterator[Read]:
    with readings(tmp_path) as made:
        yield made


def from_the_command(
    customer_id: str | None = None, email: str | None = None, request_id: str = "r1", day: int = 1
) -> pl.DataFrame:
    """What the catalog keeps of a request that was made with `relance forget`."""
    asked = pl.DataFrame(
        [(request_id, customer_id, email, None, datetime(2025, 6, day, tzinfo=UTC))],
        schema=pl.DataFrame(ErasureRequests.create_empty()).schema,
        orient="row",
    )
    nobody = pl.DataFrame(CrmCustomers.create_empty())
    key = "5" * 64
    stones = tombstones(asked, nobody, Compared(key, "FR"), networks=networks())
    return pl.concat([stones, person_tombstones(asked, key)])


def kept(tables: dict[str, TableToWrite]) -> pl.DataFrame:
    """The tombstones that a night leaves."""
    covered, lifted = tables["customers"].covered, tables["customers"].lifted
    assert covered is not None
    return pl.concat([tables["erasures"].rows if lifted is None else lifted, covered.tombstones])


#: Two ways in which somebody may have asked: in the CRM, or by the command on an earlier night.
IN_THE_CRM, BY_THE_COMMAND = "in the CRM", "by the command"


def crm_of_each(people: list[Own]) -> dict[str, list[str]]:
    """The usual tables, with each one's own Zoe and Jane."""
    usual = {"customers": PERSON, "orders": ORDERS, "consents": CONSENTS}
    return {table: [own(line) for own in people for line in lines] for table, lines in usual.items()}


def test_a_request_by_record_covers_every_record_of_the_person(reading: Read) -> None:
    apart = dict(side_by_side([IN_THE_CRM, BY_THE_COMMAND]))
    crm, by_command = crm_of_each([*apart.values()]), apart[BY_THE_COMMAND]
    asked = apart[IN_THE_CRM]("r1,zoe,,,2025-06-01")
    tables = night(reading(**crm, erasures=[asked]), from_the_command(by_command("zoe"), request_id=by_command("r1")))
    assert {table: who(tables[table]) for table in crm} == {
        table: [own("jane") for own in apart.values()] for table in crm
    }
    phones = {how: own("06 99 99 99 99")[3:] for how, own in apart.items()}
    assert {how: phone in everything(tables) for how, phone in phones.items()} == dict.fromkeys(apart, False)


def test_a_request_of_the_command_covers_all_that_one_of_the_crm_covers(reading: Read) -> None:
    apart = side_by_side(["zoe,,", ",zoe@x.fr,"])
    (_, by_id), (_, by_email) = apart
    crm, lines = crm_of_each([own for _, own in apart]), [own(f"r1,{asked},2025-06-01") for asked, own in apart]
    made = [
        from_the_command(by_id("zoe"), request_id=by_id("r1")),
        from_the_command(email=by_email("zoe@x.fr"), request_id=by_email("r1")),
    ]
    of_the_crm = kept(night(reading(**crm, erasures=lines)))
    of_the_command = kept(night(reading(**crm, erasures=[]), pl.concat(made)))
    for asked, own in apart:
        forms = [
            set(stones.filter(request_id=own("r1")).select("form", "tombstone").iter_rows())
            for stones in (of_the_crm, of_the_command)
        ]
        assert forms[0] == forms[1] != set(), asked
    assert set(of_the_crm["request_id"]) == set(of_the_command["request_id"]) == {own("r1") for _, own in apart}


def test_a_request_by_address_covers_a_record_without_another_and_not_the_rest_of_the_person(reading: Read) -> None:
    apart = dict(side_by_side([IN_THE_CRM, BY_THE_COMMAND]))
    crm, by_command = crm_of_each([*apart.values()]), apart[BY_THE_COMMAND]
    known = from_the_command(email=by_command("zoe@x.fr"), request_id=by_command("r1"))
    tables = night(reading(**crm, erasures=[apart[IN_THE_CRM]("r1,,zoe@x.fr,,2025-06-01")]), known)
    left = sorted(own(name) for own in apart.values() for name in ("jane", "zoe2"))
    assert sorted(who(tables["customers"])) == sorted(who(tables["orders"])) == left
    assert {how: own("zoe@x.fr") in everything(tables) for how, own in apart.items()} == dict.fromkeys(apart, False)


def test_a_filler_keeps_nobody_who_asked_and_takes_nobody_else(reading: Read) -> None:
    crm = ["zoe,none@none.com,06 12 34 56 78,FR,", "jane,none@none.com,,FR,", "john,jane@x.fr,0000000000,FR,"]
    orders = [f"o-{name},{name},2025-01-01,10,EUR,completed" for name in ("zoe", "jane", "john")]
    for asked in ("zoe,,", ",,+33612345678", "zoe,none@none.com,0000000000"):
        tables = night(reading(customers=crm, orders=orders, consents=[], erasures=[f"r1,{asked},2025-06-01"]))
        assert {table: sorted(who(tables[table])) for table in ("customers", "orders")} == {
            "customers": ["jane", "john"], "orders": ["jane", "john"],
        }  # fmt: skip


def test_whoever_shares_an_address_with_an_erased_person_has_asked_for_nothing(reading: Read) -> None:
    crm = {"customers": ["zoe,we@x.fr,,FR,", "john,,06 12 34 56 78,FR,", "mum,,0612345678,FR,"]}
    first = night(reading(**crm, orders=[], consents=[], erasures=["r1,john,,,2025-06-01"]))
    later = {"customers": ["mum,mum@x.fr,0612345678,FR,"]}
    assert who(night(reading(**later, orders=[], consents=[]), kept(first))["customers"]) == ["mum"]


def test_whoever_refused_for_an_address_stays_refused_when_it_is_forgotten(reading: Read) -> None:
    said = [f"zoe2,,{purpose},,granted,2025-05-02" for purpose in ("ads_upload", "ads_personalization")]
    said += [",Zoe@x.fr,ads_upload,,withdrawn,2025-05-01", ",zoe@x.fr,ads_personalization,,granted,2025-05-01"]
    tables = night(reading(consents=said, erasures=["r1,,zoe@x.fr,,2025-06-01"]))
    refused = tables["consents"].rows.filter(pl.col("status") != "granted")
    assert refused.select("customer_id", "address", "purpose", "captured_at").rows() == [
        ("zoe2", None, "ads_upload", None)
    ]
    # A grant for the address is nobody's any more.
    assert tables["consents"].rows.filter(pl.col("captured_at").is_null()).equals(refused)
    assert tables["consents"].erased == 2

    forgotten = night(reading(consents=said, erasures=["r1,zoe,,,2025-06-01"]))
    assert forgotten["consents"].rows.is_empty()


def test_whom_a_list_names_by_a_forgotten_address_stays_on_it_by_their_record(reading: Read) -> None:
    read = reading(erasures=["r1,,zoe@x.fr,,2025-06-01"], visits=["v1,zoe@x.fr,2025-01-01,visit"])
    tables = night(read)
    rule = Suppression(title="Bounced", select="SELECT customer_id AS address FROM raw_visits")
    withheld = tables["customers"].withheld
    assert withheld is not None
    named = read_suppressions({"bounced": rule}, read, kept(tables), withheld, "living")
    assert named.select("customer_id", "address").rows() == [("zoe2", None)]


def test_reading_again_brings_nobody_back(reading: Read) -> None:
    apart = side_by_side(["zoe,,", ",zoe@x.fr,"])
    crm = crm_of_each([own for _, own in apart])
    first = night(reading(**crm, erasures=[own(f"r1,{asked},2025-06-01") for asked, own in apart]))
    # What a night has written is there until the next one.
    found, stones = {table: first[table].rows for table in TABLES}, kept(first)
    again = night(reading(**crm), stones)
    assert [table for table in TABLES if not again[table].rows.equals(found[table])] == []


#: Grants beside an earlier one, and whether they bring back who asked.
GRANTS = {
    "zoe,,ads_upload,,granted,2025-06-04": True,
    ",ZOE@x.fr,ads_upload,,granted,2025-06-04": True,
    "zoe,,ads_upload,,granted,2025-06-03": False,
    "zoe,,ads_upload,,denied,2025-06-04": False,
    "zoe,,ads_upload,,granted,never": False,
    "zoe,,ads_upload,,perhaps,2025-06-04": False,
    "jane,,ads_upload,,granted,2025-06-04": False,
}


def test_only_a_consent_granted_after_the_request_brings_a_record_back(
    reading: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    apart = side_by_side(GRANTS)
    crm = crm_of_each([own for _, own in apart])
    # John asked twice.
    stones = [from_the_command("john", request_id=f"john{day}", day=day) for day in (1, 9)]
    stones += [from_the_command(own("zoe"), request_id=own("r1"), day=3) for _, own in apart]
    forgotten = kept(night(reading(**crm), pl.concat(stones)))
    # The two grants for each zoe are read apart.
    monkeypatch.setattr(pieces, "_ROWS_AT_ONCE", 4)
    before = [own("zoe,,ads_upload,,granted,2025-06-02") for _, own in apart]
    crm["consents"] += [*before, *(own(grant) for grant, own in apart)]
    tables = night(reading(**crm), forgotten)
    for table in ("customers", "orders"):
        there = who(tables[table])
        assert {grant: [name for name in map(own, ("zoe", "zoe2")) if name in there] for grant, own in apart} == {
            grant: [own("zoe")] if GRANTS[grant] else [] for grant, own in apart
        }
        assert {own("jane") for _, own in apart} <= {*there}


def test_an_address_comes_back_with_its_own_consent_or_its_record_s(reading: Read) -> None:
    apart = side_by_side([",zoe@x.fr,ads_upload,,granted,2025-06-02", "zoe,,ads_upload,,granted,2025-06-02"])
    crm = crm_of_each([own for _, own in apart])
    asked = [from_the_command(email=own("zoe@x.fr"), request_id=own("r1")) for _, own in apart]
    erased = kept(night(reading(**crm), pl.concat(asked)))
    tables = night(reading(**{**crm, "consents": [own(grant) for grant, own in apart]}), erased)
    found = dict(tables["customers"].rows.select("customer_id", "email").iter_rows())
    names = {"zoe": "zoe@x.fr", "zoe2": "zoe@x.fr", "jane": "jane@x.fr"}
    assert {grant: {name: found.get(own(name)) for name in names} for grant, own in apart} == {
        grant: {name: own(email) for name, email in names.items()} for grant, own in apart
    }
    ordered = who(tables["orders"])
    assert {grant: own("zoe") in ordered for grant, own in apart} == {grant: True for grant, _ in apart}


def test_a_record_that_is_covered_with_its_person_comes_back_with_its_own_consent_in_the_first_night(
    reading: Read,
) -> None:
    crm = {"consents": [*CONSENTS, "zoe2,,ads_upload,,granted,2025-06-02"], "erasures": ["r1,zoe,,,2025-06-01"]}
    first = night(reading(**crm))
    assert sorted(who(first["customers"])) == sorted(who(first["orders"])) == ["jane", "zoe2"]
    assert_frame_equal(kept(first), kept(night(reading(**crm), kept(first))), check_row_order=False)


def test_no_table_is_read_twice_where_a_covered_record_has_consented(
    reading: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows that are worked on must stay in their places."""
    read: list[str] = []
    pull = Crm._pull
    monkeypatch.setattr(Crm, "_pull", lambda crm, table, further: read.append(table) or pull(crm, table, further))
    night(reading(consents=["zoe2,,ads_upload,,granted,2025-06-02"], erasures=["r1,zoe,,,2025-06-01"]))
    assert sorted(read) == ["consents", "customers", "erasures", "orders", "visits"]


@given(crms())
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_night_that_is_repeated_forgets_whom_it_forgot(reading: Read, crm: dict[str, list[str]]) -> None:
    first = night(reading(**crm))
    found = {table: sorted(who(first[table])) for table in ("customers", "orders", "consents")}
    stones = kept(first)
    again = night(reading(**crm), stones)
    assert {table: sorted(who(again[table])) for table in found} == found
    assert_frame_equal(stones, kept(again), check_row_order=False)


def test_what_was_granted_before_the_request_stays_void(reading: Read) -> None:
    grant = "zoe2,,ads_personalization,,granted,2025-06-02"
    before = [f"{whom},ads_upload,,granted,2025-05-01" for whom in ("zoe2,", ",Zoe@x.fr", ",06 99 99 99 99")]
    before += ["zoe2,,profiling,,granted,2025-06-01", "zoe2,,profiling,,granted,2025-05-31"]
    erased = kept(night(reading(), from_the_command("zoe")))
    tables = night(reading(consents=[*before, grant]), erased)
    assert tables["customers"].rows["email", "phone"].rows() == [("zoe@x.fr", "06 99 99 99 99"), ("jane@x.fr", None)]
    assert tables["consents"].rows["purpose"].to_list() == ["ads_personalization"]


def test_a_request_after_the_consent_stands(reading: Read) -> None:
    grant = "zoe,,ads_upload,,granted,2025-06-02"
    both = pl.concat([from_the_command("zoe"), from_the_command("zoe", request_id="r2", day=3)])
    erased = kept(night(reading(), both))
    assert who(night(reading(consents=[grant]), erased)["customers"]) == ["jane"]


def test_a_consent_lifts_nothing_of_another_s_request_that_a_network_sees_alike(reading: Read) -> None:
    people = ["doe,jane.doe@gmail.com,,FR,", "jane,janedoe@gmail.com,,FR,"]
    asked = ["r1,,jane.doe@gmail.com,,2025-06-01", "r2,,janedoe@gmail.com,,2025-06-01"]
    crm = {"customers": people, "orders": [], "consents": []}
    erased = kept(night(reading(**crm, erasures=asked)))
    grant = ",janedoe@gmail.com,ads_upload,,granted,2025-06-02"
    tables = night(reading(**{**crm, "consents": [grant]}, erasures=asked), erased)
    assert who(tables["customers"]) == ["jane"]
    stands = kept(tables).filter(pl.col("lifted_at").is_null())
    assert set(stands["request_id"]) == {"r1"}
    at_google = "email_google_sha256"
    assert at_google in set(stands["form"])
    assert set(kept(tables).filter(request_id="r2", form=at_google)["lifted_at"].is_null()) == {False}
