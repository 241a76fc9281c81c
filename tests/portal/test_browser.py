"""The page in a real browser: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from catalog.descriptions import describe
from catalog.erasures import add_request, write_removals
from catalog.journal import confirmations
from catalog.reports import report_size
from catalog.users import add_user, change_password
from pipelines.holdings.confirming import confirm, unconfirm
from pipelines.holdings.open_lists import base_of, open_lists
from schemas.erasure import Removal
from schemas.portal import Role
from schemas.segment import Audience
from schemas.uploads import Ledger
from tests.portal.conftest import DAY, GOOGLE, META, PASSWORD, Site, segment

CHROMIUM = shutil.which("chromium")
#: The npm package axe-core, as `npm install` lays it (.ci/run does).
AXE = Path(os.environ.get("AXE_CORE", Path(__file__).parents[2] / "node_modules" / "axe-core")) / "axe.min.js"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: apt-get install chromium")

_META = "/audiences/" + "/".join(META)
FULL = b"email\n" + b"0123456789abcdef\n" * 4312
TOMBSTONES = pl.DataFrame({"form": ["email.plain"], "tombstone": ["0" * 64]})


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def address(site: Site) -> Iterator[str]:
    """The page behind a real server."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(site.app, log_level="error", access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()


Open = Callable[..., Page]


