"""Errors meant for people: what happened, where, and what to do. Never a value from a row."""

from __future__ import annotations

from schemas.said import Said

DISK_FULL = Said(
    "The disk of the home is full. Free some space and run again; what was published until then stays as it is."
)


class RelanceError(Exception):
    """A failure that one sentence explains."""

    exit_code = 1

    @property
    def said(self) -> Said:
        """The sentence, for the page to say in another language if it was raised with one of these."""
        return self.args[0] if self.args and isinstance(self.args[0], Said) else Said(str(self))


class ConfigError(RelanceError):
    """A declared file or a command's argument is wrong."""

    exit_code = 2


class HomeLockedError(RelanceError):
    """Another process holds the home."""

    exit_code = 3


class SourceError(RelanceError):
    """A source file or table cannot be read as declared."""


class UnreachableSourceError(SourceError):
    """A source is not there, or in use: later it may be."""


class EmptyCrmError(SourceError):
    """The CRM gave no customer, or no consent any more."""


class KeyFileError(RelanceError):
    """A secret key is missing, unreadable or not the one the warehouse was made with."""


class DiskError(RelanceError):
    """A disk is full, or cannot be read or written."""


class WarehouseError(RelanceError):
    """The warehouse refused an operation."""


class CatalogError(RelanceError):
    """The catalog's database cannot be opened."""


class ForeignCatalogError(CatalogError):
    """The catalog is another home's, or this home's is lost."""


class PublicationError(RelanceError):
    """An audience's files were refused before publication."""

    def __init__(self, message: str, check: str | None = None) -> None:
        super().__init__(message)
        #: The check of the gate that failed, if one did.
        self.check = check


class JournalError(RelanceError):
    """What was done at a network, as told, does not fit what relance knows of the list."""


class ReportError(RelanceError):
    """What is told of a list, as a network shows it, cannot be kept."""


class UserError(RelanceError):
    """A user cannot be added, changed or removed as asked."""

    exit_code = 2


class DayError(RelanceError):
    """The asked day is not one that can be run."""

    exit_code = 2


class StageError(RelanceError):
    """A stage failed for a reason its library words with values of rows, which are left out."""
