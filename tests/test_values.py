"""What somebody is worth, in the file of a network that asks: with the decimals of the company's currency, exactly."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from catalog.home import Home
from catalog.store import open_catalog
from schemas.segment import Audience
from schemas.uploads import Manifest
from tests.conftest import OTHERS, Company
from tests.nights import night

_META = Audience("meta", "main", "buyers")
_HEADER = "id,customer,time,amount,currency,status"


def _values(home: Path) -> tuple[Manifest, list[str]]:
    """The newest version, and the values in its full file."""
    with open_catalog(Home.at(home)) as catalog:
        version = catalog.versions(_META)[-1]["version"]
    folder = home / "outbox" / "meta" / "main" / "buyers" / version
    manifest = Manifest.model_validate_json((folder / "manifest.json").read_text(encoding="utf-8"))
    with (folder / "buyers.full.csv").open(encoding="utf-8", newline="") as lines:
        return manifest, sorted(row["value"] for row in csv.DictReader(lines))


@pytest.mark.parametrize(
    ("currency", "amounts", "values"),
    [
        ("JPY", ("1200", "50"), ["1200", "50"]),
        ("EUR", ("100.10", "0.07"), ["0.07", "100.10"]),
        ("KWD", ("100.005", "0.125"), ["0.125", "100.005"]),
    ],
)
def test_a_value_has_the_decimals_of_its_currency(
    company: Company, tmp_path: Path, currency: str, amounts: tuple[str, str], values: list[str]
) -> None:
    home = tmp_path / "home"
    settings = (company.config / "relance.toml").read_text(encoding="utf-8")
    company.declare("relance.toml", settings.replace('"EUR"', f'"{currency}"'))
    others = OTHERS["orders"][_HEADER].replace("10.00,EUR", f"{amounts[1]},{currency}")
    first = f"o1,1,2024-06-30 12:00:00,{amounts[0]},{currency},completed\n"
    (company.folder / "orders.csv").write_text(f"{_HEADER}\n{first}{others}", encoding="utf-8")
    night(company.config, home, "2024-06-30")
    _, found = _values(home)
    assert set(found) == set(values)

    # Half of the orders are gone, and somebody refuses: what is left of the files keeps its values.
    half = "".join(others.splitlines(keepends=True)[:20])
    last = f"o1,1,2024-07-01 12:00:00,{amounts[0]},{currency},completed\n"
    (company.folder / "orders.csv").write_text(f"{_HEADER}\n{last}{half}", encoding="utf-8")
    consents = (company.folder / "consents.csv").read_text(encoding="utf-8")
    company.write("consents", consents + "w1,x1,withdrawn,2024-07-01 10:00:00\n")
    night(company.config, home, "2024-07-01")
    manifest, left = _values(home)
    assert manifest.reduced_from == "2024-06-30.1"
    assert len(left) == len(found) - 1 and set(left) == set(found)
