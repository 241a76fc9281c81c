"""The journal: what people say they did with a version's files, and what a version asks them to do."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from schemas.network_file import FileKind
from schemas.segment import Audience

#: `created`: a new list holds the full file; `replaced`: it is all that the list holds now; `added`, `removed`: that
#: file was uploaded into the list; `deleted`: the list that the version went into is gone.
ConfirmationKind = Literal["created", "replaced", "added", "removed", "deleted"]

#: Which file of the version was uploaded, by what was said of it.
UPLOADED: dict[ConfirmationKind, FileKind] = {
    "created": "full", "replaced": "full", "added": "add", "removed": "remove",
}  # fmt: skip
#: What brings keys into a list, of which there may not have been one before.
FILLING: tuple[ConfirmationKind, ...] = ("created", "replaced", "added")
#: Of what changes a list that is filled, what is said.
DELTAS: tuple[ConfirmationKind, ...] = ("added", "removed")


class Confirmation(BaseModel):
    """One line of the journal. It stands until it is undone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Rises; the order in which things were done.
    number: int
    network: str
    account: str
    segment: str
    version: str
    kind: ConfirmationKind
    #: The network's lists that the version's files went into, as `Manifest.lists_of` names them; empty if none did.
    lists: tuple[str, ...] = ()
    #: UTC.
    confirmed_at: datetime
    confirmed_by: str
    undone_at: datetime | None = None
    undone_by: str | None = None

    @property
    def audience(self) -> Audience:
        return Audience(self.network, self.account, self.segment)

    @property
    def name(self) -> str:
        """As removals and certificates name it: `removed 2025-06-30.2`."""
        return f"{self.kind} {self.version}"


class UploadStep(BaseModel):
    """One thing to do at the network, and how it is confirmed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: What to confirm when it is done: `relance confirm NETWORK/AUDIENCE version --as kind`.
    kind: ConfirmationKind
    #: The step's own version; where a list is to be deleted, one that went into it.
    version: str
    #: Which files of the version are uploaded; None if none is.
    file: FileKind | None
    #: The step in a sentence.
    says: str
    #: The lists that it is about, where the network keeps several: as `names_of_lists` has them.
    lists: tuple[str, ...] = ()
    #: Those of them that are to be made, where others of the audience are there: nothing was put into them yet.
    new_lists: tuple[str, ...] = ()

    @property
    def makes_a_list(self) -> bool:
        return self.kind == "created" or bool(self.new_lists)

    @property
    def changes_a_list(self) -> bool:
        """Whether a file goes into a list that is there."""
        return self.kind not in {"created", "deleted"} and (not self.new_lists or self.new_lists != self.lists)


#: What people are told of the list that a network has no name for, where it has others too.
UNNAMED_LIST = "contacts"


def names_of_lists(lists: Iterable[str], beside: Iterable[str] = ()) -> tuple[str, ...]:
    """What people are told of these of a network's lists, which it may keep one of without a name; none if that is the
    only one, and nothing of the audience is `beside` it."""
    found = tuple(dict.fromkeys(lists))
    return () if {*found, *beside} <= {""} else tuple(name or UNNAMED_LIST for name in found)


class VersionOrder(NamedTuple):
    """Where `YYYY-MM-DD.N` stands among the versions of an audience."""

    as_of: str
    number: int

    @classmethod
    def of(cls, version: str) -> VersionOrder:
        as_of, _, number = version.rpartition(".")
        return cls(as_of, int(number))
