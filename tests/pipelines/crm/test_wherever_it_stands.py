"""An address that was asked to be forgotten leaves every cell, whatever stands around it, and the rest stays."""

from __future__ import annotations

import hashlib

import pytest

from tests.pipelines.crm.test_lifted import BASE64, HEX, JANE, PHONE
from tests.pipelines.crm.test_pull import Read, everything, night, who

WRAPPED = ["Zoe <zoe@x.fr>", "mailto:zoe@x.fr", "zoe@x.fr;", "ask zoe@x.fr", "zoe@x.fr, ann@x.fr", "ann@x.fr; zoe@x.fr"]
DIGESTS = [HEX, f"0x{HEX.upper()}", BASE64, hashlib.md5(b"zoe@x.fr", usedforsecurity=False).hexdigest()]
SEVERAL = f"{hashlib.sha256(b'ann@x.fr').hexdigest()}; {HEX}"


@pytest.mark.parametrize("written", [*WRAPPED, *DIGESTS, SEVERAL])
@pytest.mark.parametrize("asked", [",zoe@x.fr,", f",{HEX},", "zoe,,"])
def test_where_the_phone_belongs_it_is_blanked(reading: Read, written: str, asked: str) -> None:
    customers = ["zoe,zoe@x.fr,,FR,", f'other,other@x.fr,"{written}",FR,', JANE]
    rows = night(reading(customers=customers, erasures=[f"r1,{asked},2025-06-01"]))["customers"].rows
    assert rows.select("customer_id", "email", "phone").rows() == [
        ("other", "other@x.fr", None),
        ("jane", "jane@x.fr", None),
    ]


@pytest.mark.parametrize("written", [*WRAPPED, *DIGESTS, SEVERAL])
def test_whoever_has_nothing_else_goes(reading: Read, written: str) -> None:
    customers = [f'other,,"{written}",FR,', JANE]
    tables = night(reading(customers=customers, erasures=["r1,,zoe@x.fr,,2025-06-01"]))
    assert who(tables["customers"]) == ["jane"]


@pytest.mark.parametrize("written", ["ann@x.fr, ask zoe@x.fr", SEVERAL])
def test_beside_another_in_the_cell_it_goes_with_the_cell(reading: Read, written: str) -> None:
    customers = [f'other,"{written}",{PHONE},FR,', JANE]
    rows = night(reading(customers=customers, erasures=["r1,,zoe@x.fr,,2025-06-01"]))["customers"].rows
    assert rows.filter(customer_id="other").select("email", "phone").row(0) == (None, PHONE)


@pytest.mark.parametrize("written", ["Ann <ann@x.fr>", "ann@x.fr; bob@x.fr", hashlib.sha256(b"ann@x.fr").hexdigest()])
def test_another_address_there_stays(reading: Read, written: str) -> None:
    customers = ["zoe,zoe@x.fr,,FR,", f'other,other@x.fr,"{written}",FR,', f'ann,,"{written}",FR,']
    rows = night(reading(customers=customers, erasures=["r1,zoe,,,2025-06-01"]))["customers"].rows
    assert rows.select("customer_id", "phone").rows() == [("other", written), ("ann", written)]


@pytest.mark.parametrize("cells", [f'other@x.fr,"{WRAPPED[0]}"', f"other@x.fr,{HEX}", f'"{WRAPPED[-1]}",{PHONE}'])
def test_what_it_refused_stays_refused_for_whoever_loses_it(reading: Read, cells: str) -> None:
    crm = {
        "customers": ["zoe,zoe@x.fr,,FR,", f"other,{cells},FR,", JANE],
        "consents": ["other,,ads_upload,,granted,2025-01-01", ",zoe@x.fr,ads_upload,,denied,2025-02-01"],
    }
    said = night(reading(**crm, erasures=["r1,,zoe@x.fr,,2025-06-01"]))["consents"].rows
    assert ("other", None, "denied") in said.select("customer_id", "address", "status").rows()


@pytest.mark.parametrize("asked", ["zoe,,", ",zoe@x.fr,"])
@pytest.mark.parametrize("written", [*WRAPPED, "<zoe@x.fr>", "zoe @ x.fr", "zoe@x.fr ann@x.fr", SEVERAL])
def test_no_grant_names_it_and_one_that_names_a_record_too_keeps_that(reading: Read, written: str, asked: str) -> None:
    said = [f'{name},"{text}",ads_upload,,granted,2025-01-01' for name in ("", "jane") for text in (written, "a <b@c>")]
    tables = night(reading(customers=["zoe,zoe@x.fr,,FR,", JANE], consents=said, erasures=[f"r1,{asked},2025-06-01"]))
    assert not [text for text in (written, "zoe@x.fr", HEX) if text.lower() in everything(tables)]
    named = tables["consents"].rows.select("customer_id", "address").rows()
    assert sorted(named, key=str) == [("jane", "a <b@c>"), ("jane", None), (None, "a <b@c>")]
