"""What a consent after a request brings back, and what of earlier consents counts for whoever came back."""

from __future__ import annotations

import base64

import polars as pl
import pytest

from pipelines.crm.pull import TableToWrite
from tests.pipelines.crm.test_pull import NOBODY, ZOES, Read, night, who

HEX, BASE64 = ZOES.hex(), base64.b64encode(ZOES).decode()


JANE = "jane,jane@x.fr,,FR,"


@pytest.mark.parametrize(
    ("record", "asked", "granted"),
    [
        pytest.param("zoe,zoe@x.fr,,FR,", "r1,zoe,,", "zoe@x.fr", id="by e-mail"),
        pytest.param("zoe,zoe@x.fr,,FR,", "r1,zoe,,", HEX, id="by its digest"),
        pytest.param("zoe,zoe@x.fr,,FR,", "r1,zoe,,", BASE64, id="by its digest in base64"),
        pytest.param("zoe,zoe@x.fr,,FR,", "r1,,zoe@x.fr,", HEX, id="by its digest, asked by e-mail"),
        pytest.param(f"zoe,{HEX},,FR,", "r1,zoe,,", "zoe@x.fr", id="by e-mail, of which the CRM has the digest"),
        pytest.param("zoe,,0151 23456789,DE,", "r1,zoe,,", "0151 23456789", id="by a phone of another country"),
    ],
)
def test_by_whatever_they_granted_before_the_request_it_is_void(
    reading: Read, record: str, asked: str, granted: str
) -> None:
    customers, old = [record, JANE], f",{granted},ads_upload,,granted,2025-05-01"
    new = "zoe,,email_marketing,,granted,2025-06-10"
    tables = night(reading(customers=customers, consents=[old, new], erasures=[f"{asked},2025-06-01"]))
    assert "zoe" in who(tables["customers"])
    assert tables["consents"].rows["purpose"].to_list() == ["email_marketing"]
    # What they granted after it stands, by whatever it is.
    after = old.replace("2025-05-01", "2025-06-20")
    tables = night(reading(customers=customers, consents=[after, new], erasures=[f"{asked},2025-06-01"]))
    assert tables["consents"].rows["purpose"].to_list() == ["ads_upload", "email_marketing"]


def test_a_phone_of_the_default_country_is_not_void_for_one_of_another_that_ends_alike(reading: Read) -> None:
    customers = ["zoe,,06 12 34 56 78,IT,", "jane,,06 12 34 56 78,FR,"]
    said = [",06 12 34 56 78,ads_upload,,granted,2025-05-01", "zoe,,ads_upload,,granted,2025-06-10"]
    tables = night(reading(customers=customers, consents=said, erasures=["r1,zoe,,,2025-06-01"]))
    assert tables["consents"].rows.height == 2


#: After the requests of all that follow.
NOW = "ads_upload,,granted,2025-06-10"
PHONE = "06 12 34 56 78"


def emails(tables: dict[str, TableToWrite]) -> dict[str, str | None]:
    return dict(tables["customers"].rows.select("customer_id", "email").iter_rows())


def known(tables: dict[str, TableToWrite]) -> pl.DataFrame:
    """`CrmErasures` as the next night finds them."""
    covered = tables["customers"].covered
    assert covered is not None
    return pl.concat([tables["erasures"].rows, covered.tombstones])


