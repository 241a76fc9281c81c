"""What a person is told to do at the network."""

from __future__ import annotations

from datetime import datetime

import pytest

from pipelines.holdings.open_lists import OpenList
from pipelines.holdings.steps import Steps
from schemas.journal import ConfirmationKind

MADE, FILLED, NEXT = "2025-07-01.1", "2025-07-03.1", "2025-07-04.1"


@pytest.mark.parametrize(
    ("mark", "then", "lists", "says"),
    [
        ("", "added", ("",), f"Delete the list that was last filled with {FILLED}, once no campaign uses it."),
        (
            MADE,
            "replaced",
            ("",),
            f"Delete the list that was last filled with {FILLED}, once no campaign uses it. Its name bears {MADE}.",
        ),
        (
            MADE,
            "added",
            ("emails", "phones"),
            f"Delete each old list, last filled with {FILLED}, once no campaign uses it: emails, phones. Their names "
            f"bear {MADE}.",
        ),
        # Who is taken out fills nothing, so the list goes by what its name bears.
        (MADE, "removed", ("",), f"Delete the list that was last filled with {MADE}, once no campaign uses it."),
    ],
)
def test_an_old_list_is_told_by_what_filled_it_and_by_what_its_name_bears(
    mark: str, then: ConfirmationKind, lists: tuple[str, ...], says: str
) -> None:
    uploads: tuple[tuple[str, ConfirmationKind], ...] = ((MADE, "created"), (FILLED, then))
    old = OpenList(uploads, (datetime(2025, 7, 1), datetime(2025, 7, 3)), lists, mark)
    assert Steps(NEXT, ()).delete(old).says == says
