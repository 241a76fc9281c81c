"""The whole config folder, read and cross-checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from schemas.choice import check_choices
from schemas.declared import read_declared, slug_of
from schemas.errors import ConfigError
from schemas.network import Network, networks
from schemas.public_names import hint_in, neutral_name
from schemas.rates import read_rates
from schemas.segment import Audience, Segment
from schemas.settings import Settings
from schemas.source import Sources
from schemas.suppression import Suppression


@dataclass(frozen=True)
class Config:
    """What a company declares, and the networks it can use."""

    folder: Path
    settings: Settings
    sources: Sources
    rates: pl.DataFrame
    segments: dict[str, Segment]
    suppressions: dict[str, Suppression]
    #: With the columns that the company allows.
    networks: dict[str, Network]
    #: Audiences that have left the config and of which a network may still hold a list. The config does not know them:
    #: whoever has the home open does.
    retired: tuple[Audience, ...] = ()

    @property
    def audiences(self) -> tuple[Audience, ...]:
        """Every audience: each segment on each network account that it lists."""
        return tuple(audience for name, segment in self.segments.items() for audience in segment.audiences(name))

    @property
    def used_networks(self) -> dict[str, Network]:
        """The networks that some segment lists, or that may still hold a list."""
        used = {audience.network for audience in (*self.audiences, *self.retired)}
        return {name: network for name, network in self.networks.items() if name in used}


def read_settings(folder: Path) -> Settings:
    """The settings in `folder`, whatever its other files say.

    Raises:
        ConfigError: their file is missing or wrong.
    """
    return read_declared(Settings, folder.expanduser().resolve() / "relance.toml")


def read_config(folder: Path) -> Config:
    """The config in `folder`.

    Raises:
        ConfigError: a file is missing or wrong, or two files contradict each other.
    """
    folder = folder.expanduser().resolve()
    settings = read_settings(folder)
    segments = {slug_of(path): read_declared(Segment, path) for path in sorted((folder / "segments").glob("*.toml"))}
    config = Config(
        folder=folder,
        settings=settings,
        sources=read_declared(Sources, folder / "sources.toml"),
        rates=read_rates(folder / "rates.csv", settings.currency),
        segments=segments,
        suppressions={
            slug_of(path): read_declared(Suppression, path) for path in sorted((folder / "suppressions").glob("*.toml"))
        },
        networks=_allowed_networks(settings, folder / "relance.toml"),
    )
    _check_networks_exist(config)
    _check_purposes(config)
    _check_public_names_differ(config)
    _check_public_names_are_neutral(config)
    check_choices(segments)
    return config


def _allowed_networks(settings: Settings, path: Path) -> dict[str, Network]:
    """The networks with the columns that the company allows or asks for."""
    known = networks()
    for name, headers in settings.allow_plain.items():
        if name not in known:
            msg = f"{path}: allow_plain names {name!r}; relance knows {', '.join(known)}."
            raise ConfigError(msg)
        plain = [column.header for column in known[name].columns if column.needs_permission]
        for header in headers:
            if header not in plain:
                msg = (
                    f"{path}: allow_plain.{name}: {header!r} is no column that {name} takes only in plain; "
                    f"those are {', '.join(plain) or 'none'}."
                )
                raise ConfigError(msg)
    limiting = [name for name, network in known.items() if network.limits_data_use]
    for name in settings.limited_data_use:
        if name not in limiting:
            msg = f"{path}: limited_data_use names {name!r}; it can name {', '.join(limiting)}."
            raise ConfigError(msg)
    return {
        name: network.allowing(settings.allow_plain.get(name, ()), limited_data_use=name in settings.limited_data_use)
        for name, network in known.items()
    }


def _check_networks_exist(config: Config) -> None:
    for audience in config.audiences:
        if audience.network not in config.networks:
            msg = (
                f"{config.folder / 'segments' / audience.segment}.toml: networks lists {audience.network!r}; "
                f"relance knows {', '.join(config.networks)}."
            )
            raise ConfigError(msg)


def _check_purposes(config: Config) -> None:
    """What is set for a purpose that no network asks for would do nothing, though the company relied on it."""
    asked = sorted({purpose for network in config.networks.values() for purpose in network.consent})
    settings = config.settings
    named = {
        f"assume.{region}.{purpose}": purpose
        for region, assumption in settings.assume.items()
        for purpose, is_assumed in assumption.model_dump().items()
        if is_assumed
    } | {f"consent.{purpose}": purpose for purpose in settings.consent}
    for setting, purpose in named.items():
        if purpose not in asked:
            msg = (
                f"{config.folder / 'relance.toml'}: {setting} does nothing, since no network asks for {purpose}; they "
                f"ask for {' and '.join(asked)}. If a word about {purpose} is to count for one of these, write "
                f'[consent] {asked[-1]} = ["{purpose}"].'
            )
            raise ConfigError(msg)


def _check_public_names_differ(config: Config) -> None:
    owner: dict[str, str] = {}
    for name, segment in config.segments.items():
        if segment.public_name in owner:
            msg = (
                f"{config.folder / 'segments' / name}.toml: public_name {segment.public_name!r} is also that of "
                f"{owner[segment.public_name]}.toml. Choose another: a network cannot tell the two lists apart."
            )
            raise ConfigError(msg)
        owner[segment.public_name] = name


def _check_public_names_are_neutral(config: Config) -> None:
    taken = [segment.public_name for segment in config.segments.values()]
    for name, segment in config.segments.items():
        for field, text in (("public_name", segment.public_name), ("public_description", segment.public_description)):
            hint = hint_in(text or "")
            if hint is not None:
                said = f"{hint.word!r} hints at {hint.kind}, and the network sees it"
                advice = (
                    f"public_name = {neutral_name(taken)!r} says nothing" if field == "public_name" else "Leave it out"
                )
                msg = f"{config.folder / 'segments' / name}.toml: {field}: {said}. {advice}."
                raise ConfigError(msg)
