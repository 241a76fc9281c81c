"""A French marketer meets no English sentence, whatever the nights brought."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from catalog.erasures import erasure_requests
from catalog.home import Home
from catalog.store import open_catalog
from commands.main import app
from pipelines.holdings.confirming import confirm
from portal.app import create_app
from schemas.errors import RelanceError
from schemas.network import networks
from schemas.segment import Audience
from schemas.settings import Settings
from tests.conftest import Company
from tests.nights import night
from tests.portal.conftest import PASSWORD, Browser, Site
from tests.portal.test_access import routes

DAY, NEXT = "2024-06-30", "2024-07-01"
META = Audience("meta", "main", "buyers")
PAGE = "/audiences/meta/main/buyers"

#: Words without which hardly an English sentence is made, and of which none is French.
ENGLISH = re.compile(
    r"(the|of|and|is|are|was|were|not|with|that|this|from|has|have|been|for|which|by|its|they|their|what|who)",
    re.IGNORECASE,
)

#: What stands in code, or between French quotes, is named and not said.
NAMED = re.compile(r"«[^»]*»|`[^`]*`")


class Texts(HTMLParser):
    """What a page says to eyes and to screen readers, code left out."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.said: list[str] = []
        #: Elements marked as English, other than the button that switches to it.
        self.foreign: list[str] = []
        self._silent = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._silent += tag in {"code", "script", "style"}
        self.said += [
            given[name] or "" for name in ("title", "placeholder", "aria-label", "data-label") if name in given
        ]
        if given.get("lang") == "en" and tag not in {"button", "code"}:
            self.foreign.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in {"code", "script", "style"}

    def handle_data(self, data: str) -> None:
        if not self._silent and data.strip():
            self.said.append(" ".join(data.split()))


def english_in(page: str, names: set[str]) -> list[str]:
    """Texts of the page with an English word that a sentence is made of; `names` are the company's own."""
    texts = Texts(page)
    return [f"<{tag} lang=en>" for tag in texts.foreign] + [
        text for text in texts.said if ENGLISH.search(NAMED.sub("", _without(text, names)))
    ]


def same_in_both(french: str, english: str, names: set[str]) -> list[str]:
    """Texts of several words that the page says alike in both languages."""
    alike = set(Texts(french).said) & set(Texts(english).said)
    return [text for text in alike if len(re.findall(r"(?<!\S)[^\W\d_]{2,}", NAMED.sub("", _without(text, names)))) > 1]


def _without(text: str, names: set[str]) -> str:
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, "")
    return text


@pytest.fixture
def site(company: Company, tmp_path: Path) -> Iterator[Site]:
    """A night with broken rows, rules that keep people out and an audience held back; somebody to be forgotten; and a
    night that failed since a source was gone."""
    home = tmp_path / "home"
    buyers = (company.config / "segments" / "buyers.toml").read_text(encoding="utf-8").replace(', "google_ads"', "")
    company.declare("segments/buyers.toml", buyers + 'exclude = ["often"]\n')
    company.declare("segments/often.toml", buyers.replace(">= 1", ">= 2").replace('"buyers"', '"often"'))
    company.declare("suppressions/staff.toml", 'title = "Staff"\ndomains = ["example.org"]\n')
    settings = (company.config / "relance.toml").read_text(encoding="utf-8")
    company.declare("relance.toml", settings + "source_retries = { times = 0 }\n[assume.FR]\nads_upload = true\n")
    orders = (company.folder / "orders.csv").read_text(encoding="utf-8")
    company.write("orders", orders + "odd,1,2024-03-01 12:00:00,1.00,XAF,completed\nworse,1,never,1.00,EUR,completed\n")
    night(company.config, home, DAY)
    with open_catalog(Home.at(home)) as catalog:
        confirm(catalog, META, f"{DAY}.1", "created")
        email = (company.folder / "customers.csv").read_text(encoding="utf-8").splitlines()[-1].split(",")[1]
        forgot = CliRunner().invoke(app, ["forget", email, "--config", str(company.config), "--home", str(home)])
        assert forgot.exit_code == 0, forgot.output
        (company.folder / "customers.csv").unlink()
        with pytest.raises(RelanceError):
            night(company.config, home, NEXT)
        site = Site(Home.at(home), catalog, create_app(Home.at(home), Settings(currency="EUR"), catalog))
        yield site
        site.app.state.relance.overview.close()


def shown(browser: Browser, accept: dict[str, str]) -> dict[str, str]:
    """Address → page, for every page there is, and for what each form refuses."""
    values = {"network": "meta", "account": "main", "segment": "buyers", "request_id": _request_id(browser)}
    others = re.compile(r"health|static|login|oidc|files/|zip|json")
    pages = {each.path.format(**values) for each in routes(browser.site.app)
             if "GET" in each.methods and not others.search(each.path)}  # fmt: skip
    found = {page: browser.get(page, **accept).text for page in sorted(pages | {"/audiences?q=nothing", "/nowhere"})}
    found["refused"] = browser.post(f"{PAGE}/confirmations", {"version": f"{DAY}.1", "kind": "added"}, **accept).text
    found["no such user"] = browser.post("/users/remove", {"name": "nobody"}, **accept).text
    found["odd user"] = browser.post("/users", {"name": "a b", "roles": "admin"}, **accept).text
    for name, form in (("odd size", {"size": "many"}), ("odd rate", {"match_rate": "101"}), ("nothing", {})):
        found[name] = browser.post(f"{PAGE}/size", form, **accept).text
    for said in ("an @", "?"):
        found[said] = browser.post(f"{PAGE}/failure", {"version": f"{DAY}.1", "said": said}, **accept).text
    found["gone"] = browser.post(f"{PAGE}/size/undo", {"number": 99}, **accept).text
    passwords = {"old": "wrong", "new": PASSWORD, "again": PASSWORD}
    found["password"] = browser.post("/password", passwords, **accept).text
    found["done"] = browser.get("/?undone=1", **accept).text + browser.get("/?noted=1", **accept).text
    found["done there"] = "".join(
        browser.get(f"{PAGE}?{done}=1", **accept).text for done in ("done", "undone", "noted")
    )
    found["login"] = browser.site.browser().post("/login", {"name": "x", "password": "y"}, "/login", **accept).text
    return found


#: What has to be on the pages, so that they are worth reading.
SEEN = (
    "il en manque 99",
    "aucun fichier ne correspond",
    "pas de taux de change pour XAF",
    "La dernière nuit",
    "1 clé de correspondance doit partir",
    "ne peut pas être confirmée",
    "supposé accordé",
    "1 sur 1.",
)


def test_no_page_says_a_word_of_english_in_french(site: Site) -> None:
    browser = site.user("camille", "marketer", "privacy", "admin")
    names = {row.title for row in site.app.state.relance.overview.rows(site.today)} | {
        "camille",
        "English",
        "relance",
    }
    for network in networks().values():
        names |= {network.title, *network.covers}
    french = shown(browser, {"accept-language": "fr"})
    english = shown(browser, {"accept-language": "en"})
    every = unescape(" ".join(french.values()))
    assert [text for text in SEEN if text not in every] == []
    # The check sees English wherever it is.
    assert [page for page, text in english.items() if not english_in(text, names)] == []
    found = {page: english_in(text, names) + same_in_both(text, english[page], names) for page, text in french.items()}
    assert {page: texts for page, texts in found.items() if texts} == {}


def _request_id(browser: Browser) -> str:
    [found] = erasure_requests(browser.site.catalog)
    return found.request_id
