"""Logging in: passwords, sessions, attempts, forms of other sites."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from catalog.journal import confirmations
from catalog.sessions import SESSIONS, Limits, begin_session, forget_ended_sessions, user_of_session
from catalog.users import add_first_admin, add_user, digest_of, remove_user, reset_password
from portal.attempts import PER_ADDRESS, PER_NAME, WINDOW
from portal.forms import own_path
from portal.visitors import SESSION_COOKIE
from schemas.errors import UserError
from tests.portal.conftest import DAY, META, PASSWORD, Browser, Site, tampered

_CONFIRM = "/audiences/" + "/".join(META) + "/confirmations"


def test_the_first_start_makes_an_admin_whose_password_is_good_for_choosing_one(site: Site) -> None:
    password = add_first_admin(site.catalog)
    assert password is not None
    assert add_first_admin(site.catalog) is None
    browser = site.browser()
    assert browser.log_in("admin", password).headers["location"] == "/"
    for path in ("/", "/users", "/audiences"):
        assert browser.get(path).headers["location"] == "/password"
    short = {"old": password, "new": "short", "again": "short"}
    assert "at least 12 characters" in browser.post("/password", short, page="/password").text
    chosen = {"old": password, "new": PASSWORD, "again": PASSWORD}
    assert browser.post("/password", chosen, page="/password").headers["location"] == "/"
    assert browser.get("/users").status_code == 200
    assert site.browser().log_in("admin", password).status_code == 401


def test_a_wrong_password_and_an_unknown_name_are_told_alike(site: Site) -> None:
    site.user("camille", "marketer")
    browser = site.browser()
    wrong, unknown = browser.log_in("camille", "no"), browser.log_in("nobody", "no")
    assert (wrong.status_code, unknown.status_code) == (401, 401)
    strip = lambda text: [line for line in text.splitlines() if "token" not in line]  # noqa: E731
    assert strip(wrong.text) == strip(unknown.text)
    assert "session" not in str(wrong.headers)


def test_after_a_few_wrong_passwords_the_right_one_has_to_wait_too(site: Site) -> None:
    site.user("camille", "marketer")
    browser = site.browser()
    for _ in range(PER_NAME):
        assert browser.log_in("camille", "no").status_code == 401
    assert browser.log_in("camille").status_code == 429
    site.late += WINDOW + timedelta(seconds=1)
    assert browser.log_in("camille").status_code == 303


def test_guessing_one_password_for_many_names_is_slowed_down_too(site: Site) -> None:
    attempts, at = site.app.state.relance.attempts, site.clock()
    for number in range(PER_ADDRESS):
        attempts.wrong(f"name{number}", "testclient", at)
    assert site.browser().log_in("another", "no").status_code == 429


def test_wrong_old_passwords_slow_down_that_user_and_that_address_and_nobody_else(site: Site) -> None:
    form = {"old": "no", "new": "another three words", "again": "another three words"}

    def sitting_at(address: str, name: str) -> Browser:
        site.user(name, "marketer")
        client = TestClient(site.app, base_url="http://localhost", follow_redirects=False, client=(address, 50000))
        browser = Browser(client, site)
        assert browser.log_in(name).status_code == 303
        return browser

    for number in range(PER_ADDRESS // PER_NAME):
        browser = sitting_at("198.51.100.7", f"name{number}")
        for _ in range(PER_NAME):
            assert "The old password is not right." in browser.post("/password", form, page="/password").text
        late = browser.post("/password", {**form, "old": PASSWORD}, page="/password")
        assert "Too many wrong passwords." in late.text
    right = {**form, "old": PASSWORD}
    elsewhere = sitting_at("198.51.100.8", "camille")
    assert elsewhere.post("/password", right, page="/password").headers.get("location") == "/"
    there = site.user("anne", "marketer")
    there.client._transport.client = ("198.51.100.7", 50000)  # pyright: ignore
    assert "Too many wrong passwords." in there.post("/password", right, page="/password").text


def test_whoever_logs_in_is_not_counted_as_guessing(site: Site) -> None:
    site.user("camille", "marketer")
    for _ in range(PER_ADDRESS + 1):
        assert site.browser().log_in("camille").status_code == 303


def test_a_session_ends_when_idle_and_in_any_case_after_its_hours(make_site: Callable[..., Site]) -> None:
    site = make_site(idle_minutes=30, session_hours=2)
    browser = site.user("camille", "marketer")
    for _ in range(5):
        site.late += timedelta(minutes=23)
        assert browser.get("/networks").status_code == 200
    site.late += timedelta(minutes=23)
    assert browser.get("/networks").status_code == 303
    assert browser.log_in("camille").status_code == 303
    site.late += timedelta(minutes=31)
    assert browser.get("/networks").headers["location"] == "/login?next=%2Fnetworks"


def test_a_button_pressed_after_the_session_ended_does_nothing_says_so_and_the_login_leads_back(site: Site) -> None:
    browser = site.user("camille", "marketer")
    page, told = "/audiences/" + "/".join(META), "What you pressed was not done: your session had ended."
    form = {"token": browser.token(page), "version": f"{DAY}.1", "kind": "created", "next": page}

    def pressed(path: str, referer: str, **headers: str):
        return browser.client.post(page + path, data=form, headers={"referer": f"http://localhost{referer}", **headers})

    site.late += timedelta(hours=13)
    # Another site's page is none of ours, and of a refused form the address is no page.
    ways = {f"{page}?done=1": page, f"{page}/size/undo": page, "/": None, "//evil.example/": None, "/nowhere": None}
    for referer, back in ways.items():
        way = "/login?" + urlencode(({"next": back} if back else {}) | {"pressed": "1"})
        assert pressed("/confirmations", referer).headers["location"] == way
        assert pressed("/undo", referer, **{"hx-request": "true"}).headers["hx-redirect"] == way
    assert told in browser.get(way).text and told not in browser.get("/login").text
    asked = {"name": "camille", "next": page, "pressed": "1"}
    wrong = browser.post("/login", {**asked, "password": "no"}, page="/login")
    assert told in wrong.text and 'name="pressed" value="1"' in wrong.text
    right = browser.post("/login", {**asked, "password": PASSWORD}, page="/login")
    assert right.headers["location"] == f"{page}?not_done=1"
    there = browser.get(right.headers["location"]).text
    assert told in there and "I created it" in there
    assert confirmations(site.catalog) == []
    # Whoever logs out wants nothing else.
    site.late += timedelta(hours=13)
    assert browser.client.post("/logout", data=form).headers["location"] == "/login"


def test_a_session_in_use_keeps_no_other_alive_and_those_that_ended_are_forgotten(site: Site) -> None:
    site.user("camille", "marketer")
    catalog, began, limits = site.catalog, site.clock(), Limits(timedelta(minutes=30), timedelta(hours=2))
    idle, busy = (begin_session(catalog, "camille", began) for _ in range(2))

    def left(at: datetime) -> set[str]:
        forget_ended_sessions(catalog, at, limits)
        with catalog.reading() as connection:
            return set(connection.execute(sa.select(SESSIONS.c.session)).scalars())

    for minutes in range(20, 120, 20):
        now = began + timedelta(minutes=minutes)
        assert user_of_session(catalog, busy, now, limits) is not None
        if minutes > 30:
            assert user_of_session(catalog, idle, now, limits) is None
            assert left(now) == {digest_of(busy)}
    assert left(began + timedelta(hours=2)) == set()


def test_logging_out_ends_the_session_not_only_the_cookie(site: Site) -> None:
    browser, thief = site.user("camille", "marketer"), site.browser()
    thief.client.cookies.set(SESSION_COOKIE, browser.client.cookies[SESSION_COOKIE])
    assert thief.get("/").status_code == 200
    assert browser.post("/logout", {}).status_code == 303
    assert thief.get("/").status_code == 303


def test_a_new_password_ends_every_session(site: Site) -> None:
    browser = site.user("camille", "marketer")
    reset_password(site.catalog, "camille")
    assert browser.get("/").headers["location"] == "/login"


def test_the_cookie_is_signed_and_for_the_server_only(site: Site) -> None:
    browser = site.user("camille", "marketer")
    cookie = browser.client.cookies[SESSION_COOKIE]
    [said] = [
        header for header in site.browser().log_in("camille").headers.get_list("set-cookie") if SESSION_COOKIE in header
    ]
    assert "HttpOnly" in said and "SameSite=lax" in said and "Path=/" in said
    assert cookie not in browser.get("/").text
    payload = cookie.partition(".")[0]
    assert payload not in browser.get("/").text
    for place in (*range(0, len(cookie), 7), len(cookie) - 1):
        other = site.browser()
        other.client.cookies.set(SESSION_COOKIE, tampered(cookie, place))
        assert other.get("/").status_code == 303, place


def test_over_https_cookies_are_sent_over_https_only(site: Site) -> None:
    site.user("camille", "marketer")
    browser = site.browser()
    browser.client.base_url = "https://localhost"
    answer = browser.log_in("camille")
    assert all("Secure" in header for header in answer.headers.get_list("set-cookie"))
    assert "max-age" in answer.headers["strict-transport-security"]


def test_a_form_of_another_site_changes_nothing(site: Site) -> None:
    browser = site.user("camille", "marketer")
    token, form = browser.token(), {"version": "2026-10-30.1", "kind": "created"}
    other = site.user("other", "marketer").token()
    for answer in (
        browser.client.post(_CONFIRM, data=form),
        browser.client.post(_CONFIRM, data={"token": other, **form}),
        browser.client.post(_CONFIRM, data={"token": token, **form}, headers={"origin": "http://evil.example"}),
        browser.client.post(_CONFIRM, data={"token": token, **form}, headers={"origin": "null"}),
        browser.client.post(_CONFIRM, data={"token": token, **form}, headers={"origin": "http://localhost:8080"}),
        browser.client.post(_CONFIRM, data={"token": token, **form}, headers={"sec-fetch-site": "cross-site"}),
        browser.client.post(_CONFIRM, json={"token": token, **form}),
    ):
        assert answer.status_code == 403, answer.text
    assert "Waiting" in browser.get("/audiences").text
    own = {"origin": "http://localhost", "sec-fetch-site": "same-origin"}
    assert browser.client.post(_CONFIRM, data={"token": token, **form}, headers=own).status_code == 303


def test_an_unknown_host_name_is_refused(site: Site) -> None:
    assert site.browser().get("/login", host="rebound.example").status_code == 400


def test_a_form_that_is_too_long_is_not_read(site: Site) -> None:
    browser = site.browser()
    assert browser.client.post("/login", content=b"x" * 70_000).status_code == 413
    assert browser.client.post("/login", content=iter([b"x"])).status_code == 413


@pytest.mark.parametrize(
    "path",
    ["//evil.example", "http://evil.example", "/\\evil.example", "javascript:alert(1)", "evil", "", "/\nx", "\\\\evil"],
)
def test_a_login_never_leads_to_another_site(path: str) -> None:
    assert own_path(path) == "/"


def test_a_login_leads_back_to_where_one_wanted_to_go() -> None:
    assert own_path("/audiences?q=a&page=2") == "/audiences?q=a&page=2"


@pytest.mark.parametrize("name", ["", "Camille", "jane@example.com", "a" * 41, "a b", "../x", "1x"])
def test_a_user_has_a_plain_name(site: Site, name: str) -> None:
    with pytest.raises(UserError, match="no user name") as refused:
        add_user(site.catalog, name, ["marketer"])
    with pytest.raises(UserError) as unknown:
        remove_user(site.catalog, name)
    # It may be an address.
    assert len(name) < 3 or not any(name in str(error.value) for error in (refused, unknown))


def test_the_last_admin_cannot_be_removed(site: Site) -> None:
    admin = site.user("boss", "admin")
    assert "Nobody would be left" in admin.post("/users/remove", {"name": "boss"}).text
    assert "Nobody would be left" in admin.post("/users/roles", {"name": "boss", "roles": "privacy"}).text
    assert admin.get("/users").status_code == 200


def test_passwords_are_kept_as_argon2_hashes_in_a_file_of_its_owner(site: Site) -> None:
    site.user("camille", "marketer")
    content = b"".join(path.read_bytes() for path in site.home.root.glob("catalog.sqlite*"))
    assert PASSWORD.encode() not in content
    assert b"$argon2id$" in content
    assert (site.home.keys / "portal.key").stat().st_mode & 0o777 == 0o600


def test_a_trusted_proxy_names_the_user_and_nobody_else_does(make_site: Callable[..., Site]) -> None:
    site = make_site(proxy={"header": "X-Forwarded-User", "addresses": ["testclient"]})
    add_user(site.catalog, "camille", ["marketer"], known_as="camille@shop.example")
    add_user(site.catalog, "dora", ["marketer"])
    for claimed in ("dora", "camille@shop.example"):
        browser = site.browser(**{"X-Forwarded-User": claimed})
        assert browser.get("/").status_code == 200
        assert browser.post(_CONFIRM, {"version": "1", "kind": "created"}).status_code == 422
    assert site.browser(**{"X-Forwarded-User": "stranger"}).get("/").status_code == 303
    assert site.browser().get("/").status_code == 303
    untrusting = make_site(proxy={"addresses": ["10.9.8.7"]})
    assert untrusting.browser(**{"X-Forwarded-User": "camille@shop.example"}).get("/").status_code == 303


def test_what_people_are_known_as_elsewhere_is_kept_as_a_hash(site: Site, tmp_path: Path) -> None:
    add_user(site.catalog, "camille", ["marketer"], known_as="camille@shop.example")
    content = b"".join(path.read_bytes() for path in site.home.root.glob("catalog.sqlite*"))
    assert b"camille@shop.example" not in content
