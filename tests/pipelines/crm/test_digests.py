"""Digests of several kinds: what a request to be forgotten by one of them covers, and who gives it back."""

from __future__ import annotations

import hashlib
from itertools import product

import polars as pl

from pipelines.crm.pull_erasures import pull_erasures, pull_erasures_alone
from tests.pipelines.crm.side_by_side import side_by_side
from tests.pipelines.crm.test_lifted import HEX, JANE, NOW, PHONE, emails, known
from tests.pipelines.crm.test_pull import NOBODY, Read, night

MD5 = hashlib.md5(b"zoe@x.fr", usedforsecurity=False).hexdigest()


PLAIN = "other,zoe@x.fr,06 99 99 99 99,FR,"


def test_a_request_by_a_digest_means_every_digest_of_an_email_that_the_crm_has(reading: Read) -> None:
    apart = side_by_side(product([(HEX, MD5), (MD5, HEX)], ["", PHONE]))
    without = [JANE, *(own(f"zoe,{held},{phone},FR,") for ((_, held), phone), own in apart)]
    requests = [own(f"r1,,{asked},,2025-06-01") for ((asked, _), _), own in apart]
    crm = {"customers": [*without, *(own(PLAIN) for _, own in apart)], "erasures": requests}
    out = night(reading(**crm, consents=[]))
    of_others = {example: emails(out)[own("other")] for example, own in apart}
    assert of_others == {example: None for example, _ in apart}
    assert {example: emails(out).get(own("zoe")) for example, own in apart} == of_others
    covered = out["customers"].covered
    assert covered is not None
    ids = covered.records["customer_id"].to_list()
    assert {example: ids.count(own("zoe")) for example, own in apart} == {
        example: 0 if example[1] else 1 for example, _ in apart
    }
    assert len(ids) == len(apart) / 2
    # Also once nobody has the e-mail any more.
    crm["customers"] = without
    still = emails(night(reading(**crm, consents=[]), known(out)))
    assert {example: still.get(own("zoe")) for example, own in apart} == of_others


def test_a_night_that_cannot_read_the_customers_knows_the_email_of_those_it_has(reading: Read) -> None:
    read = reading(customers=[PLAIN], erasures=[f"r1,,{HEX},,2025-06-01"])
    read.crm.connection.execute("CREATE SCHEMA warehouse")
    had = "SELECT 'zoe@x.fr' AS canonical_email, 'FR' AS country"
    read.crm.connection.execute(f"CREATE TABLE warehouse.crm_customers AS {had}")
    stones = pull_erasures_alone(read, NOBODY).rows
    read.crm.connection.execute("DROP SCHEMA warehouse CASCADE")
    assert stones.equals(pull_erasures(read, NOBODY).rows)


def test_all_that_a_request_by_a_digest_means_comes_back_with_the_email(reading: Read) -> None:
    granted = {
        "the e-mail": [f",Zoe@x.fr,{NOW}"],
        "the digest that asked": [f",{HEX},{NOW}"],
        "another digest": [f",{MD5},{NOW}"],
        "both who have it": [f"zoe,,{NOW}", f"other,,{NOW}"],
    }
    apart = side_by_side(product(granted, ["", PHONE]))
    crm = {"customers": [JANE], "erasures": [own(f"r1,,{HEX},,2025-06-01") for _, own in apart]}
    for (_, phone), own in apart:
        crm["customers"] += [own(f"zoe,{MD5},{phone},FR,"), own(PLAIN)]
    out = night(reading(**crm, consents=[]))
    said = [own(line) for (how, _), own in apart for line in granted[how]]
    back = night(reading(**crm, consents=said), known(out))
    found = emails(back)
    assert {example: (found.get(own("zoe")), found.get(own("other"))) for example, own in apart} == {
        example: (own(MD5), own("zoe@x.fr")) for example, own in apart
    }
    assert (found["jane"], len(found)) == ("jane@x.fr", 1 + 2 * len(apart))
    stands = set(known(back).filter(pl.col("lifted_at").is_null())["request_id"])
    assert {example: own("r1") in stands for example, own in apart} == {example: False for example, _ in apart}
    assert not stands


def test_one_of_two_who_have_an_email_and_another_digest_of_it_than_was_asked_for_gives_it_to_nobody(
    reading: Read,
) -> None:
    apart = side_by_side(["zoe", "other"])
    crm = {"customers": [JANE], "erasures": [own(f"r1,,{HEX},,2025-06-01") for _, own in apart]}
    for _, own in apart:
        crm["customers"] += [own(f"zoe,{MD5},{PHONE},FR,"), own(PLAIN)]
    back = emails(night(reading(**crm, consents=[own(f"{who},,{NOW}") for who, own in apart])))
    assert {who: (back[own("zoe")], back[own("other")]) for who, own in apart} == {
        "zoe": (None, None),
        "other": (None, None),
    }
