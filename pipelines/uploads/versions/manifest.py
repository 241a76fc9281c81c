"""The manifest and the README of a version."""

from __future__ import annotations

from catalog.secret_keys import SecretKeys
from pipelines.uploads.versions.digests import rules_version
from pipelines.uploads.versions.draft import Draft, Publication
from pipelines.uploads.versions.plan import RETIRED, plan
from pipelines.uploads.versions.state import AudienceState
from schemas.audit import AuditHead
from schemas.counts import count_of
from schemas.journal import UploadStep
from schemas.network import Network
from schemas.said import Said
from schemas.segment import Audience, Segment
from schemas.settings import Settings
from schemas.uploads import FileEntry, Ledger, Manifest, Signature


def new_manifest(
    publication: Publication, draft: Draft, state: AudienceState, files: tuple[FileEntry, ...], settings: Settings
) -> Manifest:
    """The unsigned manifest of the draft, of which these files were written."""
    audience, network, situation = publication.audience, publication.network, draft.situation
    rows, reduction = draft.rows, draft.reduction
    same_parts = network.file.parts == "one list" or state.same_parts(files)
    planned = plan(situation, files, same_parts=same_parts)
    return Manifest(
        network=audience.network,
        account=audience.account,
        segment=audience.segment,
        public_name=publication.segment.public_name,
        version=situation.version,
        as_of=publication.as_of.isoformat(),
        base=state.base,
        rules_version=rules_version(network),
        assumptions=_assumptions(network, settings, rows.ledger),
        withheld=rows.withheld,
        ledger=rows.ledger,
        files=files,
        sources=rows.sources,
        adds=situation.change.adds.height,
        removes=situation.change.removes.height,
        forbidden=situation.change.forbidden,
        renewals=situation.change.renewals.keys.height,
        renewed_uploads=situation.change.renewals.uploads,
        plan=planned.steps,
        alternative=planned.alternative,
        because=_together(reduction and reduction.because, planned.because),
        reduced_from=reduction and reduction.manifest.version,
        keys_alone=reduction is not None and reduction.keys_alone,
        replaceable="replace" in network.update_modes,
        parts_apart=network.file.parts == "a list each",
    )


def _assumptions(network: Network, settings: Settings, ledger: Ledger) -> tuple[Said, ...]:
    """What counts as consent without being one, and how many people that let in."""
    assumed = [
        Said("{region}: {purpose} assumed granted where nothing is on record", region=region, purpose=_words(purpose))
        for region, assumption in sorted(settings.assume.items())
        for purpose in network.consent
        if getattr(assumption, purpose)
    ]
    if n := ledger.on_assumption:
        one, many = (
            "{n} person is in the file on such an assumption",
            "{n} people are in the file on such an assumption",
        )
        assumed.append(Said(one if n == 1 else many, n=n))
    assumed += [
        Said("{other} counts as {purpose} where nothing is on record for that",
             other=_words(other), purpose=_words(purpose))
        for purpose in network.consent
        for other in settings.consent.get(purpose, ())
    ]  # fmt: skip
    if n := ledger.by_other_purpose:
        one = "{n} person is in the file on a word for another purpose"
        many = "{n} people are in the file on a word for another purpose"
        assumed.append(Said(one if n == 1 else many, n=n))
    return tuple(assumed)


def _words(purpose: str) -> Said:
    return Said(purpose.replace("_", " "))


def _together(*reasons: Said | None) -> Said | None:
    given = [reason for reason in reasons if reason is not None]
    return Said("{reasons}", reasons=given) if len(given) > 1 else next(iter(given), None)


def signed(manifest: Manifest, audit_head: AuditHead, keys: SecretKeys) -> Manifest:
    """The manifest with the audit log's head, so that the log's end cannot be cut off behind it, and its signature."""
    manifest = manifest.model_copy(update={"audit_head": audit_head})
    signature = Signature(public_key=keys.public_key, value=keys.sign(manifest.signed_bytes()))
    return manifest.model_copy(update={"signature": signature})


#: Of ten people in a list that nobody here knows of, no removal would reach one.
_TRIAL = "copied by a plain text editor into a file for a list called test, which is deleted the same day"
_OF_PARTS = {
    "one list": "The parts of a list (.full.part-0001 and so on) are uploaded in turn into the same list.",
    "a list each": "Each part (.full.part-0001 and so on) becomes a list of its own: the next would replace it.",
}


