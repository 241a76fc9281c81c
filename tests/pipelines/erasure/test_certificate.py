"""A certificate says what stands when it is signed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from catalog.erasures import add_request, mark_closed, write_removals
from catalog.home import Home
from catalog.secret_keys import open_keys
from catalog.store import open_catalog
from pipelines.erasure.certificate import certificate_of
from pipelines.holdings.confirming import confirm, unconfirm
from schemas.erasure import Removal
from tests.pipelines.holdings.journal import LOYAL, publish


def test_what_was_taken_back_since_the_last_run_closes_nothing(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "home")
    home.create()
    keys = open_keys(home)
    with open_catalog(home) as catalog:
        publish(catalog, "2025-01-01.1")
        publish(catalog, "2025-01-02.1")
        confirm(catalog, LOYAL, "2025-01-01.1", "created")
        closing = confirm(catalog, LOYAL, "2025-01-02.1", "replaced")
        stones = pl.DataFrame({"form": ["email.plain"], "tombstone": ["0" * 64]})
        add_request(catalog, "r-17", "email", datetime(2025, 1, 1, tzinfo=UTC), stones)
        gone = {"state": "closed", "removed_by": "2025-01-02.1", "confirmation": closing.name}
        write_removals(catalog, [Removal(request_id="r-17", **LOYAL._asdict(), carried_by=("2025-01-01.1",), **gone)])
        mark_closed(catalog, ["r-17"])
        closed = certificate_of(catalog, "r-17", keys)
        assert (closed.request.state, [each.state for each in closed.removals]) == ("closed", ["closed"])

        unconfirm(catalog, LOYAL)

        now = certificate_of(catalog, "r-17", keys)
        assert (now.request.state, now.request.closed_at) == ("removing", None)
        assert [(each.state, each.confirmation) for each in now.removals] == [("published", None)]
