"""Audiences that have left the config, at a network that sees nothing but the files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from catalog.descriptions import describe
from catalog.home import Home
from catalog.secret_keys import SecretKeys
from catalog.store import manifest_of
from catalog.warehouse import Warehouse
from pipelines.holdings.forbidden import Forbidden
from pipelines.uploads.versions.publication import Published
from pipelines.uploads.versions.retired import publish_last, retired_audiences, withdraw_of_gone
from schemas.config import Config, read_config
from tests.conftest import ROOT
from tests.pipelines.uploads.versions.test_deltas import (  # noqa: F401 - `stores` is a fixture
    EMAIL_OF,
    FIRST_DAY,
    JANE,
    JOHN,
    MARY,
    Person,
    World,
    forbid,
    settle,
    stores,
    to_do,
    world,
)

Stores = tuple[Home, SecretKeys, Warehouse]


def without(company: World) -> Config:
    """A config that knows the networks and declares nothing, after one that declared the audience."""
    catalog = company.outbox.catalog
    describe(
        catalog,
        {company.audience.segment: company.segment.model_copy(update={"networks": (company.audience.network,)})},
    )
    describe(catalog, {})
    config = read_config(Path(ROOT / "config"))
    return replace(config, segments={}, networks={**config.networks, company.audience.network: company.network})


def is_retired(company: World, config: Config) -> bool:
    return company.audience in retired_audiences(company.outbox.catalog, company.outbox.warehouse, config)


def retire(company: World, config: Config) -> Published:
    return publish_last(
        company.audience, config, company.outbox, as_of=FIRST_DAY.replace(day=20), forbidden=company.is_forbidden
    )


def test_a_retired_audience_loses_who_is_forbidden_until_its_list_is_deleted(stores: Stores) -> None:  # noqa: F811
    with world("google_ads", stores) as company:
        company.run({0: JANE, 1: JOHN, 2: MARY})
        settle(company)
        config = without(company)
        assert is_retired(company, config)
        first = retire(company, config)
        assert (first.outcome, [step.kind for step in to_do(company)]) == ("retired", ["deleted"])
        assert retire(company, config).version == first.version
        forbid(company, "google_ads", 1)
        retire(company, config)
        remove, delete = to_do(company)
        company.follow((remove,))
        assert {value for _, _, value in company.remote.lists[0]} == {EMAIL_OF["google_ads"][n] for n in (0, 2)}
        retire(company, config)
        assert to_do(company) == (delete,)
        company.follow(to_do(company))
        assert (company.remote.lists, is_retired(company, config)) == ([], False)


def test_a_list_that_nobody_confirmed_is_asked_for_too(stores: Stores) -> None:  # noqa: F811
    with world("google_ads", stores) as company:
        company.run({0: JANE, 1: JOHN})
        config = without(company)
        assert is_retired(company, config)
        # Of a network that nothing is declared of, nobody can make a file.
        assert not is_retired(company, replace(config, networks={}))
        retire(company, config)
        [step] = to_do(company)
        assert step.says.startswith("If a list was made of")
        company.follow((step,))
        assert not is_retired(company, config)


def test_of_several_lists_that_nobody_confirmed_each_that_there_may_be_is_named(stores: Stores) -> None:  # noqa: F811
    with world("snapchat, undocumented", stores) as company:
        company.run({0: JANE, 1: Person(phones=(1,))})
        company.run({0: JANE, 1: JOHN})
        retire(company, without(company))
        [step] = to_do(company)
        assert step.lists == ("emails", "phones")
        assert "without being confirmed, delete it: emails, phones. Confirm " in step.says
        assert step.says.endswith(" as deleted also if there is none.")


def test_files_of_an_audience_whose_list_is_gone_go_too_when_they_hold_who_is_forbidden(
    stores: Stores,  # noqa: F811
) -> None:
    with world("google_ads", stores) as company:
        company.run({0: JANE, 1: JOHN, 2: MARY})
        settle(company)
        unused = without(company)
        config = replace(unused, segments=read_config(Path(ROOT / "config")).segments)
        retire(company, config)
        company.follow(to_do(company))
        assert not is_retired(company, config)
        catalog = company.outbox.catalog
        [full] = [row["version"] for row in catalog.versions(company.audience) if manifest_of(row).has_file("full")]
        withdraw_of_gone(config, company.outbox, lambda network: company.is_forbidden)
        assert company.outbox.folder(company.audience, full).is_dir()
        forbid(company, "google_ads", 1)
        withdraw_of_gone(config, company.outbox, lambda network: company.is_forbidden)
        assert not company.outbox.folder(company.audience, full).exists()
        assert full not in {row["version"] for row in catalog.versions(company.audience)}


def test_files_go_whose_network_no_audience_uses_any_more(stores: Stores) -> None:  # noqa: F811
    """Nobody works out its keys any more, and so not who may not be sent to it either."""
    with world("google_ads", stores) as company:
        company.run({0: JANE, 1: JOHN, 2: MARY})
        settle(company)
        unused = without(company)
        retire(company, unused)
        company.follow(to_do(company))

        def unknown(network: str) -> Forbidden:
            raise AssertionError(network)

        [full] = [
            row["version"]
            for row in company.outbox.catalog.versions(company.audience)
            if manifest_of(row).has_file("full")
        ]
        withdraw_of_gone(unused, company.outbox, unknown)
        assert not company.outbox.folder(company.audience, full).exists()
