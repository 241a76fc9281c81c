"""The five lines that say what to do with a version."""

from __future__ import annotations

from datetime import datetime

import pytest

from pipelines.holdings.open_lists import OpenList
from pipelines.holdings.steps import Steps
from pipelines.uploads.versions.manifest import readme
from pipelines.uploads.versions.plan import RETIRED
from schemas.journal import ConfirmationKind
from schemas.network import Network, networks
from schemas.network_file import Fact
from schemas.said import Said
from schemas.segment import Segment
from schemas.uploads import FileEntry, Ledger, Manifest

VERSION, OLDER = "2025-07-01.2", "2025-06-30.1"
SNAPCHAT = networks()["snapchat"].model_copy(
    update={
        "title": "Anyone Ads",
        "upload_steps": ("Open it.", "Click there."),
        "facts": (
            Fact(says="Known.", confidence="documented", source="-"),
            Fact(says="Whether it sees hashes.", confidence="unconfirmed", source="-"),
            Fact(says="How large files may be.", confidence="unconfirmed", source="-"),
        ),
    }
)
CERTAIN = SNAPCHAT.model_copy(update={"facts": SNAPCHAT.facts[:1]})
SEGMENT = Segment(
    title="Club", public_name="club", purpose="loyalty", where="true", networks=("snapchat",), owner="team:growth"
)


def file(name: str, kind: str, rows: int, list_: str = "emails") -> FileEntry:
    return FileEntry(name=f"club.{name}.txt", kind=kind, list=list_, rows=rows, bytes=9, sha256=name)


FILES = (file("emails.full", "full", 1200), file("phones.full", "full", 9, "phones"), file("emails.add", "add", 3),
         file("emails.remove", "remove", 5))  # fmt: skip
STEPS = Steps(VERSION, FILES)
OLD = OpenList(((OLDER, "created"),), (datetime(2025, 6, 30),), ("emails", "phones", "mobile_ids"))
MANIFEST = Manifest(
    network="snapchat", account="main", segment="loyal", public_name="club", version=VERSION, as_of="2025-07-01",
    base="b", rules_version="r", assumptions=(Said("US: assumed"),), withheld={"mobile_ids": 20}, files=FILES,
    ledger=Ledger(segment_people=2500, dropped={}, file_people=1300, file_rows=1209), adds=1003, removes=5,
    plan=(STEPS.upload("removed"), STEPS.upload("added", because=Said("they are sent again"))),
)  # fmt: skip


def lines(network: Network = SNAPCHAT, segment: Segment = SEGMENT, **changes: object) -> list[str]:
    text = readme(MANIFEST.model_copy(update=changes), segment, network)
    assert text.endswith("\n")
    return text.splitlines()


CLICK = "Where to click for a new list: Open it. Click there."
CHANGE = "Where to click to change the list, as others describe it: Open the list. Choose it."
UNKNOWN = (
    "Where to click to change the list is not known here: go where new lists are made, open the one that is there, and "
    "look for a button that changes it by a file: Open it."
)
CHANGING = CERTAIN.model_copy(update={"change_steps": ("Open the list.", "Choose it.")})


def test_the_readme_says_what_lies_here_and_what_to_do_in_which_order() -> None:
    assert lines() == [
        "club.emails.full.txt (1,200 rows), club.phones.full.txt (9 rows), club.emails.add.txt (3 rows), "
        "club.emails.remove.txt (5 rows): 1,300 people for Anyone Ads, as of 2025-07-01; 1,003 keys to add, 5 to "
        "remove. Not here, below the minimum of 1,000 rows: mobile_ids has only 20.",
        "What to do: 1. Remove club.emails.remove.txt from the list emails. 2. Add club.emails.add.txt to the list "
        "emails: they are sent again. When it is done: `relance confirm snapchat/loyal 2025-07-01.2 --as removed` "
        f"and `relance confirm snapchat/loyal 2025-07-01.2 --as added`. {UNKNOWN}",
        "Never open a file in a spreadsheet, and do not mail it: hashed keys are personal data.",
        "Delete the files when they are uploaded; a newer version replaces them. Purpose: loyalty.",
        "Unconfirmed, try ten rows first (copied by a plain text editor into a file for a list called test, which is "
        "deleted the same day): Whether it sees hashes; How large files may be.",
    ]


