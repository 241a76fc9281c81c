"""Whom an audience leaves out by its segment's own choice: `exclude`, `priority` and `holdout`, resolved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import NamedTuple

from schemas.errors import ConfigError
from schemas.segment import Audience, Segment
from schemas.uploads import excluded_by, outranked_by


class HeldOut(NamedTuple):
    """A share of the people, drawn by a name."""

    share: Decimal
    name: str


class Choice(NamedTuple):
    """`exclude`: segments whose people are left out. `rivals`: segments that keep whom they have in common with this
    one on its network account, the highest first, and whom each of them excludes itself."""

    exclude: tuple[str, ...]
    rivals: dict[str, tuple[str, ...]]
    holdout: HeldOut | None

    @property
    def segments(self) -> tuple[str, ...]:
        """The segments whose people must be known, each once."""
        asked = (*self.exclude, *self.rivals, *(name for exclude in self.rivals.values() for name in exclude))
        return tuple(dict.fromkeys(asked))

    @property
    def reasons(self) -> tuple[str, ...]:
        """The ledger's words, in its order."""
        return (
            *(excluded_by(name) for name in self.exclude),
            *(outranked_by(name) for name in self.rivals),
            *(("holdout",) if self.holdout is not None else ()),
        )


def choice_of(audience: Audience, segments: Mapping[str, Segment]) -> Choice:
    """What the audience leaves out."""
    segment = segments[audience.segment]
    above = [
        (other.priority, name)
        for name, other in segments.items()
        if segment.priority is not None
        and other.priority is not None
        and other.priority > segment.priority
        and audience._replace(segment=name) in other.audiences(name)
    ]
    holdout = segment.holdout
    return Choice(
        exclude=segment.exclude,
        rivals={name: segments[name].exclude for _, name in sorted(above, reverse=True)},
        holdout=holdout and HeldOut(holdout.share, holdout.name or audience.segment),
    )


def check_choices(segments: Mapping[str, Segment]) -> None:
    """Refuse what cannot be resolved.

    Raises:
        ConfigError: a segment excludes one that is not there, or itself, or goes round in a circle; or two segments of
            one network account have the same priority.
    """
    for name, segment in segments.items():
        place = f"segments/{name}.toml: exclude"
        for other in segment.exclude:
            if other not in segments:
                msg = f"{place} names {other!r}; the segments are {', '.join(segments)}."
                raise ConfigError(msg)
        if len(set(segment.exclude)) != len(segment.exclude):
            msg = f"{place} names a segment twice."
            raise ConfigError(msg)
        circle = _circle(name, segments)
        if circle is not None:
            msg = (
                f"{place} goes round in a circle: {' excludes '.join(circle)}. Whoever is in all of them would be in "
                "no list. Take one away; `priority` says which of several lists keeps a person."
            )
            raise ConfigError(msg)
    _check_priorities(segments)


def _circle(name: str, segments: Mapping[str, Segment]) -> tuple[str, ...] | None:
    """The way from a segment over those that it excludes back to itself."""
    ways: list[tuple[str, ...]] = [(name,)]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        for other in segments[way[-1]].exclude:
            if other == name:
                return (*way, name)
            if other in segments and other not in seen:
                seen.add(other)
                ways.append((*way, other))
    return None


def _check_priorities(segments: Mapping[str, Segment]) -> None:
    taken: dict[tuple[str, str, int], str] = {}
    for audience, priority in _prioritised(segments):
        other = taken.setdefault((audience.network, audience.account, priority), audience.segment)
        if other != audience.segment:
            account = audience.network_account()
            msg = (
                f"segments/{audience.segment}.toml: priority {priority} is also that of {other}.toml, and both "
                f"are on {account}. Choose another number: it says which of the two keeps whoever is in both."
            )
            raise ConfigError(msg)


def _prioritised(segments: Mapping[str, Segment]) -> Iterator[tuple[Audience, int]]:
    for name, segment in segments.items():
        if segment.priority is not None:
            yield from ((audience, segment.priority) for audience in segment.audiences(name))
