"""The single steps that a plan is made of, in words."""

from __future__ import annotations

from schemas.journal import UPLOADED, ConfirmationKind, UploadStep
from schemas.said import Said
from schemas.uploads import FileEntry

_WORDS: dict[ConfirmationKind, str] = {
    "created": "make a new list of {}",
    "replaced": "replace all that the list holds with {}",
    "added": "add {} to the list",
    "removed": "remove {} from the list",
}


class Steps:
    """The steps of one version, and what each says."""

    def __init__(self, version: str, files: tuple[FileEntry, ...]) -> None:
        self._version, self._files = version, files

    def upload(self, kind: ConfirmationKind, when: str = "", because: Said | None = None) -> UploadStep:
        file = UPLOADED[kind]
        names = ", ".join(entry.name for entry in self._files if entry.kind == file)
        says = _sentence(f"{when}{_WORDS[kind].format(names)}{f': {because}' if because else ''}")
        return UploadStep(kind=kind, version=self._version, file=file, says=says)

    def delete(self, version: str) -> UploadStep:
        says = f"Delete the list that was last filled with {version}, once no campaign uses it."
        return UploadStep(kind="deleted", version=version, file=None, says=says)

    def delete_unconfirmed(self, version: str) -> UploadStep:
        says = f"If a list was made of {version} or an older version without being confirmed, delete it."
        return UploadStep(kind="deleted", version=version, file=None, says=says)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
