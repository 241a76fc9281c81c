"""What the page asks for when something was done otherwise than planned."""

from __future__ import annotations

import os
import re
import time
from datetime import timedelta

from catalog.descriptions import describe
from catalog.journal import confirmations
from catalog.nights import record_config_changes
from catalog.restored import note_restored
from pipelines.holdings.confirming import confirm, unconfirm
from pipelines.holdings.open_lists import base_of, open_lists
from pipelines.holdings.steps import Steps
from schemas.journal import UploadStep
from schemas.nights import ConfigChange
from schemas.said import Said
from schemas.uploads import FileEntry, Ledger
from tests.portal.conftest import DAY, GOOGLE, META, Browser, Site, segment
from tests.portal.test_pages import text_of, without_code

_META = "/audiences/" + "/".join(META)
_NEXT = "2026-10-31.1"
_FILES = {"club_b.full.csv": b"email\na\n", "club_b.add.csv": b"email\nb\n", "club_b.remove.csv": b"email\nc\n"}


def offered(browser: Browser) -> list[str]:
    """The confirmations that the audience's page has a button for, of the version that is to be uploaded."""
    upload, _, _ = browser.get(_META).text.partition('id="size"')
    return re.findall(r'name="kind" value="([a-z]+)"', upload)


def offered_of_older(browser: Browser) -> list[tuple[str, str]]:
    """Version and kind of each confirmation that the table of versions has a button for."""
    _, _, versions = browser.get(_META).text.partition('id="versions"')
    return re.findall(r'name="version" value="([^"]+)">\s*<input type="hidden" name="kind" value="([a-z]+)"', versions)


def test_after_removals_that_were_for_an_unsaid_list_and_a_new_one_nothing_waits(site: Site) -> None:
    browser = site.user("camille", "marketer")
    files = {name: content for name, content in _FILES.items() if ".add." not in name}
    site.publish(META, files, version=_NEXT, steps=("removed", "created"), removes=1, forbidden=1)
    assert offered(browser) == ["removed", "created"]
    confirm(site.catalog, META, _NEXT, "created")
    assert offered(browser) == ["removed"]
    page = without_code(browser.get(_META).text)
    assert "If somebody made a list club_b without saying so" in page and "Done, or there is no such list" in page
    confirm(site.catalog, META, _NEXT, "removed")
    assert offered(browser) == []
    assert "Nothing waits: the list holds what it should." in browser.get(_META).text


def test_no_step_is_offered_that_would_be_refused(site: Site) -> None:
    browser = site.user("camille", "marketer")
    confirm(site.catalog, META, f"{DAY}.1", "created")
    instead = tuple(
        UploadStep(kind=kind, version=_NEXT, file=file, says=kind)
        for kind, file in (("added", "add"), ("removed", "remove"))
    )
    base = base_of(open_lists(confirmations(site.catalog, META)))
    site.publish(META, _FILES, version=_NEXT, steps=("replaced",), base=base, alternative=instead)
    assert offered(browser) == ["replaced", "created", "added", "removed"]
    assert "If Meta does not let you replace a list" in text_of(browser.get("/").text)
    confirm(site.catalog, META, _NEXT, "created")
    assert offered(browser) == ["deleted"]
    unconfirm(site.catalog, META)
    confirm(site.catalog, META, _NEXT, "replaced")
    assert offered(browser) == []
    confirm(site.catalog, META, f"{DAY}.1", "replaced")
    assert offered(browser) == ["replaced"]
    for _ in range(3):
        unconfirm(site.catalog, META)
    assert offered(browser) == ["created"]
    assert "Ready to create" in browser.get(_META).text


def test_who_uploaded_an_older_file_says_so_and_the_journal_takes_all_that_is_offered(site: Site) -> None:
    browser = site.user("camille", "marketer")
    site.publish(META, {"club_b.full.csv": b"email\na\n"}, version=_NEXT)
    assert offered_of_older(browser) == [(f"{DAY}.1", "created")]
    assert "I uploaded this one" not in site.user("robin", "privacy").get(_META).text
    confirm(site.catalog, META, _NEXT, "created")
    base = base_of(open_lists(confirmations(site.catalog, META)))
    for version in ("2026-11-01.1", "2026-11-02.1"):
        site.publish(META, _FILES, version=version, steps=("added", "removed"), base=base)
    of_older = [("2026-11-01.1", kind) for kind in ("created", "replaced", "added", "removed")]
    # What the list holds is no news of the version that filled it.
    assert offered_of_older(browser) == [*of_older, (f"{DAY}.1", "created"), (f"{DAY}.1", "replaced")]
    for version, kind in offered_of_older(browser):
        form = {"version": version, "kind": kind, "next": _META}
        answer = browser.post(f"{_META}/confirmations", form)
        assert answer.headers["location"].startswith(f"{_META}?done="), (version, kind)
        assert (confirmations(site.catalog, META)[-1].version, confirmations(site.catalog, META)[-1].kind) == (
            version,
            kind,
        )
        unconfirm(site.catalog, META)
    # Its files were withdrawn after somebody had downloaded them.
    site.catalog.set_state(META, "2026-11-01.1", "withdrawn")
    assert offered_of_older(browser)[:4] == of_older
    site.catalog.set_state(META, f"{DAY}.1", "expired")
    assert offered_of_older(browser) == of_older


