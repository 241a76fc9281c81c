"""A host's other name."""

from __future__ import annotations

import polars as pl
import pytest

from pipelines.identifiers.emails.other_hosts import with_other_hosts


@pytest.mark.parametrize(
    ("email", "other"),
    [
        ("zoe@gmail.com", "zoe@googlemail.com"),
        ("z.o+e@googlemail.com", "z.o+e@gmail.com"),
        ("zoe@münchen.de", "zoe@xn--mnchen-3ya.de"),
        ("zoe@xn--mnchen-3ya.de", "zoe@münchen.de"),
        ("zoe@mail.straße.de", "zoe@mail.xn--strae-oqa.de"),
        ("zoe@example.org", None),
        ("zoe@xn--.de", None),
        ("zoe@-ü-.de", None),
        ("gmail.com", None),
        (None, None),
    ],
)
def test_the_same_mailbox_by_the_other_name(email: str | None, other: str | None) -> None:
    found = with_other_hosts(pl.Series([email, email], dtype=pl.String))
    assert found["other"].to_list() == ([] if other is None else [other])