@pytest.mark.parametrize(
    ("held", "asked", "granted"),
    [
        pytest.param("zoe@x.fr", "zoe@x.fr", f",{HEX},{NOW}", id="by its digest"),
        pytest.param("zoe@x.fr", "zoe@x.fr", f",{BASE64},{NOW}", id="by its digest in base64"),
        pytest.param("zoe@x.fr", HEX, f",Zoe@x.fr,{NOW}", id="by it, asked for by its digest"),
        pytest.param("zoe@x.fr", HEX, f"zoe,,{NOW}", id="by the record, asked for by its digest"),
        pytest.param(HEX, "zoe@x.fr", f",zoe@x.fr,{NOW}", id="by it, of which the CRM has the digest"),
        pytest.param(HEX, "zoe@x.fr", f"zoe,,{NOW}", id="by the record, which has its digest"),
    ],
)
@pytest.mark.parametrize("phone", ["", PHONE])
def test_an_email_comes_back_by_a_later_grant_of_it_however_it_is_written(
    reading: Read, held: str, asked: str, granted: str, phone: str
) -> None:
    crm = {"customers": [f"zoe,{held},{phone},FR,", JANE], "erasures": [f"r1,,{asked},,2025-06-01"]}
    out = night(reading(**crm, consents=[f"zoe,,{NOW}".replace("06-10", "05-01")]))
    assert not emails(out).get("zoe")
    assert emails(night(reading(**crm, consents=[granted]), known(out)))["zoe"] == held


def test_a_phone_comes_back_by_a_later_grant_of_the_record_that_has_it(reading: Read) -> None:
    crm = {"customers": [f"zoe,zoe@x.fr,{PHONE},FR,", JANE], "erasures": [f"r1,,,{PHONE},2025-06-01"]}
    back = night(reading(**crm, consents=[f"zoe,,{NOW}"]))["customers"].rows
    assert back.filter(customer_id="zoe")["phone"].item() == PHONE


@pytest.mark.parametrize(
    "other",
    [
        "zoe@x.fr",
        "Zoe <zoe@x.fr>",
        "ann@x.fr; zoe@x.fr",
        HEX,
        BASE64,
        f"0x{HEX.upper()}",
        rf"\x{HEX}",
        f"SHA-256: {HEX}",
        f"sha256:{BASE64}",
        f"{'0' * 64}; {HEX}",
    ],
)
@pytest.mark.parametrize("cells", ['"{}",06 99 99 99 99', 'other@x.fr,"{}"'])
def test_an_address_that_somebody_else_has_too_comes_back_by_no_record_alone(
    reading: Read, other: str, cells: str
) -> None:
    customers = [f"zoe,zoe@x.fr,{PHONE},FR,", f"other,{cells.format(other)},FR,", JANE]
    crm = {"customers": customers, "erasures": ["r1,,zoe@x.fr,,2025-06-01"]}
    assert emails(night(reading(**crm, consents=[f"zoe,,{NOW}"])))["zoe"] is None
    # They have agreed too, or it is granted itself.
    assert emails(night(reading(**crm, consents=[f"zoe,,{NOW}", f"other,,{NOW}"])))["zoe"] == "zoe@x.fr"
    assert emails(night(reading(**crm, consents=[f",zoe@x.fr,{NOW}"])))["zoe"] == "zoe@x.fr"


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize(
    ("scope", "back"),
    [
        ("email_marketing,", False),
        ("ads_upload,meta", False),
        ("ads_upload,", True),
    ],
)
def test_an_address_comes_back_with_a_record_that_has_nothing_else_if_no_older_yes_of_another_sends_it(
    reading: Read, scope: str, *, back: bool, later: bool
) -> None:
    crm = {"customers": ["zoe,zoe@x.fr,,FR,", f"other,zoe@x.fr,{PHONE},FR,", JANE]}
    crm["erasures"] = ["r1,,zoe@x.fr,,2025-06-01"]
    old = [f"{name},,ads_upload,,granted,2025-01-01" for name in ("zoe", "other")]
    anew = f"zoe,,{scope},granted,2025-06-10"
    knowing = known(night(reading(**crm, consents=old))) if later else NOBODY
    found = emails(night(reading(**crm, consents=[*old, anew]), knowing))
    assert (found.get("zoe"), found["other"]) == (("zoe@x.fr",) * 2 if back else (None, None))
    found = emails(night(reading(**crm, consents=[*old, anew, f"other,,{NOW}"]), knowing))
    assert found["zoe"] == found["other"] == "zoe@x.fr"


