"""What consents grant: of a request on a record or an address, only what came after it counts."""

from __future__ import annotations

import hashlib

import polars as pl
import pytest

from tests.pipelines.crm.test_pull import Read, night, who

HEX = hashlib.sha256(b"zoe@x.fr").hexdigest()
PHONE = "+33612345678"


@pytest.mark.parametrize("theirs", ["zoe@x.fr", HEX])
@pytest.mark.parametrize("phoned_at", ["2025-05-20", "2025-06-25"])
def test_nobody_comes_back_with_anothers_consent_to_the_email_and_a_grant_of_the_phone(
    reading: Read, phoned_at: str, theirs: str
) -> None:
    tables = night(
        reading(
            customers=[f"zoe,zoe@x.fr,{PHONE},FR,", f"eve,{theirs},,FR,", "jane,jane@x.fr,,FR,"],
            erasures=["r1,zoe,,,2025-06-20", "r2,eve,,,2025-05-09"],
            consents=[f",{PHONE},ads_upload,,granted,{phoned_at}", "eve,,ads_upload,,granted,2025-06-28"],
        )
    )
    # They are one person if both have the e-mail itself, so that Eve is who asked last; else it is Zoe's that went.
    assert who(tables["customers"]) == (["eve", "jane"] if theirs == "zoe@x.fr" else ["jane"])


@pytest.mark.parametrize("asked", [["r2,eve,,,2025-05-09"], []])
def test_an_address_that_went_with_anothers_record_comes_back_by_nobodys_consent_but_theirs(
    reading: Read, asked: list[str]
) -> None:
    crm = {
        "customers": [f"zoe,zoe@x.fr,{PHONE},FR,", f"eve,eve@x.fr,{PHONE},FR,", "jane,jane@x.fr,,FR,"],
        "erasures": ["r1,zoe,,,2025-05-20", *asked],
    }
    granted = "{},,ads_upload,,granted,2025-06-10"
    left = night(reading(**crm, consents=[granted.format("eve")]))["customers"].rows
    assert left.select("customer_id", "phone").rows() == [("eve", None), ("jane", None)]
    left = night(reading(**crm, consents=[granted.format("eve"), granted.format("zoe")]))["customers"].rows
    assert left.select("customer_id", "phone").rows() == [("zoe", PHONE), ("eve", PHONE), ("jane", None)]


def test_what_was_granted_before_its_own_request_gives_no_address_back_that_was_asked_for_earlier(
    reading: Read,
) -> None:
    tables = night(
        reading(
            customers=[f"zoe,zoe@x.fr,{PHONE},FR,", f"eve,eve@x.fr,{PHONE},FR,", "jane,jane@x.fr,,FR,"],
            erasures=["r1,zoe,,,2025-05-01", "r2,eve,,,2025-06-20"],
            consents=["eve,,ads_upload,,granted,2025-05-20"],
        )
    )
    erased = tables["erasures"].rows
    assert erased["lifted_at"].null_count() == erased.height


def test_whoever_turns_out_to_be_covered_gives_their_address_back_in_the_same_night(reading: Read) -> None:
    # That Eve's e-mail is all that she has is known only when Zoe's phone is seen to be hers too.
    tables = night(
        reading(
            customers=[f"zoe,zoe@x.fr,{PHONE},FR,", "eve,eve@x.fr,06 12 34 56 78,FR,", "jane,jane@x.fr,,FR,"],
            erasures=["r1,,eve@x.fr,,2025-06-01", "r2,zoe,,,2025-06-01"],
            consents=["eve,,ads_match,,granted,2025-05-01", "eve,,ads_upload,,granted,2025-06-10"],
        )
    )
    left = tables["customers"].rows.select("customer_id", "email")
    assert left.rows() == [("eve", "eve@x.fr"), ("jane", "jane@x.fr")]


@pytest.mark.parametrize("before, now", [(HEX, "zoe@x.fr"), ("zoe@x.fr", HEX), (HEX, "Zoe <zoe@x.fr>")])
def test_whoever_was_forgotten_with_a_digest_comes_back_with_the_email_by_their_record(
    reading: Read, before: str, now: str
) -> None:
    jane, asked = "jane,jane@x.fr,,FR,", ["r1,zoe,,,2025-06-01"]
    gone = night(reading(customers=[f"zoe,{before},,FR,", jane], erasures=asked, consents=[]))
    assert who(gone["customers"]) == ["jane"]
    assert gone["customers"].covered is not None
    known = pl.concat([gone["erasures"].rows, gone["customers"].covered.tombstones])
    consents = ["zoe,,ads_upload,,granted,2025-06-10"]
    back = night(reading(customers=[f"zoe,{now},,FR,", jane], erasures=asked, consents=consents), known)
    assert back["customers"].rows.select("customer_id", "email").rows() == [("zoe", now), ("jane", "jane@x.fr")]
