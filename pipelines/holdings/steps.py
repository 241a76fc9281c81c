"""The single steps that a plan is made of, in words."""

from __future__ import annotations

from typing import Self

from pipelines.holdings.open_lists import OpenList
from schemas.journal import UPLOADED, ConfirmationKind, UploadStep, names_of_lists
from schemas.said import Said
from schemas.uploads import FileEntry, Manifest, list_of

_WORDS: dict[ConfirmationKind, str] = {
    "created": "make a new list of {}",
    "replaced": "replace all that the list holds with {}",
    "added": "add {} to the list",
    "removed": "remove {} from the list",
}
#: Where the files are for several lists.
_EACH: dict[ConfirmationKind, str] = {
    "created": "make a new list of its own for each of {}",
    "replaced": "replace all that each list holds with its own file: {}",
    "added": "add to each list its own file: {}",
    "removed": "remove from each list its own file: {}",
}


class Steps:
    """The steps of one version, and what each says."""

    def __init__(self, version: str, files: tuple[FileEntry, ...], *, parts_apart: bool = False) -> None:
        """`parts_apart`: whether each part of a file fills a list of its own."""
        self._version, self._files, self._parts_apart = version, files, parts_apart

    @classmethod
    def of(cls, manifest: Manifest) -> Self:
        return cls(manifest.version, manifest.files, parts_apart=manifest.parts_apart)

    def upload(self, kind: ConfirmationKind, when: str = "", because: Said | None = None) -> UploadStep:
        """Upload the version's files of the kind; `when` begins the sentence, `because` ends it."""
        file = UPLOADED[kind]
        by_list: dict[str, list[str]] = {}
        for entry in self._files:
            if entry.kind == file:
                by_list.setdefault(list_of(entry, parts_apart=self._parts_apart), []).append(entry.name)
        lists = names_of_lists(by_list)
        words, files = _WORDS, ", ".join(name for names in by_list.values() for name in names)
        if len(by_list) > 1:
            pairs = zip(lists, by_list.values(), strict=True)
            words, files = _EACH, ", ".join(f"{name} ({', '.join(names)})" for name, names in pairs)
        says = _sentence(f"{when}{words[kind].format(files)}{f': {because}' if because else ''}")
        return UploadStep(kind=kind, version=self._version, file=file, says=says, lists=lists)

    def create_another(self) -> UploadStep:
        """Make a new list where another was made before: until campaigns use the new one, the old one cannot go, and a
        network may refuse the name of one that is deleted."""
        step = self.upload("created")
        name, it = ("names", "them") if len(step.lists) > 1 else ("name", "it")
        says = f"{step.says} Put the version, {self._version}, into the {name}, and point your campaigns at {it}."
        return step.model_copy(update={"says": says})

    def delete(self, old: OpenList, *, restored: bool = False) -> UploadStep:
        """Every list that was filled is to go, also one that the version has no file for; where the home was `restored`
        since, those that only the network knows too.
        """
        version, lists = old.newest_version, names_of_lists(old.lists)
        says = f"Delete the list that was last filled with {version}, once no campaign uses it."
        if lists:
            says = f"Delete each old list, last filled with {version}, once no campaign uses it: {', '.join(lists)}."
        if restored:
            says += " So with every list that was made since the backup from which relance was restored."
        return UploadStep(kind="deleted", version=version, file=None, says=says, lists=lists)

    def delete_unconfirmed(self, version: str, made: tuple[str, ...]) -> UploadStep:
        """`made`: the lists that one may have made of it or of an older version."""
        lists = names_of_lists(made)
        says = f"If a list was made of {version} or an older version without being confirmed, delete it."
        if lists:
            says = (
                f"If any of these lists was made of {version} or an older version without being confirmed, delete it: "
                f"{', '.join(lists)}."
            )
        says += f" Confirm {version} as deleted also if there is none."
        return UploadStep(kind="deleted", version=version, file=None, says=says, lists=lists)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