def test_each_button_says_which_version_and_file_it_is_about(site: Site) -> None:
    browser = site.user("camille", "marketer")
    for page in ("/", _META):
        text = text_of(browser.get(page).text)
        assert f"meta.{DAY}.1.club_b.full.csv" in text and f"I created it version {DAY}.1" in text


def test_the_change_is_since_the_last_upload_and_not_since_a_deletion(site: Site) -> None:
    browser = site.user("camille", "marketer")
    confirm(site.catalog, META, f"{DAY}.1", "created")
    fewer = Ledger(segment_people=4000, dropped={}, file_people=4000, file_rows=4000)
    site.publish(META, {"club_b.full.csv": b"email\na\n"}, version=_NEXT, steps=("created",), ledger=fewer)
    change = "<b>−312</b><span>since the last confirmed upload"
    assert change in browser.get(_META).text
    confirm(site.catalog, META, _NEXT, "created")
    confirm(site.catalog, META, f"{DAY}.1", "deleted")
    page = browser.get(_META).text
    assert change not in page and re.search(r">none</span></b><span>since the last confirmed upload", page)


def test_of_a_version_made_without_what_is_forbidden_no_number_of_people_is_claimed(site: Site) -> None:
    browser = site.user("camille", "marketer")
    site.publish(META, {"club_b.full.csv": b"email\na\nb\n"}, version=_NEXT, reduced_from=f"{DAY}.1")
    assert re.search(rf"{_NEXT}</td><td class=\"number\">–</td>", browser.get(_META).text)


def test_an_old_list_is_to_be_deleted_only_once_no_campaign_uses_it(site: Site) -> None:
    browser = site.user("camille", "marketer")
    confirm(site.catalog, META, f"{DAY}.1", "created")
    site.publish(META, {"club_b.full.csv": b"email\na\n"}, version=_NEXT, steps=("replaced",))
    confirm(site.catalog, META, _NEXT, "created")
    assert offered(browser) == ["deleted"]
    told = f"Delete the old list club_b, last filled with {DAY}.1, once no campaign uses it."
    assert all(told in without_code(browser.get(path).text) for path in ("/", _META))


def test_after_a_restoration_lists_that_only_the_network_knows_are_to_be_deleted_too(site: Site) -> None:
    browser = site.user("camille", "marketer")
    confirm(site.catalog, META, f"{DAY}.1", "created")
    site.home.restored.touch()
    # A file's own clock is a coarse one.
    os.utime(site.home.restored, ns=(time.time_ns(), time.time_ns()))
    note_restored(site.catalog, site.home)
    site.publish(META, {"club_b.full.csv": b"email\na\n"}, version=_NEXT, steps=("replaced",))
    confirm(site.catalog, META, _NEXT, "created")
    told = f"the one last filled with {DAY}.1, and those made since the backup from which relance was restored."
    assert told in browser.get(_META).text and told in browser.get("/").text
    confirm(site.catalog, META, f"{DAY}.1", "deleted")
    assert "the backup" not in browser.get(_META).text


