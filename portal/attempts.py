"""Slowing down whoever guesses passwords: a few wrong ones for a name or from an address, and one has to wait."""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import suppress
from datetime import datetime, timedelta

#: Wrong passwords in that time, for one name and from one address.
WINDOW = timedelta(minutes=15)
PER_NAME, PER_ADDRESS = 5, 30

#: Names and addresses remembered; the ones longest not seen go first.
_REMEMBERED = 10_000


class Attempts:
    """Wrong attempts of late, in memory: a restart forgets them."""

    def __init__(self) -> None:
        self._wrong: OrderedDict[tuple[str, str], list[datetime]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, name: str, address: str, at: datetime) -> timedelta | None:
        """How long to wait before the next attempt; None if none is needed."""
        with self._lock:
            waits = [
                recent[-most] + WINDOW - at
                for kind, value, most in (("name", name, PER_NAME), ("address", address, PER_ADDRESS))
                if len(recent := self._recent((kind, value), at)) >= most
            ]
        return max(waits, default=None)

    def wrong(self, name: str, address: str, at: datetime) -> None:
        """Remember a wrong attempt."""
        with self._lock:
            for key in (("name", name), ("address", address)):
                self._wrong[key] = [*self._recent(key, at), at][-PER_ADDRESS:]
                self._wrong.move_to_end(key)
            while len(self._wrong) > _REMEMBERED:
                self._wrong.popitem(last=False)

    def right(self, name: str, address: str, at: datetime) -> None:
        """Forget the wrong attempts for a name whose password was right, and that this attempt counted as one."""
        with self._lock:
            self._wrong.pop(("name", name), None)
            with suppress(KeyError, ValueError):
                self._wrong["address", address].remove(at)

    def _recent(self, key: tuple[str, str], at: datetime) -> list[datetime]:
        return [each for each in self._wrong.get(key, []) if at - each < WINDOW]
