"""What a consent after a request brings back, and what of earlier consents counts for whoever came back."""

from __future__ import annotations

import base64
from itertools import product

import polars as pl
import pytest

from pipelines.crm.pull import TableToWrite
from tests.pipelines.crm.side_by_side import side_by_side
from tests.pipelines.crm.test_pull import NOBODY, ZOES, Read, night, who

HEX, BASE64 = ZOES.hex(), base64.b64encode(ZOES).decode()


JANE = "jane,jane@x.fr,,FR,"


#: Record, request and what was granted.
GRANTED_BEFORE = {
    "by e-mail": ("zoe,zoe@x.fr,,FR,", "r1,zoe,,", "zoe@x.fr"),
    "by its digest": ("zoe,zoe@x.fr,,FR,", "r1,zoe,,", HEX),
    "by its digest in base64": ("zoe,zoe@x.fr,,FR,", "r1,zoe,,", BASE64),
    "by its digest, asked by e-mail": ("zoe,zoe@x.fr,,FR,", "r1,,zoe@x.fr,", HEX),
    "by e-mail, of which the CRM has the digest": (f"zoe,{HEX},,FR,", "r1,zoe,,", "zoe@x.fr"),
    "by a phone of another country": ("zoe,,0151 23456789,DE,", "r1,zoe,,", "0151 23456789"),
}


def test_by_whatever_they_granted_before_the_request_it_is_void(reading: Read) -> None:
    apart = side_by_side(GRANTED_BEFORE)
    crm = {"customers": [JANE], "erasures": list[str]()}
    old, new, named = list[str](), list[str](), dict[str, str]()
    for how, own in apart:
        record, asked, granted = map(own, GRANTED_BEFORE[how])
        crm["customers"].append(record)
        crm["erasures"].append(f"{asked},2025-06-01")
        old.append(f",{granted},ads_upload,,granted,2025-05-01")
        new.append(f"{own('zoe')},,email_marketing,,granted,2025-06-10")
        named |= {granted: how, own("zoe"): how}

    def purposes(tables: dict[str, TableToWrite]) -> dict[str, tuple[str, ...]]:
        said, found = tables["consents"].rows["purpose"], dict[str, tuple[str, ...]]()
        for name, purpose in zip(who(tables["consents"]), said, strict=True):
            found[named[name]] = (*found.get(named[name], ()), purpose)
        return found

    tables = night(reading(**crm, consents=[*old, *new]))
    assert {how: own("zoe") in who(tables["customers"]) for how, own in apart} == dict.fromkeys(GRANTED_BEFORE, True)
    assert purposes(tables) == dict.fromkeys(GRANTED_BEFORE, ("email_marketing",))
    # What they granted after it stands, by whatever it is.
    after = [line.replace("2025-05-01", "2025-06-20") for line in old]
    tables = night(reading(**crm, consents=[*after, *new]))
    assert purposes(tables) == dict.fromkeys(GRANTED_BEFORE, ("ads_upload", "email_marketing"))


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


#: What the CRM has, by what was asked, and the grant.
GRANTED_LATER = {
    "by its digest": ("zoe@x.fr", "zoe@x.fr", f",{HEX},{NOW}"),
    "by its digest in base64": ("zoe@x.fr", "zoe@x.fr", f",{BASE64},{NOW}"),
    "by it, asked for by its digest": ("zoe@x.fr", HEX, f",Zoe@x.fr,{NOW}"),
    "by the record, asked for by its digest": ("zoe@x.fr", HEX, f"zoe,,{NOW}"),
    "by it, of which the CRM has the digest": (HEX, "zoe@x.fr", f",zoe@x.fr,{NOW}"),
    "by the record, which has its digest": (HEX, "zoe@x.fr", f"zoe,,{NOW}"),
}


def test_an_email_comes_back_by_a_later_grant_of_it_however_it_is_written(reading: Read) -> None:
    examples = list(product(GRANTED_LATER, ["", PHONE]))
    crm = {"customers": [JANE], "erasures": list[str]()}
    before, later, wanted = list[str](), list[str](), dict[tuple[str, str], str]()
    for (how, phone), own in (apart := side_by_side(examples)):
        held, asked, granted = GRANTED_LATER[how]
        crm["customers"].append(own(f"zoe,{held},{phone},FR,"))
        crm["erasures"].append(own(f"r1,,{asked},,2025-06-01"))
        before.append(own(f"zoe,,{NOW}".replace("06-10", "05-01")))
        later.append(own(granted))
        wanted[how, phone] = own(held)
    out = night(reading(**crm, consents=before))
    assert {example: emails(out).get(own("zoe")) for example, own in apart} == dict.fromkeys(examples)
    back = emails(night(reading(**crm, consents=later), known(out)))
    assert {example: back.get(own("zoe")) for example, own in apart} == wanted


def test_a_phone_comes_back_by_a_later_grant_of_the_record_that_has_it(reading: Read) -> None:
    crm = {"customers": [f"zoe,zoe@x.fr,{PHONE},FR,", JANE], "erasures": [f"r1,,,{PHONE},2025-06-01"]}
    back = night(reading(**crm, consents=[f"zoe,,{NOW}"]))["customers"].rows
    assert back.filter(customer_id="zoe")["phone"].item() == PHONE


