"""What all forms share."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field


class Posted(BaseModel):
    """A form: whatever it holds beyond its fields is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: str = Field(max_length=500)


def own_path(path: str) -> str:
    """The path if it is one of this page, else the first page: a login never leads elsewhere."""
    # Of two slashes, or one the other way round, a browser makes another site.
    ours = path.startswith("/") and not path.startswith("//") and path.isprintable() and "\\" not in path
    return path if ours else "/"


def path_of(address: str) -> str:
    """The path and query of an address, as one of this page; the first page if the address is none."""
    try:
        split = urlsplit(address)
    except ValueError:
        return "/"
    return own_path(split.path + (f"?{split.query}" if split.query else ""))


def without_query(path: str) -> str:
    """The page of ours that the path leads to, without what it was told last."""
    return urlsplit(own_path(path)).path
