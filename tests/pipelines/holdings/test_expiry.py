"""Networks that forget: whoever belongs in a list is sent again in time, and not much earlier."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.forecasts import forecasts
from catalog.home import Home
from catalog.journal import confirmations
from catalog.secret_keys import SecretKeys
from catalog.warehouse import Warehouse
from pipelines.holdings.confirming import confirm, manifests_of, unconfirm
from pipelines.holdings.expiry import Expiry, expiry_of, first_forgotten
from pipelines.holdings.open_lists import OpenList, open_lists
from pipelines.uploads.forecasts import forecast, update_forecasts
from pipelines.uploads.versions.publication import Published
from pipelines.uploads.versions.state import state_of
from schemas.journal import ConfirmationKind
from schemas.network import networks
from schemas.settings import Settings
from tests.pipelines.holdings.network_model import AdNetwork
from tests.pipelines.uploads.versions.test_deltas import (  # noqa: F401 - `stores` is a fixture
    FIRST_DAY,
    JANE,
    JOHN,
    MARY,
    PEOPLE,
    Person,
    World,
    settle,
    stores,
    to_do,
    world,
)

Stores = tuple[Home, SecretKeys, Warehouse]

MEMBERSHIP, MARGIN = 30, 9


@contextmanager
def forgetful(name: str, stores: Stores) -> Iterator[World]:  # noqa: F811
    """The audience of a network that keeps members for 30 days."""
    with world(name, stores) as company:
        company.network = company.network.model_copy(update={"membership_days": MEMBERSHIP})
        company.outbox = replace(company.outbox, settings=Settings(currency="EUR", resend_margin_days=MARGIN))
        company.remote = AdNetwork(
            company.audience.network, forgets_after=MEMBERSHIP, lists_expire=company.network.expires == "list"
        )
        # A night is about the day before: people upload on the day after.
        with patch("catalog.journal.now", lambda: datetime.combine(FIRST_DAY, time(12), UTC) + age(company)):
            yield company


def age(company: World) -> timedelta:
    return timedelta(days=company.night + 1)


def night(company: World, people: dict[int, Person], *, days: int = 1) -> Published:
    """The night so many days after the one before."""
    company.night += days - 1
    company.remote.day = company.night + 2
    return company.run(people)


NIGHTS = st.lists(st.tuples(st.integers(MARGIN - 3, MARGIN - 1), st.none() | PEOPLE), min_size=6, max_size=7)


@pytest.mark.parametrize("name", ["google_ads", "tiktok", "x"])
@settings(max_examples=2, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(nights=NIGHTS)
def test_whoever_uploads_what_is_asked_never_loses_a_member_to_the_networks_forgetting(
    name: str,
    stores: Stores,  # noqa: F811
    nights: list[tuple[int, dict[int, Person] | None]],
) -> None:
    always = {9: JANE, 10: JOHN, 11: MARY}
    with forgetful(name, stores) as company:
        people = always
        night(company, people)
        settle(company)
        for days, changed in nights:
            people = people if changed is None else {**changed, **always}
            published = night(company, people, days=days)
            # Nobody was forgotten since: what relance believes is there.
            company.check_belief()
            assert published.manifest is not None
            if published.outcome == "published" and published.manifest.renewals:
                added = company.remote.members(company.files(published.version, "add"))
                ages = [company.remote.age_of(member) for member in added & company.remote.lists[-1]]
                assert not ages or max(ages) >= MEMBERSHIP - MARGIN
            settle(company)


def test_near_its_expiry_a_list_is_sent_again_once_and_then_left_alone(stores: Stores) -> None:  # noqa: F811
    people = {0: JANE, 1: JOHN}
    with forgetful("google_ads", stores) as company:
        night(company, people)
        settle(company)
        assert night(company, people, days=MEMBERSHIP - MARGIN).outcome == "fresh"
        found = night(company, people).manifest
        assert found is not None
        assert (found.adds, found.removes, found.renewals) == (0, 0, 2)
        [step] = found.plan
        assert step.kind == "added"
        assert "2 keys that the list holds are sent again before Google Ads Customer Match forgets them" in step.says
        settle(company)
        assert night(company, people, days=MARGIN).outcome == "fresh"
        # Now it is so near that it would be sent with what is due, but nothing is: the first upload holds nobody.
        assert night(company, people, days=MEMBERSHIP - 3 * MARGIN + 1).outcome == "fresh"


def test_what_would_be_forgotten_soon_after_is_sent_again_with_it(stores: Stores) -> None:  # noqa: F811
    with forgetful("google_ads", stores) as company:
        night(company, {0: JANE})
        settle(company)
        night(company, {0: JANE, 1: JOHN}, days=MARGIN)
        settle(company)
        found = night(company, {0: JANE, 1: JOHN}, days=MEMBERSHIP - 2 * MARGIN + 1).manifest
        assert found is not None
        assert (found.renewals, found.renewed_uploads) == (2, 2)


def test_a_network_that_only_replaces_is_given_everybody_again_and_told_why(stores: Stores) -> None:  # noqa: F811
    with forgetful("linkedin", stores) as company:
        night(company, {0: JANE, 1: JOHN})
        settle(company)
        found = night(company, {0: JANE, 1: JOHN}, days=MEMBERSHIP - MARGIN + 1).manifest
        assert found is not None
        assert [step.kind for step in found.plan] == ["replaced"]
        assert "before LinkedIn" in str(found.because)


def test_the_forecast_says_when_what_is_left_of_the_list_goes(stores: Stores) -> None:  # noqa: F811
    with forgetful("google_ads", stores) as company:

        def known() -> list[tuple[int, int]]:
            state = state_of(company.audience, company.outbox.catalog, company.outbox.warehouse)
            expiry = expiry_of(company.network, state.lists, company.outbox.settings)
            assert expiry is not None
            series = forecast(company.outbox.warehouse, state.holdings, expiry)
            unknown = state.holdings._replace(unknown=("2024-12-31.1",))
            assert forecast(company.outbox.warehouse, unknown, expiry) == []
            return [((day - FIRST_DAY).days - MEMBERSHIP, keys) for day, keys in series]

        night(company, {0: JANE, 1: JOHN})
        settle(company)
        assert known() == [(2, 2)]
        night(company, {0: JANE, 2: MARY, 3: Person(emails=(3,))}, days=5)
        added, removed = to_do(company)
        company.follow((added,))
        assert known() == [(2, 2), (7, 2)]
        company.follow((removed,))
        assert known() == [(2, 1), (7, 2)]


@pytest.mark.parametrize(("name", "days"), [("google_ads", [2, 1]), ("tiktok", [3])])
def test_each_confirmed_state_gets_a_forecast_of_its_own(
    name: str,
    days: list[int],
    stores: Stores,  # noqa: F811
) -> None:
    with forgetful(name, stores) as company:
        catalog, warehouse = company.outbox.catalog, company.outbox.warehouse

        def known() -> list[int]:
            update_forecasts(catalog, warehouse, company.outbox.settings)
            return [keys for _, keys in forecasts(catalog)[company.audience].days]

        night(company, {0: JANE, 1: JOHN})
        settle(company)
        assert known() == [2]
        night(company, {0: JANE, 1: JOHN, 2: MARY}, days=2)
        settle(company)
        assert known() == days
        with patch("pipelines.uploads.forecasts.record_forecast", side_effect=AssertionError):
            assert known() == days, "it is worked out once"


def test_a_confirmation_taken_back_and_given_on_another_day_gets_the_forecast_of_that_day(
    stores: Stores,  # noqa: F811
) -> None:
    with forgetful("google_ads", stores) as company:
        catalog, warehouse = company.outbox.catalog, company.outbox.warehouse

        def first() -> date:
            update_forecasts(catalog, warehouse, company.outbox.settings)
            return forecasts(catalog)[company.audience].days[0][0]

        night(company, {0: JANE})
        settle(company)
        before = first()
        version = unconfirm(catalog, company.audience).version
        company.night += 3
        again = confirm(catalog, company.audience, version, "created")
        expiry = expiry_of(networks()["google_ads"], open_lists([again]), company.outbox.settings)
        assert expiry is not None
        assert first() == expiry.forgotten_on[0] != before


def test_the_journal_alone_says_when_a_list_begins_to_expire(stores: Stores) -> None:  # noqa: F811
    with forgetful("google_ads", stores) as company:

        def first() -> int:
            catalog = company.outbox.catalog
            lists = open_lists(confirmations(catalog, company.audience))
            renewed = {name: each.renewed_uploads for name, each in manifests_of(catalog, company.audience).items()}
            expiry = expiry_of(company.network, lists, company.outbox.settings)
            assert expiry is not None
            return (first_forgotten(expiry, lists[-1], renewed) - FIRST_DAY).days - MEMBERSHIP

        night(company, {0: JANE})
        settle(company)
        assert first() == 2
        night(company, {0: JANE, 1: JOHN}, days=15)
        settle(company)
        assert first() == 2
        # Jane is sent again, John came later.
        night(company, {0: JANE, 1: JOHN}, days=8)
        settle(company)
        assert first() == 17


def uploaded(*said: tuple[str, ConfirmationKind, datetime]) -> tuple[OpenList, ...]:
    return (OpenList(tuple((version, kind) for version, kind, _ in said), tuple(at for _, _, at in said)),)


@pytest.mark.parametrize(("expires", "first"), [("member", date(2025, 3, 2)), ("list", date(2025, 3, 12))])
def test_a_network_forgets_members_by_when_each_was_sent_or_all_of_them_by_the_last_change(
    expires: str, first: date
) -> None:
    network = networks()["google_ads"].model_copy(update={"membership_days": 60, "expires": expires})
    lists = uploaded(
        # Half past midnight of the next day in Paris, and half past eleven at night.
        ("2024-12-31.1", "created", datetime(2024, 12, 31, 23, 30, tzinfo=UTC)),
        ("2025-01-11.1", "added", datetime(2025, 1, 11, 22, 30, tzinfo=UTC)),
    )
    paris = Settings(currency="EUR", time_zone="Europe/Paris", resend_margin_days=30)
    assert expiry_of(network, lists, paris) == Expiry((first, date(2025, 3, 12)), timedelta(days=20))
    assert expiry_of(network, (), paris) is None
    assert expiry_of(network.model_copy(update={"membership_days": None}), lists, paris) is None


def test_an_addition_renews_as_much_as_its_version_says_and_a_replacement_everything() -> None:
    days = tuple(date(2025, 1, day) for day in range(1, 6))
    kinds: tuple[ConfirmationKind, ...] = ("created", "added", "replaced", "added", "added")
    [current] = uploaded(*((f"v{place}", kind, datetime(2025, 1, 1, tzinfo=UTC)) for place, kind in enumerate(kinds)))

    def first(uploads: int, **renewed: int) -> int:
        shown = OpenList(current.uploads[:uploads], current.confirmed_at[:uploads])
        return first_forgotten(Expiry(days, timedelta()), shown, renewed).day

    assert (first(1), first(2), first(3), first(4)) == (1, 1, 3, 3)
    assert (first(2, v1=1), first(4, v3=3), first(5, v3=3, v4=1)) == (2, 4, 4)
    assert first(2, v1=9) == 2, "the addition itself is the newest"
