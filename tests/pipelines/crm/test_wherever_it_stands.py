"""An address that was asked to be forgotten leaves every cell, whatever stands around it, and the rest stays."""

from __future__ import annotations

import hashlib
from itertools import product

from tests.pipelines.crm.side_by_side import side_by_side
from tests.pipelines.crm.test_lifted import BASE64, HEX, JANE, PHONE
from tests.pipelines.crm.test_pull import Read, everything, night, who

WRAPPED = ["Zoe <zoe@x.fr>", "mailto:zoe@x.fr", "zoe@x.fr;", "ask zoe@x.fr", "zoe@x.fr, ann@x.fr", "ann@x.fr; zoe@x.fr"]
DIGESTS = [HEX, f"0x{HEX.upper()}", BASE64, hashlib.md5(b"zoe@x.fr", usedforsecurity=False).hexdigest()]
SEVERAL = f"{hashlib.sha256(b'ann@x.fr').hexdigest()}; {HEX}"


def test_where_the_phone_belongs_it_is_blanked(reading: Read) -> None:
    asked = [",zoe@x.fr,", f",{HEX},", "zoe,,"]
    apart = side_by_side(product([*WRAPPED, *DIGESTS, SEVERAL], asked))
    customers, requests = [JANE], list[str]()
    for (written, by), own in apart:
        customers += [own("zoe,zoe@x.fr,,FR,"), own(f'other,other@x.fr,"{written}",FR,')]
        requests.append(own(f"r1,{by},2025-06-01"))
    rows = night(reading(customers=customers, erasures=requests))["customers"].rows
    found = {name: (email, phone) for name, email, phone in rows.select("customer_id", "email", "phone").rows()}
    assert {example: (found.get(own("zoe")), found.get(own("other"))) for example, own in apart} == {
        example: (None, (own("other@x.fr"), None)) for example, own in apart
    }
    assert found["jane"] == ("jane@x.fr", None)


def test_whoever_has_nothing_else_goes(reading: Read) -> None:
    apart = side_by_side([*WRAPPED, *DIGESTS, SEVERAL])
    customers = [JANE, *(own(f'other,,"{written}",FR,') for written, own in apart)]
    tables = night(reading(customers=customers, erasures=[own("r1,,zoe@x.fr,,2025-06-01") for _, own in apart]))
    left = who(tables["customers"])
    assert {written: own("other") in left for written, own in apart} == {written: False for written, _ in apart}
    assert left == ["jane"]


def test_beside_another_in_the_cell_it_goes_with_the_cell(reading: Read) -> None:
    apart = side_by_side(["ann@x.fr, ask zoe@x.fr", SEVERAL])
    customers = [JANE, *(own(f'other,"{written}",{PHONE},FR,') for written, own in apart)]
    tables = night(reading(customers=customers, erasures=[own("r1,,zoe@x.fr,,2025-06-01") for _, own in apart]))
    rows = tables["customers"].rows
    assert {
        written: rows.filter(customer_id=own("other")).select("email", "phone").row(0) for written, own in apart
    } == {written: (None, own(PHONE)) for written, own in apart}


def test_another_address_there_stays(reading: Read) -> None:
    apart = side_by_side(["Ann <ann@x.fr>", "ann@x.fr; bob@x.fr", hashlib.sha256(b"ann@x.fr").hexdigest()])
    customers, requests = list[str](), list[str]()
    for written, own in apart:
        customers += [own("zoe,zoe@x.fr,,FR,"), own(f'other,other@x.fr,"{written}",FR,'), own(f'ann,,"{written}",FR,')]
        requests.append(own("r1,zoe,,,2025-06-01"))
    rows = night(reading(customers=customers, erasures=requests))["customers"].rows
    phones = dict(rows.select("customer_id", "phone").iter_rows())
    assert {written: (phones.get(own("other")), phones.get(own("ann"))) for written, own in apart} == {
        written: (own(written),) * 2 for written, own in apart
    }
    assert rows.height == 2 * len(apart)


def test_what_it_refused_stays_refused_for_whoever_loses_it(reading: Read) -> None:
    cells = [f'other@x.fr,"{WRAPPED[0]}"', f"other@x.fr,{HEX}", f'"{WRAPPED[-1]}",{PHONE}']
    apart = side_by_side(cells)
    crm = {"customers": [JANE], "consents": list[str](), "erasures": list[str]()}
    for cell, own in apart:
        crm["customers"] += [own("zoe,zoe@x.fr,,FR,"), own(f"other,{cell},FR,")]
        crm["consents"] += [
            own("other,,ads_upload,,granted,2025-01-01"),
            own(",zoe@x.fr,ads_upload,,denied,2025-02-01"),
        ]
        crm["erasures"].append(own("r1,,zoe@x.fr,,2025-06-01"))
    said = night(reading(**crm))["consents"].rows.select("customer_id", "address", "status").rows()
    assert {cell: (own("other"), None, "denied") in said for cell, own in apart} == dict.fromkeys(cells, True)


def test_no_grant_names_it_and_one_that_names_a_record_too_keeps_that(reading: Read) -> None:
    spellings = [*WRAPPED, "<zoe@x.fr>", "zoe @ x.fr", "zoe@x.fr ann@x.fr", SEVERAL]
    apart = side_by_side(product(spellings, ["zoe,,", ",zoe@x.fr,"]))
    crm = {"customers": list[str](), "consents": list[str](), "erasures": list[str]()}
    for (written, by), own in apart:
        crm["customers"] += [own("zoe,zoe@x.fr,,FR,"), own(JANE)]
        crm["consents"] += [
            own(f'{name},"{text}",ads_upload,,granted,2025-01-01')
            for name in ("", "jane")
            for text in (written, "a <ann@c>")
        ]
        crm["erasures"].append(own(f"r1,{by},2025-06-01"))
    tables = night(reading(**crm))
    every, named = everything(tables), tables["consents"].rows.select("customer_id", "address").rows()
    assert {
        example: [text for text in (example[0], "zoe@x.fr", HEX) if own(text).lower() in every]
        for example, own in apart
    } == {example: [] for example, _ in apart}
    kept = {
        example: [(own("jane"), own("a <ann@c>")), (own("jane"), None), (None, own("a <ann@c>"))]
        for example, own in apart
    }
    assert {example: [row for row in rows if row in named] for example, rows in kept.items()} == kept
    assert len(named) == sum(map(len, kept.values()))
