"""What a consent after a request brings back, and what of earlier consents counts for whoever came back."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from pipelines.crm.pull import Reading
from tests.pipelines.crm.test_pull import ZOES, night, reading_of, who

Read = Callable[..., Reading]

HEX, BASE64 = ZOES.hex(), base64.b64encode(ZOES).decode()


@pytest.fixture
def reading(database: duckdb.DuckDBPyConnection, tmp_path: Path) -> Iterator[Read]:
    with closing(database.cursor()) as connection:

        def made(**crm: object) -> Reading:
            return reading_of(connection, tmp_path, **crm)  # pyright: ignore[reportArgumentType]

        yield made


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
