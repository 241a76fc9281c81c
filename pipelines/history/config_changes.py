"""What of the config is otherwise than in the night before: what a night report says of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date

import polars as pl

from catalog.store import Catalog
from catalog.warehouse import Warehouse
from pipelines.history.declared import config_before
from pipelines.uploads.versions.renewed_rules import renewed_rules
from schemas.config import Config
from schemas.nights import ConfigChange
from schemas.segment import MAIN_ACCOUNT, Audience, Segment
from schemas.source import Sources, Tables

#: Fields of a segment that have a sentence of their own.
_TOLD_APART = {"public_name", "where", "networks"}


def changes_tonight(warehouse: Warehouse, catalog: Catalog, config: Config, day: date) -> list[ConfigChange]:
    """What the night of `day` has otherwise than the newest kept one before it, and networks' rules that are new."""
    before = config_before(warehouse, day)
    published = {row["segment"] for row in catalog.versions(state=None)}
    declared = [] if before is None else config_changes(before, config, published)
    return [*declared, *renewed_rules(catalog, config)]


def config_changes(before: Config, now: Config, published: Collection[str] = ()) -> list[ConfigChange]:
    """In: the config of the night before, and tonight's; the segments that ever had files. Out: each change once, what
    concerns lists first.
    """
    return [
        *_segments(before, now, published),
        *_accounts(before, now),
        *_suppressions(before, now),
        *_settings(before, now),
        *_sources(before.sources, now.sources),
        *_rates(before.rates, now.rates),
    ]


def _segments(before: Config, now: Config, published: Collection[str]) -> Iterator[ConfigChange]:
    gone = {was.public_name: name for name, was in before.segments.items() if name not in now.segments}
    new = {is_now.public_name: name for name, is_now in now.segments.items() if name not in before.segments}
    renamed = sorted(gone.keys() & new.keys())
    for label in renamed:
        kind = "file_renamed_back" if new[label] in published else "file_renamed"
        names = {"before": f"{gone[label]}.toml", "after": f"{new[label]}.toml"}
        yield ConfigChange(kind=kind, about=now.segments[new[label]].title, **names)
        was, is_now = before.segments[gone[label]], now.segments[new[label]]
        yield from _segment(was, is_now)
        yield from _audiences(is_now.title, set(was.audiences(new[label])), set(is_now.audiences(new[label])), now)
    told = {name for label in renamed for name in (gone[label], new[label])}
    for name in sorted({*before.segments, *now.segments} - told):
        was, is_now = before.segments.get(name), now.segments.get(name)
        if is_now is None and was is not None:
            yield ConfigChange(kind="segment_removed", about=was.title)
        elif was is None and is_now is not None:
            yield ConfigChange(kind="segment_added", about=is_now.title)
        elif was is not None and is_now is not None:
            yield from _segment(was, is_now)
            yield from _audiences(is_now.title, set(was.audiences(name)), set(is_now.audiences(name)), now)


def _segment(was: Segment, now: Segment) -> Iterator[ConfigChange]:
    if was.public_name != now.public_name:
        yield ConfigChange(kind="label_renamed", about=now.title, before=was.public_name, after=now.public_name)
    before, after = (" ".join(rule.where.split()) for rule in (was, now))
    if before != after:
        yield ConfigChange(kind="rule_changed", about=now.title, before=before, after=after)
    others = [name for name in Segment.model_fields if name not in _TOLD_APART]
    if changed := [name for name in others if getattr(was, name) != getattr(now, name)]:
        yield ConfigChange(kind="segment_changed", about=now.title, after=", ".join(changed))


def _audiences(title: str, was: set[Audience], is_now: set[Audience], now: Config) -> Iterator[ConfigChange]:
    for audience in sorted(is_now - was):
        yield ConfigChange(kind="audience_added", about=title, after=_place(audience, now))
    for audience in sorted(was - is_now):
        yield ConfigChange(kind="audience_retired", about=title, before=_place(audience, now))


def _place(audience: Audience, config: Config) -> str:
    title = config.networks[audience.network].title
    return title if audience.account == MAIN_ACCOUNT else f"{title} ({audience.account})"


def _accounts(before: Config, now: Config) -> Iterator[ConfigChange]:
    for network in now.used_networks.values():
        was, is_now = (_accounts_of(config, network.name) for config in (before, now))
        if was and is_now - was:
            before_and_after = {"before": ", ".join(sorted(was)), "after": ", ".join(sorted(is_now))}
            yield ConfigChange(kind="account_added", about=network.title, **before_and_after)


def _accounts_of(config: Config, network: str) -> set[str]:
    return {audience.account for audience in config.audiences if audience.network == network}


def _suppressions(before: Config, now: Config) -> Iterator[ConfigChange]:
    names = {*before.suppressions, *now.suppressions}
    if changed := sorted(name for name in names if before.suppressions.get(name) != now.suppressions.get(name)):
        yield ConfigChange(kind="suppressions_changed", after=", ".join(changed))


def _settings(before: Config, now: Config) -> Iterator[ConfigChange]:
    was, is_now = before.settings, now.settings
    if changed := [name for name in type(is_now).model_fields if getattr(was, name) != getattr(is_now, name)]:
        yield ConfigChange(kind="settings_changed", after=", ".join(changed))


def _sources(before: Sources, now: Sources) -> Iterator[ConfigChange]:
    tables = [
        f"[tables.{name}]" for name in Tables.model_fields if getattr(before.tables, name) != getattr(now.tables, name)
    ]
    names = sorted({*before.sources, *now.sources})
    sources = [f"[sources.{name}]" for name in names if before.sources.get(name) != now.sources.get(name)]
    day = ["as_of"] if before.as_of != now.as_of else []
    if changed := [*day, *sources, *tables]:
        yield ConfigChange(kind="sources_changed", after=", ".join(changed))


def _rates(before: pl.DataFrame, now: pl.DataFrame) -> Iterator[ConfigChange]:
    either = pl.concat([before.unique(), now.unique()])
    changed = either.filter(either.is_unique())["currency"].unique().sort()
    if changed.len():
        yield ConfigChange(kind="rates_changed", after=", ".join(changed))
