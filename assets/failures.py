"""What may be said of an error that is none of ours, and the end of a night that cannot begin."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from catalog.full_disk import disk_failure
from catalog.home import Home
from catalog.store import Catalog
from schemas.errors import RelanceError, StageError
from schemas.said import Said


@contextmanager
def ended_if_it_fails(catalog: Catalog, night: int, home: Home) -> Iterator[None]:
    """A night's beginning: if it fails, nobody closes the night later."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is, only its place may be told
        failure = error if isinstance(error, RelanceError) else told("opening", error, home)
        with suppress(RelanceError):
            catalog.end_night(night, "failed", [failure.said], failure.exit_code)
        raise failure from None


def told(name: str, error: Exception, home: Home) -> RelanceError:
    """What may be said of an error that is none of ours, in what is called `name`."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "site-packages" not in frame.filename]
    place = f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}"
    msg = Said(
        "{name} failed: {kind} in {place}. Its message quotes rows and is not shown.",
        name=name,
        kind=type(error).__name__,
        place=place,
    )
    return disk_failure(error, home.root) or StageError(msg)