@pytest.fixture
def open_page(chromium: Browser, address: str, site: Site) -> Iterator[Open]:
    """Opens the page as somebody with these roles; it fails the test if the browser complains of anything."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def opened(*roles: Role, name: str = "camille", width: int = 1440, **context: object) -> Page:
        made = chromium.new_context(
            base_url=address, viewport={"width": width, "height": 900}, **{"locale": "en-GB", **context}
        )
        contexts.append(made)
        page = made.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        # Nothing elsewhere is asked, and nothing that the page's policy refuses.
        page.on("request", lambda asked: asked.url.startswith("http://127.0.0.1:") or complaints.append(asked.url))
        page.on("console", lambda said: complaints.append(said.text) if "Content Security" in said.text else None)
        if roles:
            add_user(site.catalog, name, roles)
            change_password(site.catalog, name, PASSWORD)
            log_in(page, name)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def log_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.goto("/login")
    page.locator("input[name=name]").fill(name)
    page.locator("input[name=password]").fill(password)
    page.keyboard.press("Enter")
    page.wait_for_url("**/")


def test_log_in_find_download_confirm_undo(site: Site, open_page: Open, tmp_path: Path) -> None:
    page = open_page("marketer")
    expect(page.get_by_role("heading", name="Today")).to_be_visible()
    page.get_by_role("link", name="Audiences").click()
    page.get_by_label("Search").fill("loyal meta")
    expect(page.get_by_text("1 of 2 audiences")).to_be_visible()
    page.get_by_role("link", name="Loyal customers").click()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download full file 4,312 rows").click()
    waiting.value.save_as(tmp_path / "saved")
    assert waiting.value.suggested_filename == f"meta.{DAY}.1.club_b.full.csv"
    saved = (tmp_path / "saved").read_bytes()
    assert hashlib.sha256(saved).hexdigest() == hashlib.sha256(FULL).hexdigest()
    page.get_by_role("button", name="I created it").click()
    expect(page.get_by_text("Nothing waits: the list holds what it should.")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("Loyal customers, Meta: created")
    page.get_by_role("status").get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="I created it")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("Taken back.")
    actions = [line["action"] for line in site.catalog.audit_lines() if line["actor"] == "user:camille"]
    assert actions == ["logged_in", "downloaded", "confirmed", "unconfirmed"]


def test_a_file_that_cannot_be_given_out_is_told_and_not_saved(site: Site, open_page: Open) -> None:
    page = open_page("marketer")
    page.on("download", lambda download: pytest.fail(f"saved as {download.suggested_filename}"))
    [published] = site.home.outbox.glob("meta/**/*.full.csv")
    published.write_bytes(FULL + b"z\n")
    page.get_by_role("link", name="Download full file 4,312 rows").click()
    expect(page.get_by_text("This file is no longer as it was published")).to_be_visible()
    page.goto("/")
    page.context.clear_cookies()
    page.get_by_role("link", name="Download full file 4,312 rows").click()
    expect(page.locator("input[name=password]")).to_be_visible()


def test_what_was_confirmed_is_said_and_can_be_taken_back_on_today(site: Site, open_page: Open) -> None:
    site.publish(GOOGLE, {"club_b.full.csv": FULL})
    confirm(site.catalog, GOOGLE, f"{DAY}.1", "created")
    base = base_of(open_lists(confirmations(site.catalog, GOOGLE)))
    site.publish(GOOGLE, {"club_b.full.csv": FULL, "club_b.remove.csv": b"email\na\n"}, version="2026-10-31.1",
                 steps=("removed",), removes=1, forbidden=1, base=base)  # fmt: skip
    page = open_page("marketer")
    headings = page.get_by_role("heading", level=2)
    expect(headings).to_contain_text(["First: take people out", "Then: bring lists up to date"])
    page.get_by_role("button", name="I removed them").click()
    banner = page.get_by_role("status").first
    expect(banner).to_contain_text("Google Ads Customer Match: removed")
    expect(banner).to_be_focused()
    expect(page.get_by_role("button", name="I removed them")).to_have_count(0)
    banner.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="I removed them")).to_be_visible()


def test_what_is_refused_is_told_on_the_audiences_page(site: Site, open_page: Open) -> None:
    page = open_page("marketer")
    confirm(site.catalog, META, f"{DAY}.1", "created")
    page.get_by_role("button", name="I created it").click()
    expect(page.get_by_role("alert")).to_contain_text("a list made of it is open already")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.locator("[aria-current]")).to_have_text("Audiences")
    expect(page).to_have_url(re.compile(f"{_META}$"))
    page.goto(f"{_META}?undone=1")
    page.get_by_label("Size of the list").fill("many")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Write a whole number")
    expect(page.get_by_label("Size of the list")).to_have_value("many")
    expect(page).to_have_url(re.compile(f"{_META}$"))
    unconfirm(site.catalog, META)
    page.goto("/")
    page.get_by_text("I could not").click()
    page.get_by_label("The network said").fill("jane@example.com refused")
    page.get_by_role("button", name="Note it").click()
    expect(page.get_by_role("alert")).to_contain_text("it holds an address")
    expect(page.get_by_label("The network said")).to_have_value("jane@example.com refused")
    expect(page).to_have_url(re.compile(f"{_META}$"))


def test_a_wrong_password_and_an_ended_session_lead_to_the_login(site: Site, open_page: Open) -> None:
    page = open_page("marketer")
    page.goto("/audiences")
    site.late = timedelta(hours=13)
    page.get_by_label("Search").fill("loyal")
    expect(page).to_have_url(re.compile("/login"))
    page.get_by_label("Name").fill("camille")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("Name and password do not fit.")


def test_a_button_pressed_after_the_session_ended_leads_to_the_login_and_back_and_did_nothing(
    site: Site, open_page: Open
) -> None:
    page = open_page("marketer")
    page.goto(f"{_META}?undone=1")
    site.late = timedelta(hours=13)
    page.get_by_role("button", name="I created it").click()
    expect(page.get_by_role("alert")).to_contain_text("What you pressed was not done")
    page.get_by_label("Name").fill("camille")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"{_META}\\?not_done=1$"))
    expect(page.get_by_role("alert")).to_contain_text("Press it again.")
    assert confirmations(site.catalog) == []
    page.get_by_role("button", name="I created it").click()
    expect(page.get_by_role("status")).to_contain_text("Loyal customers, Meta: created")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_role_that_does_not_allow_it_is_told_so(open_page: Open) -> None:
    page = open_page("engineer")
    expect(page.get_by_role("button", name="I created it")).to_have_count(0)
    expect(page.get_by_role("link", name="Privacy")).to_have_count(0)
    page.goto("/privacy")
    expect(page.get_by_text("Your role does not allow this.")).to_be_visible()


def test_everything_works_with_the_keyboard_alone(site: Site, open_page: Open) -> None:
    add_user(site.catalog, "anne", ["marketer"])
    change_password(site.catalog, "anne", PASSWORD)
    page = open_page()
    page.goto("/login")

    def tab_to(name: str) -> None:
        for _ in range(40):
            page.keyboard.press("Tab")
            if name in page.evaluate("(document.activeElement.innerText || document.activeElement.name || '').trim()"):
                return
        raise AssertionError(name)

    page.keyboard.type("anne")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Today")).to_be_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    tab_to("I created it")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("It waits for you again.")).to_be_visible()
    page.goto("/audiences")
    tab_to("q")
    page.keyboard.type("google")
    expect(page.get_by_text("1 of 2 audiences")).to_be_visible()
    tab_to("People")
    page.keyboard.press("Enter")
    expect(page.locator("th[aria-sort=descending]")).to_have_text("People")


PAGES = ("/", "/audiences", _META, "/users", "/networks", "/networks/meta", "/nights", "/privacy", "/password")


@pytest.mark.parametrize(
    ("width", "language", "scheme", "pages"),
    [(360, "fr-FR", "dark", (*PAGES[:4], *PAGES[5:8])), (1440, "en-GB", "light", PAGES)],
)
def test_pages_fit_and_have_no_serious_finding(
    site: Site, open_page: Open, width: int, language: str, scheme: str, pages: tuple[str, ...]
) -> None:
    describe(site.catalog, {"loyal": segment(title="FR_2026Q3_Loyal_HighFrequency_180D_ExclNewCustomers_v2")})
    held_out = Ledger(segment_people=9, dropped={"holdout": 2}, file_people=7, file_rows=7)
    site.catalog.record_outcome(META, DAY, "fresh", night=1, ledger=held_out.model_dump())
    site.catalog.record_outcome(GOOGLE, DAY, "held", night=1, reason="it shrank", ledger=held_out.model_dump())
    add_request(site.catalog, "forget-2026-11-26-35c3c898", "email", datetime(2026, 10, 1, tzinfo=UTC), TOMBSTONES)
    write_removals(site.catalog, [
        Removal(request_id="forget-2026-11-26-35c3c898", **META._asdict(), carried_by=(f"{DAY}.1",), state="published",
                removed_by="2026-10-31.1")
    ])  # fmt: skip
    report_size(site.catalog, META, 12_000, 61.5)
    page = open_page("marketer", "privacy", "admin", width=width, locale=language, color_scheme=scheme)
    for path in pages:
        page.goto(path)
        expect(page.locator("html")).to_have_attribute("lang", language[:2])
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert findings(page) == [], path


def test_on_a_phone_each_piece_of_a_cell_stands_beside_its_label(site: Site, open_page: Open) -> None:
    describe(site.catalog, {"loyal": segment(networks=("meta", "meta:germany"))})
    add_request(site.catalog, "r-17", "email", datetime(2026, 10, 1, tzinfo=UTC), TOMBSTONES)
    removal = Removal(request_id="r-17", **META._asdict(), carried_by=(f"{DAY}.1", "2026-10-31.1"), state="published")
    write_removals(site.catalog, [removal])
    page = open_page("marketer", "privacy", width=390)
    page.goto("/privacy")
    pieces = page.locator("td[data-label] > *")
    assert pieces.count() > 3
    assert pieces.evaluate_all(
        "all => all.filter(each => each.getBoundingClientRect().left"
        " < each.parentElement.getBoundingClientRect().left + 130).map(each => each.outerHTML)"
    ) == []  # fmt: skip


@pytest.mark.parametrize("language", ["en-GB", "fr-FR"])
def test_on_a_phone_the_list_of_audiences_is_a_few_lines_each(site: Site, open_page: Open, language: str) -> None:
    describe(site.catalog, {f"s{n}": segment(title=f"Loyal customers {n}", public_name=f"club_{n}") for n in range(12)})
    for n in range(0, 12, 2):
        site.publish(Audience("meta", "main", f"s{n}"), {f"club_{n}.full.csv": FULL}, public_name=f"club_{n}")
    site.catalog.record_outcome(GOOGLE._replace(segment="s1"), DAY, "held", night=1, reason="it shrank " * 40)
    page = open_page("marketer", width=400, locale=language)
    page.goto("/audiences")
    heights = page.locator("tbody tr").evaluate_all("all => all.map(each => each.getBoundingClientRect().height)")
    assert len(heights) > 24 and max(heights) < 150, heights
    assert page.evaluate("document.documentElement.scrollHeight") < 4_000
    # What tells them apart is there, and nothing is cut off at the side.
    row = page.locator("tbody tr", has_text="Loyal customers 0").first
    for shown in ("Loyal customers 0", "Meta", "4,312" if language == "en-GB" else "4\u202f312"):
        expect(row.get_by_text(shown).first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_the_language_can_be_switched(open_page: Open) -> None:
    page = open_page("marketer")
    page.goto("/audiences")
    page.get_by_role("button", name="Français").click()
    expect(page.get_by_label("Rechercher")).to_be_visible()
    page.get_by_role("button", name="English").click()
    expect(page.get_by_label("Search")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False])
def test_what_was_just_told_is_told_in_the_other_language_too(site: Site, open_page: Open, *, scripts: bool) -> None:
    page = open_page("marketer", java_script_enabled=scripts)
    page.get_by_role("button", name="I created it").click()
    expect(page.get_by_role("status").first).to_contain_text("Noted:")
    page.get_by_role("button", name="Français").click()
    expect(page.get_by_role("status").first).to_contain_text("Noté")
    unconfirm(site.catalog, META)
    page.goto("/")
    confirm(site.catalog, META, f"{DAY}.1", "created")
    page.get_by_role("button", name="Je l’ai créée").click()
    expect(page.get_by_role("alert")).to_contain_text("une liste créée avec elle est déjà ouverte")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("alert")).to_contain_text("a list made of it is open already")
    page.get_by_role("button", name="Français").click()
    expect(page.get_by_role("alert")).to_contain_text("une liste créée avec elle est déjà ouverte")
    expect(page).to_have_url(re.compile(f"{_META}\\?"))
    page.get_by_label("Taille de la liste").fill("12000")
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.get_by_role("alert")).to_have_count(0)
    if scripts:
        page.goto("/audiences")
        page.get_by_label("Rechercher").fill("google")
        expect(page.get_by_text("1 sur 2 audiences")).to_be_visible()
        page.get_by_role("button", name="English").click()
        expect(page.get_by_label("Search")).to_have_value("google")


def findings(page: Page) -> list[str]:
    """What axe-core calls serious or critical."""
    if not AXE.exists():
        pytest.skip(f"axe-core is not in {AXE.parent}: npm install --no-save axe-core")
    # By the debugger, since the page's policy lets no script in.
    page.evaluate(AXE.read_text(encoding="utf-8"))
    violations = page.evaluate("async () => (await axe.run()).violations")
    return [
        f"{each['id']}: {each['help']}: {[node['html'][:200] for node in each['nodes']]}"
        for each in violations
        if each["impact"] in {"serious", "critical"}
    ]
