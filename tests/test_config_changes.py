"""What a night does and says when the config is another one than the night before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import sqlalchemy as sa
from typer.testing import CliRunner

from catalog.allowances import allow, standing_leaves
from catalog.descriptions import DESCRIPTIONS
from catalog.erasures import erasure_requests
from catalog.home import Home
from catalog.nights import night_report
from catalog.secret_keys import open_keys
from catalog.store import Catalog, open_catalog
from catalog.warehouse import open_warehouse
from commands.main import app
from pipelines.alerts import night_message
from pipelines.history.config_changes import changes_tonight, config_changes
from pipelines.holdings.confirming import confirm, manifests_of
from schemas.config import read_config
from schemas.network import networks
from schemas.nights import ConfigChange, NightReport
from schemas.segment import Audience
from schemas.uploads import Manifest
from tests.conftest import Company, Ran
from tests.nights import night

META, META_FR, GOOGLE = (
    Audience(*name, "buyers") for name in (("meta", "main"), ("meta", "fr"), ("google_ads", "main"))
)


def report(catalog: Catalog) -> NightReport:
    last = catalog.last_night()
    assert last is not None
    return night_report(catalog, last["night"])


def outcomes(found: NightReport) -> dict[str, str]:
    return {f"{line.network}/{line.account}": line.outcome for line in found.audiences}


def status(home: Path) -> str:
    said = CliRunner().invoke(app, ["status", "--home", str(home)])
    assert said.exit_code == 0, said.output
    return " ".join(said.output.split())


def newest(catalog: Catalog, audience: Audience) -> Manifest:
    return list(manifests_of(catalog, audience).values())[-1]


def test_a_renamed_label_keeps_the_list_and_a_network_that_left_is_given_removals_until_its_list_is_deleted(
    company: Company, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    segment = (company.config / "segments" / "buyers.toml").read_text(encoding="utf-8")
    night(company.config, home, "2024-06-30")
    with open_catalog(Home.at(home)) as catalog:
        assert report(catalog).changes == ()
        for audience in (META, GOOGLE):
            confirm(catalog, audience, "2024-06-30.1", "created")
        changed = segment.replace('public_name = "buyers"', 'public_name = "club_b"')
        changed = changed.replace('"meta", "google_ads"', '"meta", "meta:fr"').replace(">= 1", ">= 1 AND revenue > -1")
        company.declare("segments/buyers.toml", changed)
        for audience in (META, GOOGLE):
            allow(catalog, audience, "a shop was sold")
        company.write("erasures", "request_id,requested_at,customer_id\nr1,2024-06-30 10:00:00,1\n")
        sources = (company.config / "sources.toml").read_text(encoding="utf-8")
        asked = '[tables.erasures]\nselect = "FROM erasures"\n[sources.erasures]\nfiles = "../erasures.csv"\n'
        company.declare("sources.toml", sources.replace("[tables.erasures]\nabsent = true\n", asked))
        night(company.config, home, "2024-07-01")
        found = report(catalog)
        assert {change.kind for change in found.changes} == {
            "label_renamed", "rule_changed", "audience_added", "audience_retired", "account_added", "sources_changed"
        }  # fmt: skip
        told = " ".join(change.says for change in found.changes)
        assert "Buyers is now called club_b at the networks, no longer buyers." in told
        assert outcomes(found) == {"meta/main": "published", "meta/fr": "published", "google_ads/main": "retired"}
        # The label is another one, and the list is the same.
        renamed = newest(catalog, META)
        assert (renamed.public_name, renamed.base is None, renamed.removes > 0) == ("club_b", False, True)
        assert newest(catalog, META_FR).base is None
        last = newest(catalog, GOOGLE)
        assert ([(step.kind, step.version) for step in last.plan], last.removes) == ([("deleted", "2024-06-30.1")], 3)
        # No night would use the leave of an audience that left.
        assert [leave.audience for leave in standing_leaves(catalog)] == [META]
        assert "No longer allowed: google_ads/buyers: the audience is no longer declared (" in status(home)
        assert "nobody is added and its list is to be deleted" in status(home)

        confirm(catalog, GOOGLE, "2024-06-30.1", "deleted")
        said = status(home)
        assert "its list is to be deleted" not in said
        assert "Retired: google_ads/buyers: it is no longer declared, and no list of it is left." in said
        night(company.config, home, "2024-07-02")
        assert "google_ads/main" not in outcomes(report(catalog))
        assert report(catalog).changes == ()


def test_other_rules_for_files_are_told_in_the_night_that_uses_them_first(company: Company, tmp_path: Path) -> None:
    home = tmp_path / "home"
    night(company.config, home, "2024-06-30")
    config = read_config(company.config)
    file = config.networks["meta"].file.model_copy(update={"newline": "\r\n"})
    other = {**config.networks, "meta": config.networks["meta"].model_copy(update={"file": file})}
    keys = open_keys(Home.at(home))
    with open_warehouse(Home.at(home), keys, "2GB") as warehouse, open_catalog(Home.at(home)) as catalog:
        assert changes_tonight(warehouse, catalog, config, date(2024, 7, 1)) == []
        [told] = changes_tonight(warehouse, catalog, replace(config, networks=other), date(2024, 7, 1))
    assert "lists there are replaced with the full file" in told.says
    assert told.about == config.networks["meta"].title


def test_rules_that_the_company_changed_are_not_laid_to_relance_alone(
    company: Company, home_after_a_night: Path
) -> None:
    settings = (company.config / "relance.toml").read_text(encoding="utf-8")
    column = next(column.header for column in networks()["meta"].columns if column.needs_permission)
    company.declare("relance.toml", f'{settings}\n[allow_plain]\nmeta = ["{column}"]\n')
    place = Home.at(home_after_a_night)
    with open_warehouse(place, open_keys(place), "2GB") as warehouse, open_catalog(place) as catalog:
        found = changes_tonight(warehouse, catalog, read_config(company.config), date(2024, 7, 1))
    settings_changed, renewed = [change.says for change in found]
    assert "allow_plain" in settings_changed
    assert "by a new release of relance or by relance.toml (allow_plain, limited_data_use)" in renewed


def test_every_change_has_its_sentence_and_what_is_the_same_has_none(company: Company) -> None:
    before = read_config(company.config)
    buyers = (company.config / "segments" / "buyers.toml").read_text(encoding="utf-8")
    (company.config / "segments" / "buyers.toml").unlink()
    company.declare("segments/all.toml", buyers.replace('"buyers"', '"everybody"'))
    company.declare("suppressions/staff.toml", 'title = "Staff"\ndomains = ["example.com"]\n')
    company.declare("relance.toml", 'currency = "EUR"\ntime_zone = "Europe/Paris"\nminimum_age = 18\n')
    now = read_config(company.config)

    assert config_changes(before, before) == config_changes(now, now) == []
    assert [change.says for change in config_changes(before, now)] == [
        "Buyers is new.",
        "Buyers was removed: its lists are to be deleted at the networks, and nobody is added to them.",
        "The rules that keep people out have changed: staff.",
        "relance.toml has other settings: default_country, minimum_age.",
    ]


def test_a_segment_whose_file_is_renamed_is_told_as_one_change_that_can_be_taken_back(company: Company) -> None:
    before = read_config(company.config)
    buyers = company.config / "segments" / "buyers.toml"
    buyers.rename(buyers.with_stem("loyal_buyers"))
    (change,) = config_changes(before, read_config(company.config))
    assert change == ConfigChange(kind="file_renamed", about="Buyers", before="buyers.toml", after="loyal_buyers.toml")
    assert change.says.endswith("To go on with the lists that are there, give the file its old name.")
    # What else is otherwise in it is told as well.
    text = (company.config / "segments" / "loyal_buyers.toml").read_text(encoding="utf-8")
    company.declare("segments/loyal_buyers.toml", text.replace(">= 1", ">= 2"))
    told = [change.kind for change in config_changes(before, read_config(company.config))]
    assert told == ["file_renamed", "rule_changed"]
    company.declare("segments/loyal_buyers.toml", text.replace('"google_ads"', '"pinterest"'))
    told = [change.kind for change in config_changes(before, read_config(company.config))]
    assert told == ["file_renamed", "audience_added", "audience_retired"]
    company.declare("segments/loyal_buyers.toml", text)
    # And back again.
    (change,) = config_changes(read_config(company.config), before, ["buyers"])
    assert change.says.startswith("The file of Buyers is buyers.toml again, no longer loyal_buyers.toml: the lists of")


def test_what_a_segment_an_account_a_rate_or_a_list_has_otherwise_is_told(company: Company) -> None:
    company.declare("suppressions/staff.toml", 'title = "Staff"\ndomains = ["example.com"]\n')
    before = read_config(company.config)
    buyers, meta = before.segments["buyers"], before.networks["meta"].title

    def told(**changed: object) -> list[str]:
        segment = buyers.model_copy(update=changed)
        return [change.says for change in config_changes(before, replace(before, segments={"buyers": segment}))]

    label = f"Buyers is now called best at the networks, no longer {buyers.public_name}."
    assert told(public_name="best") == [f"{label} The lists stay the same: rename them there."]
    was, same = buyers.where, buyers.where.replace(" ", "\n    ")
    assert was != same
    assert told(where="orders_count >=\n  2") == [f"Buyers has another rule: orders_count >= 2. It was: {was}."]
    assert told(where=same) == []
    assert told(owner="team:other", purpose="loyalty") == ["Buyers is declared otherwise: owner."]
    both = ("meta", "meta:fr", "google_ads")
    assert told(networks=both) == [
        f"Buyers now goes to {meta} (fr) too.",
        f"{meta} now has the accounts fr, main, and had main: each has its own lists.",
    ]
    two = replace(before, segments={"buyers": buyers.model_copy(update={"networks": both})})
    [fewer] = config_changes(two, before)
    assert fewer.says.startswith(f"Buyers no longer goes to {meta} (fr): its list there is to be deleted")
    pinterest = before.networks["pinterest"].title
    assert told(networks=("meta", "google_ads", "pinterest")) == [f"Buyers now goes to {pinterest} too."]
    [gone] = told(networks=("google_ads",))
    assert gone.startswith(f"Buyers no longer goes to {meta}: its list there is to be deleted")
    assert [change.says for change in config_changes(before, replace(before, suppressions={}))] == [
        "The rules that keep people out have changed: staff."
    ]
    rate = ("CHF", date(2024, 1, 1), 2)
    rates = pl.DataFrame([rate], schema=before.rates.schema, orient="row")
    assert [change.says for change in config_changes(before, replace(before, rates=rates))] == [
        "rates.csv has other rates: CHF."
    ]
    tables = before.sources.tables
    otherwise = tables.model_copy(
        update={"visits": tables.erasures, "orders": tables.orders.model_copy(update={"decimal": ","})}
    )
    sources = before.sources.model_copy(update={"as_of": "yesterday", "tables": otherwise, "sources": {}})
    [said] = [change.says for change in config_changes(before, replace(before, sources=sources))]
    named = ", ".join(f"[sources.{name}]" for name in sorted(before.sources.sources))
    assert said == f"sources.toml reads the CRM in another way: as_of, {named}, [tables.orders]."


def test_an_alert_says_what_was_declared_otherwise_since_the_night_before() -> None:
    change = ConfigChange(kind="settings_changed", after="minimum_age")
    failed = NightReport(
        night=2, as_of=date(2024, 7, 1), started_as="nightly", started_at=datetime(2024, 7, 2, 2, tzinfo=UTC),
        ended_at=None, outcome="failed", messages=("No.",), stages=(), quarantined=(), notices=(), audiences=(),
        changes=(change,), alerts=(),
    )  # fmt: skip
    message = night_message(failed)
    assert message is not None
    assert message.sentences[-1] == "Since the night before: relance.toml has other settings: minimum_age."


def test_a_network_whose_file_is_gone_stops_all_that_would_forget_its_lists(
    company: Company, home_after_a_night: Path, relance: Callable[..., Ran]
) -> None:
    """As after a release was installed anew without a company's own network."""
    place, lost = Home.at(home_after_a_night), Audience("made_up", "main", "buyers")
    config = str(company.config)
    with open_catalog(place) as catalog:
        catalog.add_version(lost, newest(catalog, META).model_copy(update={"network": "made_up"}), "as it was")
        with catalog.writing() as connection:
            connection.execute(
                sa.update(DESCRIPTIONS).where(DESCRIPTIONS.c.network == "meta").values(network="made_up")
            )
    for command in (["run", "--as-of", "2024-07-01"], ["forget", "x0"]):
        ran = relance(*command, "--config", config, home=place.root)
        assert ran.code == 2
        said = " ".join(ran.output.split())
        assert "networks/made_up.toml: gone" in said and "made_up/buyers (2024-06-30.1)" in said
    with open_catalog(place) as catalog:
        assert not erasure_requests(catalog)
        confirm(catalog, lost, "2024-06-30.1", "deleted")
    assert relance("forget", "x0", "--config", config, home=place.root).code == 0
    night(company.config, place.root, "2024-07-01")
