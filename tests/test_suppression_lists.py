"""A suppression list that is shorter than the night before: an export that broke off, or one that may be."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.home import Home
from catalog.store import open_catalog
from tests.conftest import Company
from tests.nights import night

LIST = "".join(f"y{number},bounced\n" for number in range(12))


@pytest.mark.parametrize("left", [0, 2])
@pytest.mark.parametrize("may_shrink", [False, True])
def test_a_list_that_is_emptied_or_cut_holds_every_audience_unless_its_rule_says_that_it_may_shrink(
    company: Company, tmp_path: Path, left: int, *, may_shrink: bool
) -> None:
    company.enlarge()
    sources = (company.config / "sources.toml").read_text(encoding="utf-8")
    company.declare("sources.toml", f'{sources}\n[sources.blocked]\nfiles = "../blocked.csv"\n')
    rule = 'title = "Blocked"\nselect = "SELECT id AS customer_id FROM blocked"\n'
    company.declare("suppressions/blocked.toml", f"{rule}may_shrink = true\n" if may_shrink else rule)
    home = tmp_path / "home"
    for day, rows in (("2024-06-30", LIST), ("2024-07-01", "".join(LIST.splitlines(keepends=True)[:left]))):
        company.write("blocked", f"id,note\n{rows}")
        night(company.config, home, day)
    with open_catalog(Home.at(home)) as catalog:
        last = catalog.last_night()
        assert last is not None
        outcomes = catalog.outcomes_of_night(last["night"])
    assert {row["outcome"] for row in outcomes} == ({"published"} if may_shrink else {"held"})
    told = f"suppressions/blocked.toml went from 12 to {left} rows (limit: 50% fewer)"
    assert all((told in str(row["reason"])) != may_shrink for row in outcomes)