def test_of_several_lists_the_page_names_each_that_is_to_be_made_or_deleted(site: Site) -> None:
    browser = site.user("camille", "marketer")
    lists = ("emails", "mobile_ids")
    files = {f"club_b.{name}.full.csv": b"any\na\n" for name in lists}
    create = UploadStep(kind="created", version=_NEXT, file="full", says="", lists=lists)
    site.publish(META, files, version=_NEXT, plan=(create,))
    page = browser.get(_META).text
    steps = without_code(page)
    told = "Create 2 new lists, each from a full file of its own: club_b_emails, club_b_mobile_ids."
    # The name to be typed there is the same one.
    assert "<code>club_b_emails</code>, <code>club_b_mobile_ids</code>" in page
    assert told in steps and "I created them" in page and told in without_code(browser.get("/").text)
    confirm(site.catalog, META, _NEXT, "created")
    [made] = open_lists(confirmations(site.catalog, META))
    later = "2026-11-01.1"
    steps = Steps(later, ())
    plan = (
        create.model_copy(update={"version": later, "lists": lists[:1]}),
        steps.delete(made),
        steps.delete_unconfirmed(f"{DAY}.1", lists),
    )
    site.publish(META, {"club_b.emails.full.csv": b"any\na\n"}, version=later, plan=plan)
    for page in (without_code(browser.get(path).text) for path in (_META, "/")):
        # The network shows of the old and the new one nothing but the name.
        assert f"Create a new list called club_b_emails {later} from the full file." in page
        assert "point the campaigns at it" in page
        assert (
            f"each old list, last filled with {_NEXT}, once no campaign uses it: club_b_emails, club_b_mobile_ids."
            in page
        )
        assert f"The list last filled with {_NEXT} is known here and not meant." in page
        assert "If somebody made any of these lists of" in page and "I deleted them" in page
    # Another list that no plan knew of is named by what went into it.
    confirm(site.catalog, META, later, "created")
    told = f"The lists last filled with {_NEXT}, {later} are known here and not meant."
    assert told in without_code(browser.get(_META).text)
    confirm(site.catalog, META, _NEXT, "replaced")
    assert "I replaced it" in browser.get(_META).text
    assert f"last filled with {_NEXT}, once no campaign uses it: club_b_emails, club_b_mobile_ids." in without_code(
        browser.get(_META).text
    )


def test_a_list_that_was_never_filled_is_to_be_made_beside_the_one_that_is_there(site: Site) -> None:
    browser = site.user("camille", "marketer")
    site.publish(META, {"club_b.full.csv": b"email\na\n"}, version=_NEXT)
    confirm(site.catalog, META, _NEXT, "created")
    [made] = open_lists(confirmations(site.catalog, META))
    base = base_of((made,))
    for version, files, told in (
        (
            "2026-11-01.1",
            {"club_b.add.csv": b"email\nb\n", "club_b.mobile_ids.add.csv": b"mobile_id\nc\n"},
            "Add the file of additions to the list club_b. "
            "Create a new list called club_b_mobile_ids from the file that is for it.",
        ),
        (
            "2026-11-02.1",
            {f"club_b.{name}.add.csv": b"any\nc\n" for name in ("mobile_ids", "phones")},
            "Create new lists called club_b_mobile_ids, club_b_phones, each from the file that is for it.",
        ),
    ):
        given = tuple(
            FileEntry(name=name, kind="add", list=_list_of(name), rows=1, bytes=1, sha256="") for name in files
        )
        site.publish(META, files, version=version, base=base, plan=(Steps(version, given, made.lists).upload("added"),))
        page = re.sub(r"\s+", " ", without_code(browser.get(_META).text))
        assert f"{told}" in page
        assert ("file of additions" in page.partition('id="size"')[0]) == told.startswith("Add")


def _list_of(name: str) -> str:
    return name.removesuffix(".add.csv").partition(".")[2]


def test_of_an_audience_that_left_with_its_list_no_list_is_said_to_be_right(site: Site) -> None:
    browser = site.user("camille", "marketer")
    confirm(site.catalog, META, f"{DAY}.1", "created")
    describe(site.catalog, {})
    gone = UploadStep(kind="deleted", version=f"{DAY}.1", file=None, says="Delete it.")
    site.publish(META, {}, version=_NEXT, plan=(gone,))
    nobody = Ledger(segment_people=0, dropped={}, file_people=0, file_rows=0)
    site.catalog.record_outcome(META, DAY + timedelta(days=1), "retired", night=2, ledger=nobody.model_dump())
    assert offered(browser) == ["deleted"]
    page = text_of(browser.get(_META).text)
    assert "To be deleted" in page and "Waiting for upload" not in page
    # Nothing is counted, made or tried of it any more.
    assert "Where people were lost" not in page and "4,312 on 30 Oct 2026; a line follows" in page
    assert "For a new list" not in page and "try ten rows" not in page
    confirm(site.catalog, META, f"{DAY}.1", "deleted")
    page = browser.get(_META).text
    assert "no list of it is left" in page and "the list holds what it should" not in page
    assert "Never open these files" not in page and "step by step" not in page


