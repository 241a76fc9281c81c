"""The encoding of a file in one byte is never taken without a word where another is as likely."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import ConfigError
from tests.pipelines.crm.guess.guesses import files

#: Names as people of each language write them.
WESTERN = {
    "French": "Hélène Anaïs Zoë François Benoît Jérôme Gaëlle Éléonore l’Œuvre où août Côté Lévêque",
    "German": "Müller Jürgen Grüße Größe Weiß Süß Bäcker Öztürk Österreich Fußgänger",
    "Spanish": "José Muñoz Núñez Ibáñez Íñigo Güell Martínez nº 2ª ¿Qué? Coruña",
    "Portuguese": "João Conceição Gonçalves Simões Antônio Inês Guimarães ações",
    "Italian": "Nicolò Forlì città Cantù D’Amò perché Cefalù",
    "Danish": "Søren Bjørn Åse Mærsk Østergård Æbelø",
    "Finnish": "Hämäläinen Mäkinen Pöyhönen Jääskeläinen Äänekoski Töölö",
}


ELSEWHERE = {
    "cp1250": [
        "Jiří Dvořák Zdeněk Růžička Šárka Němec",
        "Paweł Łukasz Wójcik Zając Grażyna Michałek",
        "Győri Erdős Szabó Csűrös Gergő Kovács",
        "Horvat Kovačević Babić Đurić Šimić",
        "Ionuţ Mădălina Cătălin Bălan Ţuţea",
    ],
    "cp1251": ["Ольга Сергеева Юрий"],
    "cp1253": ["Γιώργος Παπαδόπουλος Μαρία"],
    "cp1254": ["Yılmaz Şahin Çelik Aydın Doğan Ayşe"],
    "cp1257": ["Kazlauskas Žukauskas Jūratė Čepaitė"],
    "gbk": ["王伟 李娜 张敏"],
    "cp949": ["김철수 이영희"],
}


def doubts(folder: Path, names: str, codec: str) -> tuple[str, list[str]]:
    """The encoding that is written for a file of such names, and what is to be decided of it."""
    rows = [f"{number};a{number}@example.org;{name}" for number, name in enumerate(names.split())]
    (folder / "clients.csv").write_bytes("\n".join(["id;email;name", *rows, ""]).encode(codec))
    found = files(folder, "clients.csv")
    return found.sources["clients"].encoding, list(found.doubts.values())


@pytest.mark.parametrize("language", WESTERN)
def test_western_names_in_windows_1252_leave_nothing_to_decide(tmp_path, language):
    assert doubts(tmp_path, WESTERN[language], "cp1252") == ("windows-1252", [])


@pytest.mark.parametrize(("codec", "names"), [(codec, each) for codec, all_ in ELSEWHERE.items() for each in all_])
def test_names_of_another_encoding_are_for_a_person_to_decide(tmp_path, codec, names):
    encoding, sentences = doubts(tmp_path, names, codec)
    (sentence,) = sentences
    assert encoding == "windows-1252"
    assert f"{codec.replace('cp', 'windows-')} (" in sentence
    assert "in UTF-8" in sentence
    assert not any(name in sentence for name in names.split())


def test_what_windows_1252_has_no_sign_for_is_proposed_as_windows_1250(tmp_path):
    names = "Ťažký Šťastný Dvořák Němec Veselý Černý"
    encoding, (sentence,) = doubts(tmp_path, names, "cp1250")
    assert encoding == "windows-1250"
    assert "windows-1252" not in sentence


@pytest.mark.parametrize(
    ("names", "codec", "told"),
    [
        ("花子 翔太 渡辺 鈴木 佐藤", "cp932", "is in Shift-JIS, which relance does not read. Save it as CSV in UTF-8"),
        ("Jürgen Müller Hélène", "cp850", "is neither in UTF-8 nor in Windows-1252. Save it as CSV in UTF-8"),
    ],
)
def test_what_cannot_be_read_is_to_be_saved_as_utf_8(tmp_path, names, codec, told):
    with pytest.raises(ConfigError, match=told):
        doubts(tmp_path, names, codec)
