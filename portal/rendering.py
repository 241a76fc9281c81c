"""Templates: escaped, in the visitor's language, with only what the visitor may do."""

from __future__ import annotations

import json
import re
from functools import cache, partial
from pathlib import Path
from urllib.parse import urlencode

from cryptography.fernet import Fernet, InvalidToken
from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from portal.access import may
from portal.forms import own_path, path_of, without_query
from portal.language import LANGUAGES, Language, chosen_language
from portal.links import download_name
from portal.list_names import names_of_step, names_to_choose
from portal.protection import FORM_COOKIE, form_session
from portal.state import State, state_of
from portal.static import static_url
from portal.visitors import form_token
from schemas.said import Said
from schemas.segment import Audience

LANGUAGE_COOKIE = "relance_language"

#: In an address: a button was pressed after the session had ended.
NOT_DONE = "not_done"

#: In an address: why a form of the page was not taken, and for how long that is told.
_REFUSAL, _REFUSAL_SECONDS = "refusal", 15 * 60


@cache
def templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["code"] = _code
    environment.globals |= {
        "static": static_url,
        "languages": LANGUAGES,
        "page_of": page_of,
        "names_of_step": names_of_step,
        "names_to_choose": names_to_choose,
        "download_name": download_name,
    }
    return environment


def _code(text: str) -> Markup:
    """The text, what stands in backticks set as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - it is escaped


def language_of(request: Request) -> Language:
    code = chosen_language(request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language", ""))
    return Language(code, state_of(request).settings.zone)


def page_of(audience: Audience) -> str:
    """Where an audience's page is."""
    return "/audiences/" + "/".join(audience)


def render(
    request: Request,
    template: str,
    status: int = 200,
    *,
    refusal: Said | None = None,
    address: str | None = None,
    **context: object,
) -> Response:
    """The page; `context` is what its template shows; `refusal` why a form of it was not taken; `address` where the
    page is, if not where the form was sent from."""
    state = state_of(request)
    language = language_of(request)
    sent_from = address or _asked_from(request)
    if refusal is not None:
        sent_from = _with_refusal(state, without_query(sent_from), refusal)
    elif request.method == "GET":
        refusal = _refused_before(request, state)
    visitor = getattr(request.state, "visitor", None)
    page = (
        templates()
        .get_template(template)
        .render(
            language.template_names
            | {
                "language": language.code,
                "visitor": visitor,
                "may": partial(may, visitor) if visitor is not None else lambda route: False,
                "token": form_token(state, form_session(request)),
                "here": request.url.path,
                "sent_from": sent_from,
                "refusal": refusal,
                "not_done": request.method == "GET" and NOT_DONE in request.query_params,
                "login": state.settings.portal.login,
            }
            | context
        )
    )
    response = HTMLResponse(page, status)
    response.headers["Vary"] = "Accept-Language, Cookie"
    if hasattr(request.state, "new_form_cookie"):
        response.set_cookie(
            FORM_COOKIE,
            request.state.new_form_cookie,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
    return response


def _asked_from(request: Request) -> str:
    """The page that the visitor is on: of a form that was sent, the one that it was on."""
    if request.method != "GET":
        return path_of(request.headers.get("referer", ""))
    return own_path(request.url.path + (f"?{request.url.query}" if request.url.query else ""))


def _with_refusal(state: State, path: str, refusal: Said) -> str:
    """The page's address with the refusal, which is sealed: nobody else puts words into the page's mouth, and it may
    name a user, whom addresses do not name."""
    written = json.dumps(refusal.written())
    return f"{path}?{urlencode({_REFUSAL: _sealer(state, path).encrypt(written.encode()).decode()})}"


def _refused_before(request: Request, state: State) -> Said | None:
    """What the page's address says was refused, for whoever switched the language on reading it."""
    sealed = request.query_params.get(_REFUSAL, "")
    try:
        written = _sealer(state, request.url.path).decrypt(sealed.encode(), _REFUSAL_SECONDS)
    except InvalidToken:
        return None
    return Said.of(json.loads(written))


def _sealer(state: State, path: str) -> Fernet:
    return state.sealer(f"refusal.{path}")


def render_fragment(template: str, language: Language, **context: object) -> Markup:
    """A part of a page that is the same for every visitor of that language."""
    everybody = {"language": language.code, "may": lambda route: False}
    return Markup(templates().get_template(template).render(language.template_names | everybody | context))  # noqa: S704


def redirect(path: str, **query: object) -> Response:
    """Go on to another page of ours, by GET."""
    return RedirectResponse(path + (f"?{urlencode(query)}" if query else ""), 303)
