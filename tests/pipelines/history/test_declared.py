from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from catalog.home import Home
from catalog.secret_keys import open_keys
from catalog.warehouse import open_warehouse
from pipelines.history.declared import config_of, keep_files
from pipelines.history.nights import Night
from schemas.config import read_config
from schemas.errors import DayError
from tests.conftest import ROOT

FIRST, SECOND, LATER = date(2026, 1, 1), date(2026, 1, 2), date(2026, 3, 1)


def test_each_kept_night_knows_its_own_config_and_equal_files_are_kept_once(tmp_path: Path) -> None:
    folder = tmp_path / "config"
    shutil.copytree(ROOT / "tests" / "companies" / "small" / "config", folder)
    home = Home.at(tmp_path / "home")
    home.create()
    with open_warehouse(home, open_keys(home), "2GB") as warehouse:
        first = read_config(folder)
        keep_files(warehouse, first, day=FIRST)
        segment = folder / "segments" / "buyers.toml"
        segment.write_text(segment.read_text().replace("orders_count >= 1", "orders_count >= 2"))
        keep_files(warehouse, read_config(folder), day=SECOND)

        assert config_of(Night(warehouse, FIRST)).segments == first.segments
        assert config_of(Night(warehouse, SECOND)).segments["buyers"].where == "orders_count >= 2"
        files, nights = (warehouse.height(table) for table in ("declared_files", "night_files"))
        assert nights == 2 * (files - 1)

        keep_files(warehouse, read_config(folder), day=LATER)
        with pytest.raises(DayError, match="is not kept"):
            config_of(Night(warehouse, FIRST))
        assert warehouse.height("declared_files") == files - 1
