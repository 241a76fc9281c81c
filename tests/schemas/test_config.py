"""The whole config folder: files that contradict each other are refused before any data is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.declared import checked_config
from schemas.config import read_config
from schemas.errors import ConfigError
from schemas.segment import Audience

SETTINGS = 'currency = "EUR"\n'
TABLES = "".join(f"[tables.{name}]\nabsent = true\n" for name in ("consents", "visits", "erasures"))
CUSTOMERS = '[sources.crm]\nfiles = "crm.csv"\n[tables.customers]\nselect = "SELECT id AS customer_id FROM crm"\n'
ORDERS = (
    '[tables.orders]\nselect = "SELECT id AS order_id, id AS customer_id, day AS ordered_at, amount, currency, status '
    'FROM crm"\n'
)


def segment(public_name: str = "club", where: str = "orders_count > 0", networks: str = '["meta"]') -> str:
    return (
        f'title = "Club"\npublic_name = "{public_name}"\npurpose = "loyalty"\nwhere = "{where}"\n'
        f'networks = {networks}\nowner = "team:growth"\n'
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A config folder without segments that is in order."""
    (tmp_path / "relance.toml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "sources.toml").write_text(CUSTOMERS + ORDERS + TABLES, encoding="utf-8")
    (tmp_path / "segments").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("[assume.US]\nads_upload = true\nemail_marketing = true\n", "assume.US.email_marketing does nothing"),
        ('[consent]\nsms_marketing = ["ads_upload"]\n', "consent.sms_marketing does nothing"),
    ],
)
def test_what_is_set_for_a_purpose_that_no_network_asks_for_is_refused(folder: Path, text: str, setting: str) -> None:
    (folder / "relance.toml").write_text(SETTINGS + text, encoding="utf-8")
    with pytest.raises(ConfigError, match=f"relance.toml: {setting}") as caught:
        read_config(folder)
    assert str(caught.value).endswith('write [consent] ads_upload = ["' + setting.split()[0].split(".")[-1] + '"].')


def declare(folder: Path, **segments: str) -> None:
    for name, text in segments.items():
        (folder / "segments" / f"{name}.toml").write_text(text, encoding="utf-8")


