"""All audiences in a table: searched, filtered, sorted, fifty a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, Field

from portal.language import Language
from portal.overview import Row
from portal.rendering import language_of, render, render_fragment
from portal.rules import in_words
from portal.state import StateOf
from portal.status import STATUSES, Status

router = APIRouter()

PER_PAGE = 50

Order = Literal["title", "network", "purpose", "people", "change", "as_of", "status"]

#: What a row is sorted by, and whether the most comes first.
_ORDERS: dict[Order, tuple[Callable[[Row], object], bool]] = {
    "title": (lambda row: row.title.lower(), False),
    "network": (lambda row: row.network.title.lower(), False),
    "purpose": (lambda row: row.purpose.lower(), False),
    "people": (lambda row: -1 if row.people is None else row.people, True),
    "change": (lambda row: -1 if row.change is None else abs(row.change), True),
    "as_of": (lambda row: "" if row.as_of is None else row.as_of.isoformat(), True),
    "status": (lambda row: list(STATUSES).index(row.status), False),
}


class AudiencesQuery(BaseModel):
    """What the table is to show."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    q: str = Field("", max_length=200)
    network: str = Field("", max_length=100)
    purpose: str = Field("", max_length=200)
    status: Status | Literal[""] = ""
    sort: Order = "status"
    backwards: bool = False
    page: int = Field(1, ge=1, le=10_000)

    def url(self, **changes: object) -> str:
        """The table's address with other values; what is as usual is left out."""
        values = self.model_copy(update=changes).model_dump(exclude_defaults=True)
        return "/audiences" + (f"?{urlencode(values)}" if values else "")

    def sorted_by(self, order: Order) -> str:
        """The address that sorts by the column, the other way round the second time."""
        return self.url(sort=order, backwards=self.sort == order and not self.backwards, page=1)


@router.get("/audiences", name="audiences")
def audiences(request: Request, asked: Annotated[AudiencesQuery, Query()], state: StateOf) -> Response:
    rows = state.overview.rows(state.today)
    language = language_of(request)
    return render(
        request,
        "audiences.html",
        asked=asked,
        # Rendering fifty rows is most of the work, and it is the same for everybody.
        results=state.fragments.get(
            rows, (asked, language.code), lambda: _results(rows, asked, language, state.settings.currency)
        ),
        networks=sorted({(row.audience.network, row.network.title) for row in rows}, key=lambda each: each[1].lower()),
        purposes=sorted({row.purpose for row in rows if row.purpose}),
        statuses=STATUSES,
    )


def _results(rows: tuple[Row, ...], asked: AudiencesQuery, language: Language, currency: str) -> Markup:
    found = sorted_rows([row for row in rows if _is_asked_for(row, asked)], asked)
    pages = max(-(-len(found) // PER_PAGE), 1)
    page = min(asked.page, pages)
    return render_fragment(
        "_results.html",
        language,
        asked=asked,
        rows=found[(page - 1) * PER_PAGE : page * PER_PAGE],
        found=len(found),
        page=page,
        pages=pages,
        every=len(rows),
        orders=tuple(_ORDERS),
        in_words=lambda rule: in_words(rule, language, currency),
    )


def sorted_rows(rows: list[Row], asked: AudiencesQuery) -> list[Row]:
    """The rows in the order asked for; equal ones stay by network and title."""
    key, most_first = _ORDERS[asked.sort]
    return sorted(rows, key=key, reverse=most_first != asked.backwards)  # type: ignore[arg-type]


def _is_asked_for(row: Row, asked: AudiencesQuery) -> bool:
    return (
        asked.network in {"", row.audience.network}
        and asked.purpose in {"", row.purpose}
        and asked.status in {"", row.status}
        and all(word in row.search_text for word in asked.q.lower().split())
    )
