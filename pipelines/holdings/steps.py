"""The single steps that a plan is made of, in words."""

from __future__ import annotations

from typing import Self

from pipelines.holdings.open_lists import OpenList
from schemas.journal import FILLING, UPLOADED, ConfirmationKind, UploadStep, names_of_lists
from schemas.said import Said
from schemas.uploads import FileEntry, Manifest, list_of

_WORDS: dict[ConfirmationKind, str] = {
    "created": "make a new list of {}",
    "replaced": "replace all that the list holds with {}",
    "added": "add {} to the list",
    "removed": "remove {} from the list",
}
#: Where the audience has several lists at the network, and the files are for one of them.
_ONE: dict[ConfirmationKind, str] = {
    **_WORDS,
    "replaced": "replace all that the list {name} holds with {}",
    "added": "add {} to the list {name}",
    "removed": "remove {} from the list {name}",
}
#: Where the files are for several.
_EACH: dict[ConfirmationKind, str] = {
    "created": "make a new list of its own for each of {}",
    "replaced": "replace all that each list holds with its own file: {}",
    "added": "add to each list its own file: {}",
    "removed": "remove from each list its own file: {}",
}


class Steps:
    """The steps of one version, and what each says."""

    def __init__(
        self, version: str, files: tuple[FileEntry, ...], made: tuple[str, ...] = (), *, parts_apart: bool = False
    ) -> None:
        """`made`: which of the network's lists were filled, if they are to go on; `parts_apart`: whether each part of a
        file fills a list of its own."""
        self._version, self._files, self._made, self._parts_apart = version, files, made, parts_apart

    @classmethod
    def of(cls, manifest: Manifest, made: tuple[str, ...] = ()) -> Self:
        return cls(manifest.version, manifest.files, made, parts_apart=manifest.parts_apart)

    def upload(self, kind: ConfirmationKind, when: str = "", because: Said | None = None) -> UploadStep:
        """Upload the version's files of the kind; `when` begins the sentence, `because` ends it. Of what is added, or
        put in place of what was there, a list is made that was not filled yet: for want of people, or of a leave."""
        file = UPLOADED[kind]
        by_list: dict[str, list[str]] = {}
        for entry in self._files:
            if entry.kind == file:
                by_list.setdefault(list_of(entry, parts_apart=self._parts_apart), []).append(entry.name)
        made = () if kind == "created" else self._made
        new = {name: each for name, each in by_list.items() if made and kind in FILLING and name not in made}
        there = {name: each for name, each in by_list.items() if name not in new}
        clauses = [_clause(kind, there, made)] if there or not new else []
        clauses += [_clause("created", new, made)] if new else []
        says = _sentence(f"{when}{'; '.join(clauses)}{f': {because}' if because else ''}")
        return UploadStep(
            kind=kind,
            version=self._version,
            file=file,
            says=says,
            lists=names_of_lists(by_list, made),
            new_lists=names_of_lists(new, made),
        )

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
        if old.mark and old.mark != version:
            says += f" {'Their names bear' if len(lists) > 1 else 'Its name bears'} {old.mark}."
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


def _clause(kind: ConfirmationKind, files: dict[str, list[str]], made: tuple[str, ...]) -> str:
    """What is done with the files of each list."""
    names = names_of_lists(files, made)
    every = ", ".join(name for each in files.values() for name in each)
    if not names:
        return _WORDS[kind].format(every)
    if len(names) == 1:
        return _ONE[kind].format(every, name=names[0])
    pairs = zip(names, files.values(), strict=True)
    return _EACH[kind].format(", ".join(f"{name} ({', '.join(each)})" for name, each in pairs))
