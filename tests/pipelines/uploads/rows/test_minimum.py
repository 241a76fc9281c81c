"""What is said of an audience that is too small: how many rows are missing, where, and what cost the most people."""

from __future__ import annotations

import pytest

from pipelines.uploads.rows.audience_rows import AudienceRows
from pipelines.uploads.rows.minimum import too_small
from schemas.brake import NOT_COUNTED
from schemas.network import networks
from schemas.said import Said
from schemas.too_small import is_too_small
from schemas.uploads import Ledger

LOST = {
    "no_consent_to_ads_upload": 3,
    "under_age": 0,
    "suppressed_by_staff": 5,
    "excluded_by_vip_club": 4,
    "outranked_by_loyal": 2,
}


def said(rows: dict[str, int], dropped: dict[str, int], network: str = "meta") -> Said:
    """Of an audience whose lists have so many rows each; of those one person gives two."""
    people = sum(rows.values()) - (1 if rows else 0)
    ledger = Ledger(
        segment_people=people + sum(dropped.values()),
        dropped=dropped,
        file_people=people,
        file_rows=sum(rows.values()),
    )
    return too_small(AudienceRows((), rows, ledger, NOT_COUNTED), networks()[network])


@pytest.mark.parametrize(
    ("rows", "dropped", "network", "expected"),
    [
        ({}, {"under_age": 0}, "meta", "nobody is left to upload: the segment is empty"),
        (
            {},
            LOST,
            "meta",
            "nobody is left to upload: no consent to ads upload (3); suppressed by staff (5); "
            "excluded by vip_club (4); outranked by loyal (2)",
        ),
        ({"": 30}, {"under_age": 0}, "meta", "it has 30 rows, 70 short of Meta's minimum of 100"),
        (
            {"": 30},
            LOST,
            "meta",
            "it has 30 rows, 70 short of Meta's minimum of 100; most people were lost to suppressed by staff (5)",
        ),
        (
            {"phones": 20, "emails": 900, "mobile_ids": 30},
            {"under_age": 1},
            "snapchat",
            "its largest list, emails, has 900 rows, 100 short of Snapchat's minimum of 1,000; "
            "most people were lost to under age (1)",
        ),
    ],
)
def test_it_is_said_how_many_rows_are_missing_and_what_cost_the_most_people(
    rows: dict[str, int], dropped: dict[str, int], network: str, expected: str
) -> None:
    reason = said(rows, dropped, network)
    assert reason == expected
    assert is_too_small(reason)
