"""French and English: every sentence that the page may show is there in both, and is shown in the visitor's."""

from __future__ import annotations

import ast
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import nodes

import schemas.errors
from pipelines.uploads.brake import Counted, Turnover, tripped
from portal import app as portal_app
from portal.language import Language, chosen_language, french
from portal.rendering import templates
from portal.rules import _NEVER, _ONE, _WORDS
from portal.status import STATUSES
from portal.terms import TERMS
from schemas.brake import HOLDS, NOT_COUNTED, Brake, SourceCounts
from schemas.broken_rules import RULES
from schemas.network import networks
from schemas.said import Said
from schemas.settings import Purpose
from schemas.uploads import LEDGER_REASONS, Ledger
from tests.portal.conftest import DAY, GOOGLE, META, PARIS, Site
from tests.portal.test_pages import text_of

#: Reasons of the ledger that name a rule or a segment of the company's.
CHOSEN = {"suppressed", "excluded", "outranked"}


def sentences() -> set[str]:
    """Every sentence that a template says, and those that the code hands to one."""
    said: set[str] = set()
    for name in templates().list_templates():
        source, _, _ = templates().loader.get_source(templates(), name)  # type: ignore[union-attr]
        for call in templates().parse(source).find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name in {"_", "_n"}:
                texts = call.args[: 2 if call.node.name == "_n" else 1]
                said |= {text.value for text in texts if isinstance(text, nodes.Const)}
    said |= {HOLDS} | set(STATUSES.values()) | set(portal_app._SENTENCES.values())
    said |= {sentence for pair in _WORDS.values() for sentence in pair} | set(_ONE.values()) | {_NEVER}
    said |= said_by_runs() | {reason.replace("_", " ") for reason in LEDGER_REASONS if reason not in CHOSEN}
    said |= (
        set(TERMS.values())
        | set(RULES)
        | said_by_networks()
        | {purpose.replace("_", " ") for purpose in get_args(Purpose)}
    )
    folder = Path(portal_app.__file__).parent
    for path in (folder / "app.py", folder / "login.py"):
        source = path.read_text(encoding="utf-8")
        said |= set(re.findall(r"(?:sentence|refusal) = (?:\d+, )?\"([^\"]+)\"", source))
        said |= set(re.findall(r"status, sentence = \d+, \"([^\"]+)\"", source)) | set(
            re.findall(r"sentence=\"([^\"]+)\"", source)
        )
    return said


def said_by_networks() -> set[str]:
    """Every sentence of the networks' files that the page shows."""
    said: set[str] = set()
    for network in networks().values():
        said |= {
            network.consent_told,
            *network.upload_steps,
            *network.change_steps,
            *(fact.says for fact in network.facts),
        }
        said |= {place for place in network.covers if "'" in place}
    return said


def said_by_runs() -> set[str]:
    """Every text that a `Said` is made of, in a call of it or chosen before."""
    root = Path(portal_app.__file__).parents[1]
    said: set[str] = set()
    for folder in ("assets", "catalog", "pipelines", "portal", "schemas"):
        for path in (root / folder).rglob("*.py"):
            source = path.read_text(encoding="utf-8")
            said |= said_by(ast.parse(source)) if "Said(" in source else set()
    return said


def said_by(module: ast.Module) -> set[str]:
    nodes = list(ast.walk(module))
    calls = [node for node in nodes if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "Said"]
    if not calls:
        return set()
    given = [call.args[0] for call in calls]
    texts = [text for each in given for text in ([each.body, each.orelse] if isinstance(each, ast.IfExp) else [each])]
    docstrings = {node.value for node in nodes if isinstance(node, ast.Expr)}
    chosen = [node for node in nodes if isinstance(node, ast.Constant) and node not in docstrings]
    # SQL has braces too.
    before = [str(node.value) for node in chosen if re.match(r"(?![A-Z]{4,} )(?=.* ).*{\w+}", str(node.value))]
    return {str(text.value) for text in texts if isinstance(text, ast.Constant)} | set(before)


#: Modules that a night has no error from.
OTHERWISE = re.compile(r"conformance/|history/|crm/guess|erasure/(requests|certificate)|secret_keys|home|database")


def test_whatever_a_night_fails_of_is_said_in_french_too() -> None:
    root = Path(portal_app.__file__).parents[1]
    modules = [path for folder in ("assets", "catalog", "pipelines") for path in (root / folder).rglob("*.py")]
    assert [said for path in modules if not OTHERWISE.search(str(path)) for said in unsaid_errors(path)] == []


def unsaid_errors(path: Path) -> list[str]:
    """Where the module raises an error of ours with a text that is no `Said`."""
    errors = {name for name, each in vars(schemas.errors).items() if isinstance(each, type)}
    source = path.read_text(encoding="utf-8")
    nodes = list(ast.walk(ast.parse(source))) if "Error(" in source else []
    assigned = [each for each in nodes if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == "msg"]
    texts = {each.lineno: each.value for each in assigned}
    found: list[str] = []
    for node in nodes:
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and ast.unparse(node.exc.func) in errors:
            given = node.exc.args[0]
            if ast.unparse(given) == "msg":
                given = texts[max(line for line in texts if line < node.lineno)]
            if not isinstance(given, ast.Call) and ast.unparse(given) != "DISK_FULL":
                found.append(f"{path.name}:{node.lineno}")
    return found


