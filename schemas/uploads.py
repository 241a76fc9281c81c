"""What leaves the house: keys per audience version, keys that may not leave, the ledger, the manifest."""

from __future__ import annotations

import re
from typing import Literal, get_args

import dataframely as dy
from pydantic import BaseModel, ConfigDict, Field

from schemas.audit import AuditHead
from schemas.brake import NOT_COUNTED, SourceCounts
from schemas.canonical import canonical_json
from schemas.journal import UploadStep
from schemas.network_file import FileKind
from schemas.privacy import HASHED
from schemas.said import Said
from schemas.settings import Purpose

#: What a night did with an audience: `fresh`: its newest version stays; `retired`: it has left the config.
AudienceOutcome = Literal["published", "fresh", "held", "retired"]
#: Why a published version's files are gone: `lost`: its folder was not there; `withdrawn`: it held what it must not;
#: `expired`: it was too old.
GoneState = Literal["lost", "withdrawn", "expired"]
VersionState = Literal["published", GoneState]

#: By purpose: the person did not grant what the network asks of people where they live.
NO_CONSENT: dict[Purpose, str] = {purpose: f"no_consent_to_{purpose}" for purpose in get_args(Purpose)}
#: The person said something other than yes about profiling, and every segment is a profile.
OBJECTED = "objected_to_profiling"
#: Younger than the company's minimum, or of no known age where it has one.
UNDER_AGE, AGE_UNKNOWN = "under_age", "age_unknown"

#: Why a person of the segment is not in the file, in the order in which reasons are asked; `suppressed` stands for one
#: reason a rule (`suppressed_by`), `excluded` and `outranked` for one a segment (`excluded_by`, `outranked_by`). Erased
#: people are in no segment: they are taken out while the CRM is read. The holdout comes last: who is in it would have
#: been uploaded.
LEDGER_REASONS = (
    *NO_CONSENT.values(),
    OBJECTED,
    UNDER_AGE,
    AGE_UNKNOWN,
    "suppressed",
    "excluded",
    "outranked",
    "region_not_served",
    "no_usable_identifier",
    "needed_value_missing",
    "key_refused",
    "list_below_minimum",
    "duplicate_after_hashing",
    "holdout",
)


def suppressed_by(rule: str) -> str:
    """The reason of people whom a suppression rule names."""
    return f"suppressed_by_{rule}"


def excluded_by(segment: str) -> str:
    """The reason of people whom the audience leaves out because they are in another segment."""
    return f"excluded_by_{segment}"


def outranked_by(segment: str) -> str:
    """The reason of people whom a segment of higher priority keeps."""
    return f"outranked_by_{segment}"


_BY_NAME = ("suppressed by {name}", "excluded by {name}", "outranked by {name}")


def reason_said(reason: str) -> Said:
    """A reason of the ledger in words; the name of a rule or segment stays as it is declared."""
    for words in _BY_NAME:
        kind = words.removesuffix("{name}").replace(" ", "_")
        if reason.startswith(kind):
            return Said(words, name=reason.removeprefix(kind))
    return Said(reason.replace("_", " "))


def in_ledger_order(dropped: dict[str, int]) -> dict[str, int]:
    """The counts by reason in the order of `LEDGER_REASONS`, those of a kind (`suppressed`) by name."""

    def place(reason: str) -> int:
        return next(
            number
            for number, known in enumerate(LEDGER_REASONS)
            if reason == known or reason.startswith(f"{known}_by_")
        )

    return dict(sorted(dropped.items(), key=lambda item: (place(item[0]), item[0])))


class RefusedKeys(dy.Schema):
    """A key that no row may carry on a network, because somebody who shares it is refused there."""

    network = dy.String(description="The network that sees it.")
    key = dy.String(description="The network's key, e.g. `email`.")
    value = dy.String(metadata=HASHED, description="The key as the network sees it; composite parts split by a tab.")


class KeyVersions(dy.Schema):
    """Files of a version whose keys are kept, by kind and list, and what stands for them in `AudienceKeys`."""

    version_id = dy.UInt32(primary_key=True)
    network = dy.String()
    account = dy.String()
    segment = dy.String()
    version = dy.String()
    kind = dy.String(check=lambda kind: kind.is_in(["full", "add", "remove"]))
    list = dy.String(description="The network's list that the files are for; empty where the network keeps one.")
    state = dy.String(
        check=lambda state: state.is_in(["pending", "final", "thin"]),
        description="pending until the version's folder and its row in the catalog are there; thin when keys that a "
        "newer version carries too were forgotten.",
    )
    series = dy.UInt32(description="One for all final full files of a list; other files have each their own.")


class AudienceKeys(dy.Schema):
    """A key that the files of a series carry from one version up to another: hardly any comes or goes in a night."""

    series = dy.UInt32(description="Which files, by `KeyVersions`.")
    key = dy.String(description="The network's key, e.g. `email`.")
    value = dy.String(metadata=HASHED, description="The key as the network sees it.")
    since = dy.UInt32(description="The first files that carry it, by version_id.")
    until = dy.UInt32(nullable=True, description="The first that do not any more; null if the newest do.")


