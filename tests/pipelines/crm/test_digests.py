"""Digests of several kinds: what a request to be forgotten by one of them covers, and who gives it back."""

from __future__ import annotations

import hashlib

import pytest

from pipelines.crm.pull_erasures import pull_erasures, pull_erasures_alone
from tests.pipelines.crm.test_lifted import HEX, JANE, NOW, PHONE, emails, known
from tests.pipelines.crm.test_pull import NOBODY, Read, night

MD5 = hashlib.md5(b"zoe@x.fr", usedforsecurity=False).hexdigest()


PLAIN = "other,zoe@x.fr,06 99 99 99 99,FR,"


@pytest.mark.parametrize(("asked", "held"), [(HEX, MD5), (MD5, HEX)])
@pytest.mark.parametrize("phone", ["", PHONE])
def test_a_request_by_a_digest_means_every_digest_of_an_email_that_the_crm_has(
    reading: Read, asked: str, held: str, phone: str
) -> None:
    crm = {"customers": [f"zoe,{held},{phone},FR,", PLAIN, JANE], "erasures": [f"r1,,{asked},,2025-06-01"]}
    out = night(reading(**crm, consents=[]))
    assert emails(out)["other"] is None
    assert not emails(out).get("zoe")
    covered = out["customers"].covered
    assert covered is not None
    assert covered.records["customer_id"].to_list() == ([] if phone else ["zoe"])
    # Also once nobody has the e-mail any more.
    crm["customers"] = [crm["customers"][0], JANE]
    assert not emails(night(reading(**crm, consents=[]), known(out))).get("zoe")


def test_a_night_that_cannot_read_the_customers_knows_the_email_of_those_it_has(reading: Read) -> None:
    read = reading(customers=[PLAIN], erasures=[f"r1,,{HEX},,2025-06-01"])
    read.crm.connection.execute("CREATE SCHEMA warehouse")
    had = "SELECT 'zoe@x.fr' AS canonical_email, 'FR' AS country"
    read.crm.connection.execute(f"CREATE TABLE warehouse.crm_customers AS {had}")
    stones = pull_erasures_alone(read, NOBODY).rows
    read.crm.connection.execute("DROP SCHEMA warehouse CASCADE")
    assert stones.equals(pull_erasures(read, NOBODY).rows)


@pytest.mark.parametrize(
    "granted",
    [
        pytest.param([f",Zoe@x.fr,{NOW}"], id="the e-mail"),
        pytest.param([f",{HEX},{NOW}"], id="the digest that asked"),
        pytest.param([f",{MD5},{NOW}"], id="another digest"),
        pytest.param([f"zoe,,{NOW}", f"other,,{NOW}"], id="both who have it"),
    ],
)
@pytest.mark.parametrize("phone", ["", PHONE])
def test_all_that_a_request_by_a_digest_means_comes_back_with_the_email(
    reading: Read, granted: list[str], phone: str
) -> None:
    crm = {"customers": [f"zoe,{MD5},{phone},FR,", PLAIN, JANE], "erasures": [f"r1,,{HEX},,2025-06-01"]}
    out = night(reading(**crm, consents=[]))
    back = night(reading(**crm, consents=granted), known(out))
    assert emails(back) == {"zoe": MD5, "other": "zoe@x.fr", "jane": "jane@x.fr"}
    assert known(back)["lifted_at"].null_count() == 0


def test_one_of_two_who_have_an_email_and_another_digest_of_it_than_was_asked_for_gives_it_to_nobody(
    reading: Read,
) -> None:
    crm = {"customers": [f"zoe,{MD5},{PHONE},FR,", PLAIN, JANE], "erasures": [f"r1,,{HEX},,2025-06-01"]}
    for who in ("zoe", "other"):
        back = emails(night(reading(**crm, consents=[f"{who},,{NOW}"])))
        assert (back["zoe"], back["other"]) == (None, None)