#: An address that somebody else has too, as they have it.
WRITTEN = [
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
]
#: Where they have it.
CELLS = ['"{}",06 99 99 99 99', 'other@x.fr,"{}"']


def test_an_address_that_somebody_else_has_too_comes_back_by_no_record_alone(reading: Read) -> None:
    examples = list(product(WRITTEN, CELLS))
    apart = side_by_side(examples)
    crm = {"customers": [JANE], "erasures": [own("r1,,zoe@x.fr,,2025-06-01") for _, own in apart]}
    for (other, cells), own in apart:
        crm["customers"] += [own(f"zoe,zoe@x.fr,{PHONE},FR,"), own(f"other,{cells.format(other)},FR,")]

    def of_zoe(*granted: str) -> dict[tuple[str, str], str | None]:
        found = emails(night(reading(**crm, consents=[own(f"{each},{NOW}") for _, own in apart for each in granted])))
        return {example: found[own("zoe")] for example, own in apart}

    assert of_zoe("zoe,") == dict.fromkeys(examples)
    # They have agreed too, or it is granted itself.
    back = {example: own("zoe@x.fr") for example, own in apart}
    assert of_zoe("zoe,", "other,") == back
    assert of_zoe(",zoe@x.fr") == back


@pytest.mark.parametrize("later", [False, True])
def test_an_address_comes_back_with_a_record_that_has_nothing_else_if_no_older_yes_of_another_sends_it(
    reading: Read, *, later: bool
) -> None:
    scopes = {"email_marketing,": False, "ads_upload,meta": False, "ads_upload,": True}
    apart = side_by_side(scopes)
    crm = {"customers": [JANE], "erasures": [own("r1,,zoe@x.fr,,2025-06-01") for _, own in apart]}
    for _, own in apart:
        crm["customers"] += [own("zoe,zoe@x.fr,,FR,"), own(f"other,zoe@x.fr,{PHONE},FR,")]
    old = [own(f"{name},,ads_upload,,granted,2025-01-01") for _, own in apart for name in ("zoe", "other")]
    anew = [own(f"zoe,,{scope},granted,2025-06-10") for scope, own in apart]
    knowing = known(night(reading(**crm, consents=old))) if later else NOBODY

    def found(*said: str) -> dict[str, tuple[str | None, str | None]]:
        those = emails(night(reading(**crm, consents=[*old, *anew, *said]), knowing))
        return {scope: (those.get(own("zoe")), those[own("other")]) for scope, own in apart}

    both = {scope: (own("zoe@x.fr"),) * 2 for scope, own in apart}
    assert found() == {scope: both[scope] if back else (None, None) for scope, back in scopes.items()}
    assert found(*(own(f"other,,{NOW}") for _, own in apart)) == both


def test_whatever_stands_around_an_address_it_comes_back_by_the_record_that_has_it(reading: Read) -> None:
    examples = list(product(["Zoe <zoe@x.fr>", "ann@x.fr; zoe@x.fr", BASE64], CELLS))
    apart = side_by_side(examples)
    crm = {"customers": [JANE], "erasures": [own("r1,,zoe@x.fr,,2025-06-01") for _, own in apart]}
    crm["customers"] += [own(f"zoe,{cells.format(written)},FR,") for (written, cells), own in apart]

    def there(tables: dict[str, TableToWrite]) -> dict[tuple[str, str], bool]:
        rows = str(tables["customers"].rows.rows())
        return {example: own(example[0]) in rows for example, own in apart}

    out = night(reading(**crm, consents=[]))
    assert there(out) == dict.fromkeys(examples, False)
    back = night(reading(**crm, consents=[own(f"zoe,,{NOW}") for _, own in apart]), known(out))
    assert there(back) == dict.fromkeys(examples, True)


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


def test_a_text_where_the_email_belongs_comes_back_with_whoever_has_it(reading: Read) -> None:
    asked = {"by the text": "r1,,{},,2025-06-01", "by the record": "r1,zoe,,,2025-06-01"}
    examples = list(product(["zoe.1990 x.fr", "zoe.1990"], asked))
    crm, texts = {"customers": [JANE], "erasures": list[str]()}, dict[tuple[str, str], str]()
    for (typed, how), own in (apart := side_by_side(examples)):
        # The second is as long as a digest.
        text = own(typed) if " " in typed else own(typed).ljust(64, "x")
        crm["customers"].append(own(f"zoe,{{}},{PHONE},FR,").format(text))
        crm["erasures"] += [own(asked[how]).format(text), own(f"r2,,{HEX},,2025-06-01")]
        texts[typed, how] = text
    out = emails(night(reading(**crm, consents=[])))
    # By the text only that goes.
    assert {example: out.get(own("zoe"), "gone") for example, own in apart} == {
        example: None if example[1] == "by the text" else "gone" for example in examples
    }
    back = emails(night(reading(**crm, consents=[own(f"zoe,,{NOW}") for _, own in apart])))
    assert {example: back.get(own("zoe")) for example, own in apart} == texts


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
