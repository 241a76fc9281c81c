from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pipelines.history.rule import parts
from schemas.features import Features

CONDITIONS = st.sampled_from(
    [
        "orders_count >= 2",
        "recency_days > 30",
        "country IN ('FR', 'BE')",
        "country LIKE 'F%'",
        "revenue BETWEEN 1 AND 9",
    ]
)
RULES = st.recursive(
    CONDITIONS,
    lambda rules: st.one_of(
        st.tuples(rules, st.sampled_from(["AND", "OR"]), rules).map(lambda parts: f"({' '.join(parts)})"),
        rules.map(lambda rule: f"NOT ({rule})"),
    ),
    max_leaves=6,
)
PEOPLE = st.fixed_dictionaries(
    {
        "orders_count": st.integers(0, 3),
        "recency_days": st.none() | st.integers(0, 60),
        "country": st.sampled_from([None, "FR", "DE"]),
        "revenue": st.integers(0, 20),
    }
)


@given(rule=RULES, person=PEOPLE)
def test_a_connector_holds_as_its_parts_say_and_the_whole_as_the_rule_says(
    rule: str, person: dict[str, object]
) -> None:
    frame = pl.DataFrame([person], schema={name: Features.create_empty().schema[name] for name in person})
    found = parts(rule, frame)

    assert found[0].holds == frame.select(pl.sql_expr(rule).alias("rule")).item()
    for place, part in enumerate(found):
        below = []
        for other in found[place + 1 :]:
            if other.depth <= part.depth:
                break
            if other.depth == part.depth + 1:
                below.append(other.holds)
        if part.text == "all of":
            assert part.holds == (False if False in below else None if None in below else True)
        elif part.text == "any of":
            assert part.holds == (True if True in below else None if None in below else False)
        elif part.text == "not":
            assert [part.holds] == [None if holds is None else not holds for holds in below]