def test_every_sentence_is_there_in_french_and_none_too_many() -> None:
    known = french()
    said = sentences()
    assert said - set(known) == set()
    assert set(known) - said == {"yes", "no"}


def test_a_translation_names_the_same_values() -> None:
    for english, translated in french().items():
        assert set(re.findall(r"{(\w+)}", english)) == set(re.findall(r"{(\w+)}", translated)), english


def test_each_reason_of_the_ledger_has_words() -> None:
    source = (Path(portal_app.__file__).parent / "templates" / "_parts.html").read_text(encoding="utf-8")
    for reason in LEDGER_REASONS:
        assert f'"{reason}' in source


def test_the_language_is_the_browsers_until_it_is_switched(site: Site) -> None:
    site.user("camille", "marketer")
    browser = site.browser(**{"accept-language": "fr-CH, en;q=0.8"})
    assert '<html lang="fr">' in browser.get("/login").text
    browser.log_in("camille")
    page = browser.get("/").text
    assert "1 audience vous attend." in page
    assert "4\u202f312 lignes" in page
    assert "30 oct. 2026" in page
    assert browser.post("/language", {"code": "en", "next": "/audiences?q=a"}).headers["location"] == "/audiences?q=a"
    assert "1 audience waits for you." in browser.get("/").text


def test_what_a_run_said_is_said_in_french(site: Site) -> None:
    went = Said(
        "the audience went from {before} to {now} people (limit: {limit} fewer)", before=4312, now=12, limit="30%"
    )
    held = Said(HOLDS, changes=[went], audience="google_ads/loyal")
    site.catalog.record_outcome(GOOGLE, DAY, "held", night=1, reason=held)
    undocumented = Said("{network} does not document that a file removes people from a list", network="Meta")
    site.publish(META, {"club_b.full.csv": b"email\na\n"}, version="2026-10-31.1", because=undocumented)
    browser = site.user("camille", "marketer")
    french = {"accept-language": "fr"}
    page = text_of(browser.get("/", **french).text)
    assert "le frein la retient : l’audience est passée de 4 312 à 12 personnes (limite : 30 % de moins)." in page
    assert "Meta ne documente pas qu’un fichier retire des personnes d’une liste." in page
    assert "le frein la retient : l’audience" in text_of(browser.get("/nights", **french).text)
    assert f"{held}.".replace("`", "") in text_of(browser.get("/nights").text)


def test_a_marketer_is_not_told_a_command_but_whom_to_ask(site: Site) -> None:
    held = Said(HOLDS, changes=[Said("it shrank")], audience="google_ads/loyal")
    site.catalog.record_outcome(GOOGLE, DAY, "held", night=1, reason=held)
    browser = site.user("camille", "marketer")
    for path in ("/", "/audiences", "/audiences/" + "/".join(GOOGLE)):
        page = text_of(browser.get(path).text)
        assert "the brake holds it: it shrank. Tell those who run relance whether that is right" in page
        assert "relance allow" not in page


def test_the_day_of_a_moment_is_the_companys() -> None:
    assert Language("en", PARIS).day(datetime(2024, 6, 30, 21, 59, tzinfo=UTC)) == "30 Jun 2024"
    first = datetime(2024, 6, 30, 22, 0, tzinfo=UTC)
    assert Language("en", PARIS).day(first) == "1 Jul 2024"
    french = Language("fr", PARIS)
    assert french.day(first) == "1er juil. 2024" and french.time(first) == "1er juil. 2024, 00:00"
    assert french.short_time(first + timedelta(days=10)) == "11 juil., 00:00"


def test_tables_of_the_crm_have_french_names_in_what_a_run_said() -> None:
    french, ledger = Language("fr", PARIS), Ledger(segment_people=1, dropped={}, file_people=1, file_rows=1)
    names = {"customers": "clients", "orders": "commandes", "consents": "consentements", "visits": "visites",
             "erasures": "demandes d’oubli"}  # fmt: skip
    for table, name in names.items():
        before, now = Counted(ledger, SourceCounts(rows={table: 9})), Counted(ledger, NOT_COUNTED)
        [went] = tripped(before, now, Turnover(1, 1, 1), Brake())
        shrank = f"la table des {name} du CRM est passée de 9 à 0 lignes"
        assert french.said(went) == f"{shrank} (limite\u00a0: 50\u202f% de moins)"


@pytest.mark.parametrize(
    ("accepted", "code"),
    [("", "en"), ("de", "en"), ("fr", "fr"), ("de, fr;q=0.5, en;q=0.3", "fr"), ("en, fr", "en"), ("fr;q=0", "en"),
     ("fr;q=x", "en"), (";;,,=", "en"), ("*", "en"), ("FR-fr", "fr")],
)  # fmt: skip
def test_the_first_language_that_there_is(accepted: str, code: str) -> None:
    assert chosen_language(None, accepted) == code


@given(st.text(max_size=60))
def test_no_header_breaks_the_choice_of_language(accepted: str) -> None:
    assert chosen_language("xx", accepted) in {"en", "fr"}
