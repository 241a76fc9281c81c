"""A suppression list that is shorter than the night before: an export that broke off, or one that may be."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.home import Home
from catalog.store import open_catalog
from tests.conftest import Company, small_company
from tests.nights import night

LIST = "".join(f"y{number},bounced\n" for number in range(12))


def declare(company: Company, *, may_shrink: bool) -> None:
    """The rule, and a list of twelve."""
    company.enlarge()
    sources = (company.config / "sources.toml").read_text(encoding="utf-8")
    company.declare("sources.toml", f'{sources}\n[sources.blocked]\nfiles = "../blocked.csv"\n')
    rule = 'title = "Blocked"\nselect = "SELECT id AS customer_id FROM blocked"\n'
    company.declare("suppressions/blocked.toml", f"{rule}may_shrink = true\n" if may_shrink else rule)
    company.write("blocked", f"id,note\n{LIST}")


@pytest.fixture(scope="module", params=[False, True])
def may_shrink(request: pytest.FixtureRequest) -> bool:
    return request.param


@pytest.fixture(scope="module")
def first_night(may_shrink: bool, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home after a night with the whole list."""
    folder = tmp_path_factory.mktemp("first")
    company = small_company(folder / "company")
    declare(company, may_shrink=may_shrink)
    night(company.config, folder / "home", "2024-06-30")
    return folder / "home"


@pytest.mark.parametrize("left", [0, 2])
def test_a_list_that_is_emptied_or_cut_holds_every_audience_unless_its_rule_says_that_it_may_shrink(
    company: Company, home_after_a_night: Path, left: int, *, may_shrink: bool
) -> None:
    declare(company, may_shrink=may_shrink)
    company.write("blocked", f"id,note\n{''.join(LIST.splitlines(keepends=True)[:left])}")
    night(company.config, home_after_a_night, "2024-07-01")
    with open_catalog(Home.at(home_after_a_night)) as catalog:
        last = catalog.last_night()
        assert last is not None
        outcomes = catalog.outcomes_of_night(last["night"])
    assert {row["outcome"] for row in outcomes} == ({"published"} if may_shrink else {"held"})
    told = f"suppressions/blocked.toml went from 12 to {left} rows (limit: 50% fewer)"
    assert all((told in str(row["reason"])) != may_shrink for row in outcomes)
