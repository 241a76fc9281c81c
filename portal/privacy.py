"""Requests to be forgotten: what became of each, network by network."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from portal.rendering import render
from portal.state import StateOf

router = APIRouter()


@router.get("/privacy", name="privacy")
def privacy(request: Request, state: StateOf) -> Response:
    return render(request, "privacy.html")
