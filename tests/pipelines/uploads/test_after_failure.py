"""After a night that failed: what must leave is worked out once a network."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from pipelines.uploads import after_failure
from schemas.segment import Audience

DAY = date(2025, 6, 30)
LOYAL, LAPSED, OTHER, GONE, REACHED = (
    Audience(network, "main", segment)
    for network, segment in (
        ("meta", "loyal"), ("meta", "lapsed"), ("tiktok", "loyal"), ("meta", "gone"), ("tiktok", "lapsed"),
    )
)  # fmt: skip


def test_each_audience_that_was_not_reached_loses_whom_its_network_may_not_hold_looked_up_once_a_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_up: list[str] = []
    published: list[tuple[Audience, str]] = []

    def known(name: str, *_: object) -> str:
        looked_up.append(name)
        return name

    def publish(audience: Audience, *_: object, forbidden: str, **named: object) -> None:
        published.append((audience, forbidden))

    for name, stand_in in (("publish_last", publish), ("publish_unreached", publish), ("_known_forbidden", known)):
        monkeypatch.setattr(after_failure, name, stand_in)
    monkeypatch.setattr(after_failure, "take_in", lambda _: None)
    monkeypatch.setattr(after_failure, "refused_emails", lambda *_: None)
    config = SimpleNamespace(
        audiences=(LOYAL, OTHER, LAPSED, REACHED),
        retired=(GONE,),
        networks={"meta": None, "tiktok": None},
        segments={"loyal": None, "lapsed": None},
    )
    catalog = SimpleNamespace(last_night=lambda: {"as_of": DAY}, outcomes_of_night=lambda _: [REACHED._asdict()])
    warehouse = SimpleNamespace(has=lambda _: True)
    erasing: Any = SimpleNamespace(config=config)
    outbox: Any = SimpleNamespace(catalog=catalog, warehouse=warehouse, night=1)
    after_failure.publish_removals(erasing, outbox, newest=DAY)
    assert sorted(published) == [(GONE, "meta"), (LAPSED, "meta"), (LOYAL, "meta"), (OTHER, "tiktok")]
    assert sorted(looked_up) == ["meta", "tiktok"]
