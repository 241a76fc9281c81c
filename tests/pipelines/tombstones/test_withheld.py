"""What was said by an address that was erased stays with the living records that have it, however it is written."""

from __future__ import annotations

from hashlib import md5, sha256

import polars as pl
import pytest

from pipelines.identifiers.canonical import with_canonical
from pipelines.tombstones.erased import erased_marks, own_tombstones
from pipelines.tombstones.tombstones import Compared
from pipelines.tombstones.withheld import holders_of, withheld_addresses
from schemas.crm import CrmCustomers
from tests.pipelines.tombstones.test_met import erasures_of
from tests.pipelines.tombstones.test_tombstones import KEY, frame

EMAIL, PHONE = "zoe@shop.x.fr", "06 12 34 56 78"


def withheld(email: str = EMAIL) -> pl.DataFrame:
    """Of two people who share what one of them, who is gone, asked to be forgotten with; and of a third."""
    rows = [("gone", email, PHONE), ("stays", email, PHONE), ("other", "bob@y.fr", "06 99 99 99 99")]
    names = ("customer_id", "email", "phone", "country")
    records = frame(
        pl.DataFrame(CrmCustomers.create_empty()).schema, [dict(zip(names, (*row, "FR"), strict=True)) for row in rows]
    )
    customers = with_canonical(records, default_country="FR")
    stones = erasures_of({"customer_id": ["gone"]}, records.head(1))
    marks = erased_marks(customers, own_tombstones(customers, KEY), stones, Compared(KEY, "FR"))
    return withheld_addresses(customers, marks, Compared(KEY, "FR"))


def test_only_living_records_are_kept_with_each_form_of_what_was_erased_of_them() -> None:
    found = withheld().select("customer_id", "form").sort(pl.all())
    forms = ["digest_md5", "digest_sha1", "digest_sha256", "domain", "domain", "email", "phone"]
    assert found.rows() == [("stays", form) for form in forms]


@pytest.mark.parametrize("cells", [(f"ann@y.fr; {EMAIL}", None), ("ann@y.fr", f"Zoe <{EMAIL}>")])
def test_an_address_that_stood_in_another_s_cell_is_kept_for_whoever_lost_it(cells: tuple[str, str | None]) -> None:
    names = ("customer_id", "email", "phone")
    rows = [("gone", EMAIL, None), ("stays", *cells)]
    records = frame(
        pl.DataFrame(CrmCustomers.create_empty()).schema, [dict(zip(names, row, strict=True)) for row in rows]
    )
    customers = with_canonical(records, default_country="FR")
    stones = erasures_of({"customer_id": ["gone"]}, records.head(1))
    compared = Compared(KEY, "FR")
    marks = erased_marks(customers, own_tombstones(customers, KEY), stones, compared)
    kept = withheld_addresses(customers, marks, compared)
    typed = pl.Series([EMAIL, sha256(EMAIL.encode()).hexdigest(), "bob@y.fr"])
    found = holders_of(typed, kept, pl.Series([], dtype=pl.String), compared)
    assert sorted(found.rows()) == sorted((each, "stays") for each in typed[:2])


@pytest.mark.parametrize(
    ("typed", "countries", "default"),
    [
        ("Zoe@Shop.x.fr", ["BE"], "BE"),
        ("0612345678", ["BE", "FR"], "BE"),
        ("06.12.34.56.78", [], "FR"),
        ("+33 6 12 34 56 78", [], None),
    ],
)
def test_an_address_as_typed_is_read_in_every_country_that_customers_live_in_and_the_default_one(
    typed: str, countries: list[str], default: str | None
) -> None:
    found = holders_of(
        pl.Series([typed, "bob@y.fr", "0699999999", None]),
        withheld(),
        pl.Series(countries, dtype=pl.String),
        Compared(KEY, default),
    )
    assert found.rows() == [(typed, "stays")]


@pytest.mark.parametrize("digest", [sha256, md5])
def test_a_digest_as_typed_is_the_e_mail_that_the_crm_has(digest: type) -> None:
    typed = digest(EMAIL.encode()).hexdigest().upper()
    found = holders_of(
        pl.Series([typed, digest(b"bob@y.fr").hexdigest()]), withheld(), pl.Series([], dtype=pl.String),
        Compared(KEY, None),
    )  # fmt: skip
    assert found.rows() == [(typed, "stays")]


@pytest.mark.parametrize("digest", [sha256, md5])
def test_an_e_mail_that_the_crm_has_as_its_digest_is_the_one_that_was_typed(digest: type) -> None:
    kept = withheld(digest(EMAIL.encode()).hexdigest())
    found = holders_of(
        pl.Series(["Zoe@Shop.x.fr"]), kept, pl.Series([], dtype=pl.String), Compared(KEY, None),
    )  # fmt: skip
    assert found.rows() == [("Zoe@Shop.x.fr", "stays")]
