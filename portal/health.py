"""Whether the page answers and can read its catalog."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

from portal.state import StateOf

router = APIRouter()


@router.get("/health", name="health", response_class=PlainTextResponse)
def health(state: StateOf) -> str:
    state.catalog.last_night()
    return "ok\n"