def test_the_readme_says_why_a_list_is_made_anew_and_what_else_may_be_done() -> None:
    described = SEGMENT.model_copy(update={"public_description": "Anyone."})
    found = lines(
        CERTAIN,
        described,
        account="fr",
        withheld={},
        plan=(
            STEPS.create_another(),
            STEPS.delete(OLD),
            STEPS.delete_unconfirmed("2025-06-29.1", ("emails", "phones")),
        ),
        alternative=(STEPS.upload("replaced"),),
        because=Said("rules changed"),
    )
    assert found[0].endswith("1,003 keys to add, 5 to remove.")
    both = "emails (club.emails.full.txt), phones (club.phones.full.txt)"
    assert found[1] == (
        f"What to do: 1. Make a new list of its own for each of {both}. Put the version, {VERSION}, into the "
        "names, and point your campaigns at them. 2. Delete each old list, last filled with "
        f"{OLDER}, once no campaign uses it: emails, phones, mobile_ids. 3. If any of these lists was made of "
        "2025-06-29.1 or an older version without being confirmed, delete it: emails, phones. Confirm "
        "2025-06-29.1 as deleted also if there is none. (Why not only add and "
        f"remove: rules changed.) When it is done: `relance confirm snapchat/fr/loyal {VERSION} --as created` and "
        f"`relance confirm snapchat/fr/loyal {OLDER} --as deleted` and `relance confirm snapchat/fr/loyal "
        "2025-06-29.1 --as deleted`. Or, if the network offers it: Replace all that each list holds with its own file: "
        f"{both}. When it is done: `relance confirm snapchat/fr/loyal {VERSION} --as replaced`. {UNKNOWN} {CLICK} "
        "Description: Anyone."
    )
    assert found[4] == "All facts used here are documented."


def test_the_readme_of_what_is_left_of_a_version_says_so() -> None:
    step = STEPS.upload("removed", "If it was uploaded: ")
    found = lines(reduced_from=OLDER, plan=(step,), because=Said("it is held"), files=FILES[:2])
    assert f"(9 rows): those of {OLDER} who may still be sent, for Anyone Ads" in found[0]
    assert found[1].startswith(
        "What to do: If it was uploaded: remove club.emails.remove.txt from the list emails. (Why: it is held.) When it"
    )


@pytest.mark.parametrize(
    ("kinds", "clicks"),
    [
        (("created",), CLICK),
        (("replaced",), CHANGE),
        (("removed", "added"), CHANGE),
        (("removed", "created"), f"{CHANGE} {CLICK}"),
    ],
)
def test_the_readme_shows_the_clicks_for_what_the_plan_asks(kinds: tuple[ConfirmationKind, ...], clicks: str) -> None:
    steps = tuple(STEPS.upload(kind) for kind in kinds)
    for found in (lines(CHANGING, plan=steps), lines(CHANGING, plan=(STEPS.delete(OLD),), alternative=steps)):
        assert found[1].endswith(f"--as {kinds[-1]}`. {clicks}")


@pytest.mark.parametrize(("made", "clicks"), [(("phones",), CLICK), (("emails",), f"{CHANGE} {CLICK}")])
def test_the_readme_shows_how_a_list_is_made_that_a_file_of_additions_is_the_first_for(
    made: tuple[str, ...], clicks: str
) -> None:
    added = (file("emails.add", "add", 3), file("phones.add", "add", 3, "mobile_ids"))
    files = added if made == ("emails",) else added[1:]
    found = lines(CHANGING, files=files, plan=(Steps(VERSION, files, made).upload("added"),))
    assert found[1].endswith(f"--as added`. {clicks}")


def test_the_readme_of_what_needs_no_file_says_only_what_is_to_be_done() -> None:
    assert lines(files=(), withheld={}, adds=0, plan=(STEPS.delete(OLD),), because=RETIRED) == [
        "No file for Anyone Ads, as of 2025-07-01: nothing is to be uploaded.",
        f"What to do: Delete each old list, last filled with {OLDER}, once no campaign uses it: emails, phones, "
        "mobile_ids. (Why: it is no longer declared, so that nobody is added and its list is to be deleted.) When it "
        f"is done: `relance confirm snapchat/loyal {OLDER} --as deleted`.",
        "Purpose: loyalty.",
    ]


def test_the_readme_counts_nobody_and_shows_no_new_list_where_there_is_no_full_file() -> None:
    removing = lines(files=FILES[3:], withheld={}, plan=MANIFEST.plan[:1], adds=0)
    assert removing[0] == (
        "club.emails.remove.txt (5 rows) for Anyone Ads, as of 2025-07-01; 0 keys to add, 5 to remove."
    )
    assert removing[1].endswith(f"--as removed`. {UNKNOWN}") and "for a new list" not in removing[1]
    assert removing[4] == "Unconfirmed: Whether it sees hashes; How large files may be."
    assert lines(plan=())[1] == "What to do: nothing, the list holds what it should."


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ("one list", " The parts of a list (.full.part-0001 and so on) are uploaded in turn into the same list."),
        (
            "a list each",
            " Each part (.full.part-0001 and so on) becomes a list of its own: the next would replace it.",
        ),
    ],
)
def test_the_readme_says_what_to_do_with_parts_where_a_list_has_several(parts: str, told: str) -> None:
    network = CHANGING.model_copy(update={"file": SNAPCHAT.file.model_copy(update={"parts": parts})})
    several = (*FILES, file("emails.full.2", "full", 3))
    for plan, clicks in (((STEPS.upload("created"),), CLICK), ((STEPS.upload("replaced"),), CHANGE)):
        assert lines(network, plan=plan)[1].endswith(clicks)
        assert lines(network, plan=plan, files=several)[1].endswith(clicks + told)
    assert lines(network, files=several)[1].endswith(CHANGE)