@pytest.mark.parametrize("written", ["Zoe <zoe@x.fr>", "ann@x.fr; zoe@x.fr", BASE64])
@pytest.mark.parametrize("cells", ['"{}",06 99 99 99 99', 'other@x.fr,"{}"'])
def test_whatever_stands_around_an_address_it_comes_back_by_the_record_that_has_it(
    reading: Read, written: str, cells: str
) -> None:
    crm = {"customers": [f"zoe,{cells.format(written)},FR,", JANE], "erasures": ["r1,,zoe@x.fr,,2025-06-01"]}
    out = night(reading(**crm, consents=[]))
    assert written not in str(out["customers"].rows.rows())
    assert written in str(night(reading(**crm, consents=[f"zoe,,{NOW}"]), known(out))["customers"].rows.rows())


def test_what_was_erased_with_somebody_elses_record_comes_back_by_no_other_record(reading: Read) -> None:
    asked = night(reading(customers=["bob,zoe@x.fr,,FR,", JANE], erasures=["r1,bob,,,2025-06-01"], consents=[]))
    later = [f"zoe,zoe@x.fr,{PHONE},FR,", JANE]
    assert emails(night(reading(customers=later, consents=[f"zoe,,{NOW}"]), known(asked)))["zoe"] is None


def test_no_earlier_yes_of_the_record_counts_for_an_address_that_was_asked_for(reading: Read) -> None:
    crm = {"customers": [f"zoe,zoe@x.fr,{PHONE},FR,", JANE], "erasures": ["r1,,zoe@x.fr,,2025-06-01"]}
    old = "zoe,,ads_upload,,granted,2025-05-01"
    letters = "zoe,,email_marketing,,granted,2025-06-10"
    assert emails(night(reading(**crm, consents=[old, letters])))["zoe"] is None
    assert emails(night(reading(**crm, consents=[old, letters, f"zoe,,{NOW}"])))["zoe"] == "zoe@x.fr"


@pytest.mark.parametrize("text", ["zoe.1990 x.fr", "zoe.1990".ljust(64, "x")])
def test_a_text_where_the_email_belongs_comes_back_with_whoever_has_it(reading: Read, text: str) -> None:
    crm, said = {"customers": [f"zoe,{text},{PHONE},FR,", JANE]}, [f"zoe,,{NOW}"]
    requests = [f"r1,,{text},,2025-06-01", f"r2,,{HEX},,2025-06-01"]
    assert emails(night(reading(**crm, erasures=requests, consents=[])))["zoe"] is None
    assert emails(night(reading(**crm, erasures=requests, consents=said)))["zoe"] == text
    by_id = ["r1,zoe,,,2025-06-01", *requests[1:]]
    assert "zoe" not in emails(night(reading(**crm, erasures=by_id, consents=[])))
    assert emails(night(reading(**crm, erasures=by_id, consents=said)))["zoe"] == text


def test_whoever_a_request_covers_stays_forgotten_when_another_record_with_the_address_consents(reading: Read) -> None:
    crm = {"customers": ["zoe,zoe@x.fr,,FR,", f"other,zoe@x.fr,{PHONE},FR,", JANE]}
    crm["erasures"] = ["r1,,zoe@x.fr,,2025-06-01"]
    found = emails(night(reading(**crm, consents=["zoe,,ads_upload,,granted,2025-01-01", f"other,,{NOW}"])))
    assert found == {"other": None, "jane": "jane@x.fr"}


def test_of_two_records_that_have_nothing_else_one_gives_the_address_back(reading: Read) -> None:
    crm = {"customers": ["zoe,zoe@x.fr,,FR,", "zoe2,zoe@x.fr,,FR,", JANE], "erasures": ["r1,,zoe@x.fr,,2025-06-01"]}
    old = [f"{name},,ads_upload,,granted,2025-01-01" for name in ("zoe", "zoe2")]
    tables = night(reading(**crm, consents=[*old, "zoe,,email_marketing,,granted,2025-06-10"]))
    assert emails(tables)["zoe"] == "zoe@x.fr"
    said = tables["consents"].rows.select("customer_id", "purpose").rows()
    assert [row for row in said if row[0] and row[0].startswith("zoe")] == [("zoe", "email_marketing")]