class IdentifierLedger(BaseModel):
    """How many of the file's people carry one of the network's keys, and why the others do not: `not_given`,
    `key_refused`, `not_taken_there` (where they live), `no_form_there`, `list_below_minimum`, or what made theirs none.
    People who look the same all count."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    people: int
    lost: dict[str, int]


class RetiredAudiences(dy.Schema):
    """An audience that has left the config, and the version that says what is still to be done at its network."""

    network = dy.String(primary_key=True)
    account = dy.String(primary_key=True)
    segment = dy.String(primary_key=True)
    version = dy.String(description="The version that says it.")


class Ledger(BaseModel):
    """Where the people of a segment went: in the file, or out for a named reason. It closes or the run fails."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    segment_people: int
    dropped: dict[str, int]
    file_people: int
    file_rows: int
    #: People in the file whom an assumption or a word on another purpose let in, and no word of their own.
    on_assumption: int = 0
    by_other_purpose: int = 0
    #: Identifiers that the segment's people gave and that are no match key, by `identifier: reason`; who gave a good
    #: one beside them is not lost.
    refused_identifiers: dict[str, int] = Field(default_factory=dict)
    #: By the network's key. Each sum is that of the people in the file and of those who look the same as one of them.
    identifiers: dict[str, IdentifierLedger] = Field(default_factory=dict)

    @property
    def closes(self) -> bool:
        return self.segment_people == self.file_people + sum(self.dropped.values()) and not self.open_identifiers

    @property
    def open_identifiers(self) -> tuple[str, ...]:
        """The keys whose own sums do not close."""
        inside = self.file_people + self.dropped.get("duplicate_after_hashing", 0)
        return tuple(name for name, held in self.identifiers.items() if held.people + sum(held.lost.values()) != inside)

    @property
    def main_reason(self) -> str | None:
        """What cost the most people; None if nobody was lost."""
        lost = {reason: people for reason, people in self.dropped.items() if people}
        return max(lost, key=lambda reason: lost[reason]) if lost else None


#: Of a file in parts, which of them it is, as its name says it.
_PART = re.compile(r"part-\d{4}")


class FileEntry(BaseModel):
    """One file of a version."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: FileKind
    #: The network's list that it is for; empty where the network keeps one.
    list: str = ""
    rows: int
    bytes: int
    sha256: str


def list_of(entry: FileEntry, *, parts_apart: bool) -> str:
    """The network's list that the file is for: `us.emails`, and where each part fills one, `us.emails.part-0001`. Empty
    for the network's only list, or the one that it has no name for."""
    part = _PART.search(entry.name) if parts_apart else None
    return ".".join(piece for piece in (entry.list, part and part[0]) if piece)


class Signature(BaseModel):
    """An Ed25519 signature over what holds it: a manifest, a certificate or a head of the audit log. Both as hex."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    public_key: str
    value: str


class Manifest(BaseModel):
    """What a version holds. No clock time, host or run id: equal content differs in what `signed` adds only."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: str
    account: str
    segment: str
    public_name: str
    version: str
    as_of: str
    #: The confirmed state that the deltas start from, by `pipelines.holdings.open_lists.base_of`; None if nothing is.
    base: str | None
    rules_version: str
    assumptions: tuple[Said, ...]
    #: Lists of this audience that are below the network's minimum, and how many rows they have: not published.
    withheld: dict[str, int]
    ledger: Ledger
    files: tuple[FileEntry, ...]
    #: What the brake compares the next night's CRM with.
    sources: SourceCounts = NOT_COUNTED
    #: Keys that the network does not hold yet, and keys that it holds or may hold and must not.
    adds: int = 0
    removes: int = 0
    #: How many of the removes the law forbids it to hold: of people who were erased, withdrew or are suppressed.
    forbidden: int = 0
    #: Keys that it holds and that are sent again before it forgets them; and how many of the uploads into the list,
    #: oldest first, are renewed so.
    renewals: int = 0
    renewed_uploads: int = 0
    #: What to do at the network, in order; nothing if it holds what it should.
    plan: tuple[UploadStep, ...] = ()
    #: What may be done instead, where the network's help does not document it: try it first.
    alternative: tuple[UploadStep, ...] = ()
    #: Why the plan is not simply to add and to remove.
    because: Said | None = None
    #: Of an audience that was held back and had to lose somebody all the same: the version whose full files these are,
    #: without what is forbidden. Ledger and source rows are those of that version.
    reduced_from: str | None = None
    #: Whether rows of its full files hold a key without what the version that they were made of had beside it.
    keys_alone: bool = False
    #: Whether the network replaces what a list holds.
    replaceable: bool = True
    #: Whether each part of a file fills a list of its own.
    parts_apart: bool = False
    #: Where the audit log stood when the manifest was signed; both are None until then.
    audit_head: AuditHead | None = None
    signature: Signature | None = None

    @property
    def full_rows(self) -> int:
        """Rows of the full file, of all its lists and parts."""
        return sum(entry.rows for entry in self.files if entry.kind == "full")

    @property
    def full_people(self) -> int | None:
        """People in the full file; None if there is none, or if it was made anew without what is forbidden: its ledger
        is of the version that it was made of, and rows do not tell how many of those people are left."""
        return self.ledger.file_people if self.has_file("full") and self.reduced_from is None else None

    def has_file(self, kind: FileKind) -> bool:
        """Whether the version has a file of the kind."""
        return any(entry.kind == kind for entry in self.files)

    def lists_of(self, kind: FileKind) -> tuple[str, ...]:
        """The network's lists that the files of the kind are for, as `list_of` names them."""
        found = (list_of(entry, parts_apart=self.parts_apart) for entry in self.files if entry.kind == kind)
        return tuple(dict.fromkeys(found))

    def signed_bytes(self) -> bytes:
        """The canonical JSON that the signature covers."""
        content = self.model_dump(mode="json", exclude={"signature"})
        return canonical_json(content).encode()
