"""Rendered parts of pages, kept until the catalog changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

from markupsafe import Markup

#: Whoever types searches fills it; the ones longest not asked for go first.
_KEPT = 200


class Fragments:
    """Fragments by what they show, of one state of the catalog."""

    def __init__(self) -> None:
        self._state: object = None
        self._kept: OrderedDict[Hashable, Markup] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, state: object, key: Hashable, make: Callable[[], Markup]) -> Markup:
        """The fragment for `key`, made if it is not there; whatever is of another object than `state` is forgotten."""
        with self._lock:
            if self._state is not state:
                self._state = state
                self._kept.clear()
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = make()
        with self._lock:
            if self._state is state:
                self._kept[key] = made
                if len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
        return made