def readme(manifest: Manifest, segment: Segment, network: Network) -> str:
    """Five lines: what this is, what to do, what not to do, what to do afterwards, and what is not certain; where no
    file is to be uploaded, nothing of files."""
    clicks = _where_to_click(manifest, segment, network)
    to_do, purpose = " ".join([_what_to_do(manifest), *clicks]), f"Purpose: {segment.purpose}."
    if not manifest.files:
        nothing = f"No file for {network.title}, as of {manifest.as_of}: nothing is to be uploaded."
        return "\n".join([nothing, to_do, purpose]) + "\n"
    lines = [
        _what_lies_here(manifest, network),
        to_do,
        "Never open a file in a spreadsheet, and do not mail it: hashed keys are personal data.",
        f"Delete the files when they are uploaded; a newer version replaces them. {purpose}",
        _what_is_uncertain(manifest, network),
    ]
    return "\n".join(lines) + "\n"


def _what_lies_here(manifest: Manifest, network: Network) -> str:
    minimum = network.file.minimum_rows.full
    files = ", ".join(f"{entry.name} ({count_of(entry.rows, 'row')})" for entry in manifest.files)
    short = "; ".join(f"{label} has only {rows:,}" for label, rows in manifest.withheld.items())
    missing = f" Not here, below the minimum of {minimum:,} rows: {short}." if short else ""
    people = count_of(manifest.ledger.file_people, "person", "people")
    if manifest.reduced_from:
        # Which may have been made so itself: its ledger then counts people of an older one.
        people = f"those of {manifest.reduced_from} who may still be sent,"
    # Without a full file the ledger counts who would have been in it.
    held = f": {people}" if manifest.has_file("full") else ""
    return (
        f"{files}{held} for {network.title}, as of {manifest.as_of}; "
        f"{count_of(manifest.adds, 'key')} to add, {manifest.removes:,} to remove.{missing}"
    )


def _what_is_uncertain(manifest: Manifest, network: Network) -> str:
    doubts = "; ".join(fact.says.rstrip(".") for fact in network.unconfirmed)
    if not doubts:
        return "All facts used here are documented."
    # Who is only to be removed may be in no list, not even in one to try.
    trial = f", try ten rows first ({_TRIAL})" if manifest.has_file("full") else ""
    return f"Unconfirmed{trial}: {doubts}."


def _what_to_do(manifest: Manifest) -> str:
    if not manifest.plan:
        return "What to do: nothing, the list holds what it should."
    is_whole_answer = manifest.reduced_from or manifest.because == RETIRED
    intro = "Why: " if is_whole_answer else "Why not only add and remove: "
    why = f" ({intro}{manifest.because}.)" if manifest.because else ""
    said = f"What to do: {_in_order(manifest.plan)}{why} {_when_done(manifest, manifest.plan)}"
    if not manifest.alternative:
        return said
    alternative = f"{_in_order(manifest.alternative)} {_when_done(manifest, manifest.alternative)}"
    return f"{said} Or, if the network offers it: {alternative}"


def _in_order(steps: tuple[UploadStep, ...]) -> str:
    if len(steps) == 1:
        return steps[0].says
    return " ".join(f"{place}. {step.says}" for place, step in enumerate(steps, start=1))


def _when_done(manifest: Manifest, steps: tuple[UploadStep, ...]) -> str:
    name = Audience(manifest.network, manifest.account, manifest.segment)
    done = " and ".join(f"`relance confirm {name} {step.version} --as {step.kind}`" for step in steps)
    return f"When it is done: {done}."


def _where_to_click(manifest: Manifest, segment: Segment, network: Network) -> list[str]:
    """How a list is changed or made at the network, whichever the steps ask."""
    steps = (*manifest.plan, *manifest.alternative)
    told: list[str] = []
    if any(step.changes_a_list for step in steps):
        told.append(_to_change(network))
    is_new = any(step.makes_a_list for step in steps)
    if is_new:
        told.append("Where to click for a new list: " + " ".join(network.upload_steps))
    full = [entry for entry in manifest.files if entry.kind == "full"]
    if any(step.file == "full" for step in steps) and len(full) > len({entry.list for entry in full}):
        told.append(_OF_PARTS[network.file.parts])
    if is_new and segment.public_description:
        told.append(f"Description: {segment.public_description}")
    return told


def _to_change(network: Network) -> str:
    where = "Where to click to change the list"
    if network.change_steps:
        return f"{where}, as others describe it: {' '.join(network.change_steps)}"
    return (
        f"{where} is not known here: go where new lists are made, open the one that is there, and look for a button "
        f"that changes it by a file: {network.upload_steps[0]}"
    )
