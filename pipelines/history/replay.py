"""A kept night rebuilt: its full files once more, without whoever was erased, withdrew or is suppressed since.

What is rebuilt is compared with the night's manifest. It goes to `replay/`, which nothing lists, serves or starts from.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Literal, NamedTuple

import polars as pl
import sqlalchemy as sa

from catalog.erasures import erasure_requests, removals
from catalog.home import Home
from catalog.store import Catalog, manifest_of
from pipelines.history.declared import config_of
from pipelines.history.neighbours import KnownPeople, permitted_people, person_records, refused_keys, states_of
from pipelines.history.nights import Night
from pipelines.identifiers.identifiers import identifiers
from pipelines.identifiers.match_keys import network_keys
from pipelines.segments.rules import members_on
from pipelines.uploads.rows.audience_rows import AudienceRows, audience_rows
from pipelines.uploads.rows.leaving_out import Readers, leaving_out
from pipelines.uploads.tonight import Tonight
from pipelines.uploads.versions.digests import rules_version
from pipelines.uploads.versions.recount import check_full_files
from pipelines.uploads.versions.staging import checked_files, move_into_place, staging_folder
from schemas.choice import choice_of
from schemas.config import Config
from schemas.crm import CrmErasures
from schemas.errors import DayError
from schemas.network import Network, match_columns
from schemas.segment import Audience
from schemas.uploads import Ledger, Manifest

#: person_id, segment of no members.
_NOBODY = pl.DataFrame(schema={"person_id": pl.String, "segment": pl.String})


class Replayed(NamedTuple):
    """`equal` to the night's files byte by byte; `fewer` by people or keys that left since; `differs` although nobody
    left, which is a defect; `nothing`, since the night published no full file of its customers or too few are left; or
    `impossible`. `people`: how many are out. `reason`: why nothing was rebuilt, in a clause."""

    audience: Audience
    outcome: Literal["equal", "fewer", "differs", "nothing", "impossible"]
    version: str | None = None
    people: int = 0
    reason: str = ""


class _Published(NamedTuple):
    """What the night made of an audience: the version that it published or found still fresh, whatever became of it
    since; or why it was held."""

    manifest: Manifest | None
    held: str | None
    #: People in its full files by that night's own count: the manifest's may be of a version that it was made of.
    people: int = 0
    #: Whether anybody was erased since: of them nothing is left by which that could be seen.
    erased_since: bool = False


class _Then(NamedTuple):
    """What a network was given that night, of those who may still be sent to it; `left`: whether somebody or some key
    is out."""

    known: KnownPeople
    left: bool


def replay(night: Night, home: Home, catalog: Catalog, current: Config, identity_key: str) -> list[Replayed]:
    """Rebuild every audience of the night, by the config of that night and the consents of that night and of now.

    Raises:
        DayError: the night's config is not kept, or none of its audiences can be rebuilt.
    """
    declared = config_of(night)
    published = {audience: _published(night, catalog, audience) for audience in declared.audiences}
    refused = {audience: _refusal(audience, made, declared, current) for audience, made in published.items()}
    reasons = dict.fromkeys(reason for reason in refused.values() if reason is not None)
    if reasons and all(refused[audience] or made.manifest is None for audience, made in published.items()):
        msg = f"Nothing of the night of {night.day} can be rebuilt: {'; '.join(reasons)}."
        raise DayError(msg)
    folder = home.replay / night.day.isoformat()
    shutil.rmtree(folder, ignore_errors=True)
    night.warehouse.ensure("crm_erasures", CrmErasures)
    # Who may not be sent is as of now; by which keys a network knows them, as it was then.
    tonight = Tonight(night.warehouse, replace(current, networks=declared.networks), identity_key, night.day)
    records, members_of = person_records(night), cache(partial(members_on, night.warehouse, declared, as_of=night.day))
    done: list[Replayed] = []
    for name in sorted(declared.used_networks):
        here = [audience for audience in published if audience.network == name]
        possible = [audience for audience in here if refused[audience] is None]
        done += [Replayed(each, "impossible", reason=refused[each] or "") for each in here if each not in possible]
        if not possible:
            continue
        then = _then(night, declared, declared.networks[name], tonight, records)
        for audience in possible:
            rows = _rows(declared, audience, then.known, identity_key, members_of)
            done.append(_rebuilt(folder, home, declared, audience, published[audience], rows, left=then.left))
    shutil.rmtree(home.replay / ".staging", ignore_errors=True)
    return done


def _published(night: Night, catalog: Catalog, audience: Audience) -> _Published:
    outcome = catalog.outcome_on(audience, night.day)
    if outcome is None:
        return _Published(None, None)
    if outcome["outcome"] == "held":
        return _Published(None, str(outcome["reason"]))
    version = next((row for row in catalog.versions(audience, None) if row["version"] == outcome["version"]), None)
    if version is None:
        return _Published(None, None)
    people = Ledger.model_validate(outcome["ledger"]).file_people
    return _Published(manifest_of(version), None, people, _erased_since(catalog, audience, version))


def _erased_since(catalog: Catalog, audience: Audience, version: sa.RowMapping) -> bool:
    """Whether somebody asked to be forgotten since the version was published; or had asked before, was back by a
    consent, and is erased again, so that the version carried keys of theirs."""
    if any(request.received_at > version["published_at"] for request in erasure_requests(catalog)):
        return True
    return any(
        version["version"] in each.carried_by and each.state != "consented"
        for each in removals(catalog, audience=audience)
    )


def _refusal(audience: Audience, published: _Published, declared: Config, current: Config) -> str | None:
    """Why the audience cannot be rebuilt; None if it can."""
    network, manifest = declared.networks[audience.network], published.manifest
    if audience.network not in current.used_networks:
        return f"{audience.network} is no longer declared, so nobody's consent to it is known"
    if manifest is not None and manifest.rules_version != rules_version(network):
        return (
            f"{manifest.version} was made by the rules {manifest.rules_version} of {network.title}, and this release "
            f"has {rules_version(network)}, which would give other keys"
        )
    return None


def _then(night: Night, declared: Config, network: Network, tonight: Tonight, records: pl.DataFrame) -> _Then:
    name = network.name
    held = identifiers(records, match_columns([network]))
    permitted = permitted_people(night, name, declared.settings.currency)
    # Whoever has a record today that belongs to somebody who may not be sent: they withdrew, or are suppressed.
    gone = night.read(
        f"SELECT DISTINCT before.person_id FROM {night.table('customer_records')} AS before "
        "JOIN warehouse.customer_records AS today USING (customer_id) "
        "WHERE today.person_id NOT IN (SELECT person_id FROM warehouse.permissions WHERE network = $network)",
        network=name,
    )
    still = permitted.join(gone, on="person_id", how="anti").with_row_index("number")
    keys = network_keys(held.join(still, on="person_id", how="semi"), network).unique()
    refused = refused_keys(night, name)
    new = keys.filter(tonight.forbidden(name)(keys)).select("key", "value")
    new = new.join(refused, on=["key", "value"], how="anti").select(network=pl.lit(name), key="key", value="value")
    states = states_of(network, records, still)
    left = still.height < permitted.height or not new.is_empty()
    return _Then(KnownPeople(network, held, still, pl.concat([refused.select(new.columns), new]), states), left)


def _rows(
    declared: Config,
    audience: Audience,
    known: KnownPeople,
    identity_key: str,
    members_of: Callable[[str], pl.DataFrame],
) -> AudienceRows:
    readers = Readers(
        lambda names: pl.concat([_NOBODY, *(members_of(name).with_columns(segment=pl.lit(name)) for name in names)]),
        lambda people: known.held.filter(pl.col("person_id").is_in(people.implode())),
        known.people,
    )
    choice = choice_of(audience, declared.segments)
    leaving = leaving_out(choice, known.network, readers, identity_key)
    inside = members_of(audience.segment)
    return audience_rows(inside, known.people(), known.network, leaving=leaving)


def _rebuilt(  # noqa: PLR0913, PLR0917 - whose rows, where they go, and what they are compared with
    folder: Path,
    home: Home,
    declared: Config,
    audience: Audience,
    published: _Published,
    rows: AudienceRows,
    *,
    left: bool,
) -> Replayed:
    manifest, held, people, erased_since = published
    if held is not None:
        return Replayed(audience, "nothing", reason=f"the audience was held that night ({held})")
    before = () if manifest is None else tuple(entry for entry in manifest.files if entry.kind == "full")
    if manifest is None or not before:
        return Replayed(audience, "nothing", reason="that night published no full file")
    if rows.below_minimum:
        return Replayed(audience, "nothing", manifest.version, reason="too few people of it are left for the network")
    segment, network = declared.segments[audience.segment], declared.networks[audience.network]
    staged = home.replay / ".staging" / "-".join(audience)
    with staging_folder(home.replay, home.replay / ".staging", staged):
        checked = checked_files(audience, segment, network, {"full": rows.lists}, staged)
        check_full_files(audience, rows.ledger, network, checked)
        files = tuple(file.entry for file in checked)
        for path in staged.iterdir():
            path.chmod(0o600)
        move_into_place(staged, folder.joinpath(*audience), home.replay)
    fewer = people - rows.ledger.file_people
    if [(entry.name, entry.sha256) for entry in files] == [(entry.name, entry.sha256) for entry in before]:
        return Replayed(audience, "equal", manifest.version, 0)
    left |= erased_since and fewer >= 0
    return Replayed(audience, "fewer" if left else "differs", manifest.version, fewer)