def test_an_audience_that_left_is_told_from_the_one_that_has_its_name_now(site: Site) -> None:
    browser = site.user("camille", "marketer")
    confirm(site.catalog, META, f"{DAY}.1", "created")
    describe(site.catalog, {"regulars": segment()})
    gone = UploadStep(kind="deleted", version=f"{DAY}.1", file=None, says="Delete it.")
    site.publish(META, {}, version=_NEXT, plan=(gone,))
    page = text_of(browser.get("/").text)
    assert "Loyal customers (loyal)" in page and "Loyal customers (regulars)" not in page
    # Nothing else is called so: its name alone says enough.
    describe(site.catalog, {"regulars": segment(title="Regulars")})
    page = text_of(browser.get("/").text)
    assert "Loyal customers" in page and "Loyal customers (loyal)" not in page


def test_no_list_gets_a_name_that_another_had_and_each_is_told_by_its_own(site: Site) -> None:
    browser = site.user("camille", "marketer")
    first = f"{DAY}.1"
    new = "Create a new list called {} from the full file."
    assert new.format("<code>club_b</code>") in browser.get(_META).text
    for again in ("", " (2)", " (3)"):
        confirm(site.catalog, META, first, "created")
        confirm(site.catalog, META, first, "deleted")
        for path in ("/", _META):
            page = browser.get(path).text
            named = f"club_b {first}{again}"
            assert new.format(f"<code>{named}</code>") in page and f"<dd><code>{named}</code>" in page
            assert "a network may refuse the name of a deleted list" in page
    confirm(site.catalog, META, first, "created")
    base = base_of(open_lists(confirmations(site.catalog, META)))
    site.publish(META, _FILES, version=_NEXT, steps=("added", "removed"), base=base)
    page = without_code(browser.get(_META).text)
    assert f"Add the file of additions to the list club_b {first} (3)." in page
    assert f"Take the file of removals out of the list club_b {first} (3)." in page
    assert f"Name of the list</dt><dd>club_b {first} (3)" in page
    confirm(site.catalog, META, _NEXT, "created")
    assert f"Delete the old list club_b {first} (3), last filled with {first}" in without_code(browser.get(_META).text)
    for _ in range(8):
        unconfirm(site.catalog, META)
    # What was taken back was never made.
    assert new.format("<code>club_b</code>") in browser.get(_META).text


def test_a_file_made_of_one_without_what_is_forbidden_has_the_customers_of_the_first(site: Site) -> None:
    rules = ("orders_count >= 5 AND recency_days <= 180", "orders_count >= 9 AND recency_days <= 180")
    describe(site.catalog, {"loyal": segment(where=rules[1])})
    files = {"club_b.full.csv": b"email\na\n"}
    made_of = f"{DAY}.1"
    for later in (1, 2):
        day = DAY + timedelta(days=later)
        night = site.catalog.begin_night(day)
        if later == 1:
            change = ConfigChange(kind="rule_changed", about="Loyal customers", before=rules[0], after=rules[1])
            record_config_changes(site.catalog, night, [change])
        site.publish(META, files, version=f"{day}.1", reduced_from=made_of)
        site.catalog.record_outcome(META, day, "held", night=night, version=f"{day}.1", reason="it shrank")
        made_of = f"{day}.1"
    page = text_of(site.user("camille", "marketer").get(_META).text)
    assert "30 Oct 2026 customers as of" in page
    assert "still made by the rule before: Ordered at least 5 times" in page


def test_a_night_took_out_only_whom_it_took_out_itself(site: Site) -> None:
    site.publish(GOOGLE, {"club_b.full.csv": b"email\na\n"})
    day = DAY + timedelta(days=1)
    night = site.catalog.begin_night(day)
    held = {"night": night, "reason": "it shrank"}
    site.catalog.record_outcome(META, day, "held", version=f"{DAY}.1", **held)
    site.catalog.record_outcome(GOOGLE, day, "held", version=f"{day}.1", **held)
    site.catalog.end_night(night, "held", [], 4)
    page = text_of(site.user("camille", "marketer").get("/nights").text)
    assert "2 audiences held back. Of 1 of them those who must leave were taken out." in page


def test_why_a_file_is_uploaded_as_it_is_is_not_said_of_an_old_list_to_be_deleted(site: Site) -> None:
    browser = site.user("camille", "marketer")
    confirm(site.catalog, META, f"{DAY}.1", "created")
    because = Said("X removes nobody")
    files = {"club_b.full.csv": b"email\na\n"}
    site.publish(META, files, version=_NEXT, steps=("created",), because=because)
    assert all("X removes nobody" in browser.get(path).text for path in ("/", _META))
    confirm(site.catalog, META, _NEXT, "created")
    for path in ("/", _META):
        page = browser.get(path).text
        assert "X removes nobody" not in page and "Delete the old list" in page
