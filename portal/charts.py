"""Charts as numbers between 0 and 100: templates draw them as SVG that stretches, with the labels beside in HTML."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple


class Line(NamedTuple):
    """A line over time: an SVG path and the area under it in a box of 100 × 100, and what to write beside it."""

    path: str
    area: str
    #: The last point.
    x: float
    y: float
    first: tuple[date, float]
    last: tuple[date, float]
    #: What the box's lower and upper edges stand for.
    floor: float
    highest: float
    points: tuple[tuple[date, float], ...]


class Step(NamedTuple):
    """A bar of a waterfall, in percent of the whole."""

    name: str
    people: int
    start: float
    width: float


class Waterfall(NamedTuple):
    """From everybody, through each loss, to those who are left."""

    whole: int
    losses: tuple[Step, ...]
    left: Step


def line(points: list[tuple[date, float]]) -> Line:
    """Points of a series, oldest first and at least one; the axis starts at 0, or at the lowest where that would hide
    the change: what is written beside it is a value that was."""
    values = [value for _, value in points]
    lowest, highest = min(values), max(values)
    floor = 0.0 if lowest <= 0.5 * highest or lowest == highest else lowest
    days = [(day - points[0][0]).days for day, _ in points]
    span, height = days[-1], (highest - floor) or 1
    # Several readings of one day stand side by side.
    across = [day / span for day in days] if span else [place / max(len(days) - 1, 1) for place in range(len(days))]
    places = [
        (round(100 * x, 2), round(100 - 98 * (value - floor) / height, 2))
        for x, value in zip(across, values, strict=True)
    ]
    path = "M" + "L".join(f"{x:g} {y:g}" for x, y in places)
    area = f"{path}L{places[-1][0]:g} 100L{places[0][0]:g} 100Z"
    return Line(path, area, *places[-1], points[0], points[-1], floor, highest, tuple(points))


def decay(days: list[tuple[date, int]], today: date) -> Line | None:
    """What is left of a list, in percent, if nobody uploads: it falls on each of the days, which are in order, by so
    many keys. None if all of it is gone by today."""
    whole = sum(keys for _, keys in days)
    left = sum(keys for day, keys in days if day > today)
    if not left:
        return None
    points = [(today, 100 * left / whole)]
    for day, keys in days:
        if day > today:
            points.append((day, points[-1][1]))
            left -= keys
            points.append((day, 100 * left / whole))
    return line(points)


def waterfall(whole: int, dropped: dict[str, int], left: int) -> Waterfall:
    """The losses that cost somebody, in the order in which they are asked."""
    share = 100 / whole if whole else 0
    losses: list[Step] = []
    remaining = whole
    for name, people in dropped.items():
        if people:
            remaining -= people
            losses.append(Step(name, people, round(remaining * share, 2), round(people * share, 2)))
    return Waterfall(whole, tuple(losses), Step("left", left, 0, round(left * share, 2)))
