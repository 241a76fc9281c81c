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
    split = urlsplit(path) if path.isprintable() and "\\" not in path else None
    ours = split is not None and not split.scheme and not split.netloc and path.startswith("/")
    return path if ours and not path.startswith("//") else "/"


def without_query(path: str) -> str:
    """The page of ours that the path leads to, without what it was told last."""
    return urlsplit(own_path(path)).path
