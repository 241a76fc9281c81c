"""Of a run that failed each skipped asset is told once, for the first failure that it would have been made of."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from assets.launch import failed_assets
from tests.conftest import Company


def test_what_is_made_of_two_failed_assets_was_skipped_for_the_first(
    company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELANCE_CONFIG", str(company.config))
    monkeypatch.setenv("RELANCE_HOME", str(tmp_path / "home"))
    events = [
        SimpleNamespace(is_step_failure=step != "crm_customers", step_key=step)
        for step in ("crm_customers", "crm_orders", "crm_consents")
    ]
    result: Any = SimpleNamespace(all_events=events)

    orders, consents = failed_assets(result)

    assert (orders.name, consents.name) == ("crm_orders", "crm_consents")
    assert {"features/features", "uploads/meta/buyers"} <= set(orders.skipped)
    assert {"customers/permissions", "identifiers/identifiers"} & set(consents.skipped)
    assert not set(orders.skipped) & set(consents.skipped)
    assert not {"crm/crm_orders", "crm/crm_customers", "crm/crm_visits"} & {*orders.skipped, *consents.skipped}
