"""Whose keys a request to be forgotten may take along: those of everybody who ever shared an address with them."""

from __future__ import annotations

from itertools import product

from scipy.cluster.hierarchy import DisjointSet

from tests.simulation.export import Record
from tests.simulation.keys import Key, key_of, name_key_of


class Kin:
    """Every state that a record was ever in, joined by the ids and addresses in it."""

    def __init__(self) -> None:
        self._joined = DisjointSet()
        self._states: dict[str, set[Record]] = {}

    def note(self, record: Record) -> None:
        """The record is now like that."""
        for name in filter(None, (record.id, record.email, record.phone)):
            self._joined.add(name)
            self._joined.merge(record.id, name)
        self._states.setdefault(record.id, set()).add(record)

    def keys_of(self, name: str, network: str) -> set[Key]:
        """All that the network ever knew them by whom the id or address means, and those joined with them."""
        states = [state for kin in self._joined.subset(name) for state in self._states.get(kin, ())]
        keys = {key_of(network, address) for state in states for address in (state.email, state.phone) if address}
        if network == "google_ads":
            # A person's names and postal code may be from two of their records.
            parts = ({getattr(state, part) for state in states} for part in ("first", "last", "postcode"))
            keys |= {name_key_of(*each) for each in product(*parts)}
        return keys