def refusal(folder: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        checked_config(folder)
    return str(caught.value)


def test_a_folder_in_order_gives_every_audience_once(folder: Path) -> None:
    declare(folder, loyal=segment("club", networks='["meta", "google_ads:fr"]'), new=segment("hello"))
    config = checked_config(folder)
    assert config.audiences == (
        Audience("meta", "main", "loyal"),
        Audience("google_ads", "fr", "loyal"),
        Audience("meta", "main", "new"),
    )
    assert list(config.used_networks) == ["google_ads", "meta"]
    assert config.rates.is_empty()


@pytest.mark.parametrize(
    ("select", "says"),
    [
        ("SELECT id AS customer_id, at AS created_at FROM crm", "syntax error at or near"),
        ("SELECT customer_id FROM warehouse.crm_customers", "reads relance's own warehouse"),
    ],
)
def test_a_select_that_no_source_can_answer_is_refused_before_data(folder: Path, select: str, says: str) -> None:
    declared = CUSTOMERS.replace("SELECT id AS customer_id FROM crm", select)
    (folder / "sources.toml").write_text(declared + ORDERS + TABLES, encoding="utf-8")
    assert refusal(folder).startswith("sources.toml, tables.customers.select")
    assert says in refusal(folder)


def test_only_the_networks_that_a_segment_lists_are_used(folder: Path) -> None:
    declare(folder, loyal=segment())
    assert list(checked_config(folder).used_networks) == ["meta"]


def test_a_folder_without_segments_is_in_order(folder: Path) -> None:
    assert checked_config(folder).audiences == ()


@pytest.mark.parametrize("missing", ["relance.toml", "sources.toml"])
def test_a_missing_file_is_told_by_its_path(folder: Path, missing: str) -> None:
    (folder / missing).unlink()
    assert str(folder / missing) in refusal(folder)


def test_two_segments_with_one_public_name_are_refused_naming_both(folder: Path) -> None:
    declare(folder, loyal=segment("club"), new=segment("club", networks='["google_ads"]'))
    message = refusal(folder)
    assert message.startswith(f"{folder / 'segments' / 'new.toml'}: public_name 'club' is also that of loyal.toml")


def test_an_unknown_network_is_told_with_those_that_are_known(folder: Path) -> None:
    declare(folder, loyal=segment(networks='["mata"]'))
    message = refusal(folder)
    assert message.startswith(f"{folder / 'segments' / 'loyal.toml'}: networks lists 'mata'")
    assert all(known in message for known in ("google_ads", "meta"))


def test_a_segment_whose_file_cannot_name_an_asset_is_refused(folder: Path) -> None:
    declare(folder, **{"Loyal-Customers": segment()})
    assert str(folder / "segments" / "Loyal-Customers.toml") in refusal(folder)


def test_a_wrong_line_of_the_rates_is_told_by_its_number(folder: Path) -> None:
    (folder / "rates.csv").write_text("currency,valid_from,rate\nUSD,soon,0.9\n", encoding="utf-8")
    assert refusal(folder).startswith(f"{folder / 'rates.csv'}, line 2: ")


@pytest.mark.parametrize(
    "where",
    [
        "orders_count >= 5 AND recency_days <= 180",
        "revenue >= 500.50",
        "value_percentile >= 80 OR monetary_score = 5",
        "country IN ('FR', 'BE')",
        "country IS NULL",
        "NOT (last_visit_days < 30)",
        "tenure_days BETWEEN 30 AND 90",
    ],
)
def test_a_rule_over_the_features_is_accepted(folder: Path, where: str) -> None:
    declare(folder, loyal=segment(where=where))
    assert len(checked_config(folder).segments) == 1


@pytest.mark.parametrize(
    ("where", "told"),
    [
        pytest.param("order_count > 5", "order_count is no column", id="unknown column"),
        pytest.param("email LIKE '%@example.com'", "email is no column", id="a raw column"),
        pytest.param("revenue", "not true or false", id="a number"),
        pytest.param("orders_count + 1", "not true or false", id="a sum"),
        pytest.param("country", "not true or false", id="a text"),
        pytest.param("orders_count >", "loyal.toml", id="half a comparison"),
        pytest.param("orders_count > 5; DROP TABLE x", "loyal.toml", id="two statements"),
        pytest.param("orders_count > 'many'", "loyal.toml", id="a number compared with a text"),
        pytest.param(
            "orders_count > 1 AND (country > 3 OR revenue > 5)",
            "at country a text and a number are compared",
            id="which of three columns",
        ),
        pytest.param("revenue BETWEEN '10' AND '20'", "at revenue a text and a number are compared", id="an amount"),
        pytest.param("'x' > 1", "cannot compare string with numeric type", id="no column"),
        pytest.param("nonsense(orders_count) > 5", "loyal.toml", id="an unknown function"),
        pytest.param("SELECT true", "loyal.toml", id="a whole select"),
    ],
)
def test_a_rule_that_cannot_be_asked_is_told_by_its_file(folder: Path, where: str, told: str) -> None:
    declare(folder, loyal=segment(where=where))
    message = refusal(folder)
    assert "segments/loyal.toml" in message
    assert "where: " in message
    assert told in message


def test_an_unknown_column_is_told_with_those_there_are(folder: Path) -> None:
    declare(folder, loyal=segment(where="order_count > 5"))
    assert "orders_count" in refusal(folder)


@pytest.mark.parametrize(
    "orders", ['[tables.orders]\nwithout_times = true\nselect = "FROM crm"\n', "[tables.orders]\nabsent = true\n"]
)
@pytest.mark.parametrize("where", ["recency_days < 30", "orders_count > 1 AND recency_score = 5",
                                   "days_since_first_order IS NULL"])  # fmt: skip
def test_a_rule_that_needs_order_times_is_refused_where_the_source_has_none(
    folder: Path, orders: str, where: str
) -> None:
    (folder / "sources.toml").write_text(CUSTOMERS + orders + TABLES, encoding="utf-8")
    declare(folder, loyal=segment(where=where))
    message = refusal(folder)
    assert "segments/loyal.toml" in message
    assert "needs order times, which sources.toml says the source does not have" in message


def test_a_rule_that_needs_no_order_times_does_without(folder: Path) -> None:
    orders = '[tables.orders]\nwithout_times = true\nselect = "FROM crm"\n'
    (folder / "sources.toml").write_text(CUSTOMERS + orders + TABLES, encoding="utf-8")
    declare(folder, loyal=segment(where="value_percentile >= 80"))
    assert len(checked_config(folder).audiences) == 1


def test_the_shipped_config_is_in_order() -> None:
    config = checked_config(Path(__file__).parents[2] / "config")
    assert len(config.audiences) >= 2
    assert {audience.network for audience in config.audiences} <= set(config.networks)


def test_a_home_folder_may_be_written_with_a_tilde(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder.parent))
    assert read_config(Path("~") / folder.name).folder == folder
