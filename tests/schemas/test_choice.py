"""`exclude`, `priority` and `holdout` of segments, resolved against each other or refused in a sentence."""

from __future__ import annotations

from decimal import Decimal

import pytest
from pydantic import ValidationError

from schemas.choice import Choice, HeldOut, check_choices, choice_of
from schemas.errors import ConfigError
from schemas.segment import Audience, Segment


def segment(**fields: object) -> Segment:
    usual = {"title": "t", "public_name": "p", "purpose": "p", "where": "revenue > 1", "networks": ("meta", "x:fr")}
    return Segment.model_validate({**usual, "owner": "team:growth", **fields})


def test_an_audience_is_outranked_by_higher_priorities_on_its_own_account_the_highest_first() -> None:
    segments = {
        "low": segment(priority=1, exclude=("staff",), holdout={"share": "2.5%"}),
        "high": segment(priority=2, networks=("meta",), exclude=("new",)),
        "highest": segment(priority=30),
        "staff": segment(),
        "new": segment(),
    }
    check_choices(segments)
    meta, french = Audience("meta", "main", "low"), Audience("x", "fr", "low")
    held_out = HeldOut(Decimal("0.025"), "low")
    assert choice_of(meta, segments) == Choice(("staff",), {"highest": (), "high": ("new",)}, held_out)
    assert choice_of(french, segments) == Choice(("staff",), {"highest": ()}, held_out)
    assert choice_of(meta, segments).segments == ("staff", "highest", "high", "new")
    assert choice_of(Audience("meta", "main", "staff"), segments) == Choice((), {}, None)


def test_a_named_holdout_is_drawn_by_its_name() -> None:
    segments = {"best": segment(holdout={"share": "10 %", "name": "autumn"})}
    assert choice_of(Audience("meta", "main", "best"), segments).holdout == HeldOut(Decimal("0.1"), "autumn")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"a": {"exclude": ("nobody",)}}, "a.toml: exclude names 'nobody'; the segments are a, b, c."),
        ({"a": {"exclude": ("a",)}}, "a.toml: exclude goes round in a circle: a excludes a."),
        ({"a": {"exclude": ("b", "b")}}, "a.toml: exclude names a segment twice."),
        (
            {"a": {"exclude": ("b",)}, "b": {"exclude": ("c",)}, "c": {"exclude": ("a",)}},
            "a.toml: exclude goes round in a circle: a excludes b excludes c excludes a.",
        ),
        (
            {"a": {"priority": 3}, "b": {"priority": 3}},
            "b.toml: priority 3 is also that of a.toml, and both are on meta.",
        ),
        (
            {"a": {"priority": 3, "networks": ("x:fr",)}, "b": {"priority": 3, "networks": ("meta", "x:fr")}},
            "b.toml: priority 3 is also that of a.toml, and both are on x:fr.",
        ),
    ],
)
def test_what_cannot_be_resolved_is_refused_with_file_and_field(fields: dict[str, dict], said: str) -> None:
    segments = {name: segment(**fields.get(name, {})) for name in ("a", "b", "c")}
    with pytest.raises(ConfigError, match=r"^segments/") as refusal:
        check_choices(segments)
    assert said in str(refusal.value)


def test_segments_of_one_priority_that_share_no_account_do_not_compete() -> None:
    check_choices({"a": segment(priority=3, networks=("meta",)), "b": segment(priority=3, networks=("meta:fr", "x"))})


@pytest.mark.parametrize("share", ["0%", "100%", "-5%", "5", "0.05", "five percent", "0.00%", 5, 0.05, True, None])
def test_a_share_is_a_text_in_percent_above_0_and_below_100(share: object) -> None:
    with pytest.raises(ValidationError, match="is no share of people"):
        segment(holdout={"share": share})
