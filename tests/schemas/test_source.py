"""`sources.toml`: where the CRM's tables come from; what cannot be meant is refused before a file is opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.declared import read_declared
from schemas.errors import ConfigError
from schemas.source import Source, Sources

WHOLE = """
[sources.crm]
files = "crm.csv"
[tables.customers]
select = "SELECT id AS customer_id FROM crm"
[tables.orders]
absent = true
[tables.consents]
absent = true
[tables.visits]
absent = true
[tables.erasures]
absent = true
"""


def sources(folder: Path, text: str) -> Sources:
    path = folder / "sources.toml"
    path.write_text(text, encoding="utf-8")
    return read_declared(Sources, path)


def changed(old: str, new: str) -> str:
    assert old in WHOLE
    return WHOLE.replace(old, new, 1)


def test_every_table_is_selected_or_declared_absent(tmp_path: Path) -> None:
    declared = sources(tmp_path, WHOLE)
    assert declared.as_of == "yesterday"
    assert declared.table("customers").select == "SELECT id AS customer_id FROM crm"
    assert [name for name in ("orders", "consents", "visits", "erasures") if declared.table(name).absent] == [
        "orders", "consents", "visits", "erasures",
    ]  # fmt: skip
    assert not declared.has_order_times


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param(changed("files", "fils"), "sources.crm.fils: is not a field", id="misspelt"),
        pytest.param(changed('"crm.csv"', '"crm.csv"\nsqlite = "crm.sqlite"'), "sources.crm: give exactly one",
                     id="two places"),
        pytest.param(changed('files = "crm.csv"', ""), "sources.crm: give exactly one", id="no place"),
        pytest.param(changed("crm.csv", ""), "sources.crm.files: must not be blank", id="blank place"),
        pytest.param(changed("crm.csv", "crm.xlsx"), "sources.crm: `files` ends in neither", id="unknown ending"),
        pytest.param(changed('"crm.csv"', '"crm.csv"\nencoding = "ansi"'), "sources.crm.encoding", id="encoding"),
        pytest.param(changed('"crm.csv"', '"crm.csv"\ndelimiter = "||"'), "sources.crm.delimiter", id="delimiter"),
        pytest.param(changed('"crm.csv"', '"crm.csv"\nquote = ""'), "sources.crm.quote", id="quote"),
        pytest.param(changed("sources.crm", 'sources."My CRM"'), "sources.My CRM", id="a name that SQL cannot say"),
        pytest.param(changed('select = "SELECT id AS customer_id FROM crm"', "absent = true"),
                     "tables.customers cannot be absent", id="no customers"),
        pytest.param(changed('select = "SELECT id AS customer_id FROM crm"', ""), "tables.customers: give either",
                     id="neither selected nor absent"),
        pytest.param(changed("[tables.orders]", '[tables.orders]\nselect = "FROM x"'), "tables.orders: give either",
                     id="selected and absent"),
        pytest.param(WHOLE.replace("[tables.visits]\nabsent = true", ""), "tables.visits: is missing", id="forgotten"),
        pytest.param(changed("[tables.orders]", '[tables.orders]\namount = "cents"'), "orders.amount", id="amount"),
        pytest.param(changed("[tables.orders]", '[tables.orders]\ndecimal = ";"'), "orders.decimal", id="decimal"),
        pytest.param(changed("[tables.visits]", '[tables.visits]\namount = "minor"'),
                     "tables.visits.amount: is not a field", id="amount of visits"),
        pytest.param(f'as_of = "today"\n{WHOLE}', "as_of", id="unknown as_of"),
        pytest.param(f'as_of = "last order"\n{WHOLE}', 'as_of = "last order" needs orders', id="last order of none"),
    ],
)  # fmt: skip
def test_a_wrong_source_is_told_by_file_and_field(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        sources(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path / 'sources.toml'}: ")
    assert told in str(caught.value)


def test_the_last_order_cannot_be_asked_of_orders_without_times(tmp_path: Path) -> None:
    orders = '[tables.orders]\nselect = "FROM crm"\nwithout_times = true'
    text = f'as_of = "last order"\n{changed("[tables.orders]" + chr(10) + "absent = true", orders)}'
    with pytest.raises(ConfigError, match='use as_of = "yesterday"'):
        sources(tmp_path, text)


@pytest.mark.parametrize(
    ("orders", "times"),
    [
        ('select = "FROM crm"', True),
        ('select = "FROM crm"\nwithout_times = true', False),
        ("absent = true", False),
    ],
)
def test_whether_order_times_are_known_is_declared(tmp_path: Path, orders: str, times: bool) -> None:
    text = changed("[tables.orders]\nabsent = true", f"[tables.orders]\n{orders}")
    assert sources(tmp_path, text).has_order_times is times


@pytest.mark.parametrize(
    ("files", "declared", "kind"),
    [
        ("crm.csv", None, "csv"),
        ("exports/*.CSV", None, "csv"),
        ("crm.txt", None, "csv"),
        ("crm.tsv", None, "csv"),
        ("crm.parquet", None, "parquet"),
        ("crm.dat", "csv", "csv"),
        ("crm", "parquet", "parquet"),
    ],
)
def test_a_files_ending_says_how_it_is_read_unless_the_format_is_declared(
    files: str, declared: str | None, kind: str
) -> None:
    assert Source.model_validate({"files": files, "format": declared}).kind == kind
