"""Countries by ISO 3166 alpha-2 code, and what people write for them."""

from __future__ import annotations

import re
from functools import cache
from unicodedata import combining, normalize

from babel import Locale
from babel.core import get_global
from babel.localedata import exists
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

from schemas.regions import SUBDIVISIONS

#: CLDR lists these beside the ISO codes: groupings, pseudo-locales and unassigned codes. (Kosovo's, XK, is no ISO code
#: either, but the one that everybody uses, libphonenumber too.)
_NOT_COUNTRIES = frozenset({"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"})

#: European Economic Area: the 27 members of the Union, Iceland, Liechtenstein and Norway.
_EEA_STATES = frozenset(
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK".split()  # noqa: SIM905
)
#: And what of France and Finland has a code of its own and is a part of the Union. Source: Treaty on the Functioning of
#: the European Union, articles 349 and 355.
EEA = _EEA_STATES | {"AX", "GF", "GP", "MF", "MQ", "RE", "YT"}

#: Languages whose country names a CRM of our users is likely to hold.
_LANGUAGES = ("en", "fr", "de", "es", "it", "nl", "pt", "pl", "sv", "da", "nb", "fi")

#: What people write and CLDR does not.
_ALIASES = {
    "uk": "GB", "u k": "GB", "great britain": "GB", "britain": "GB", "england": "GB", "scotland": "GB", "wales": "GB",
    "northern ireland": "GB", "grande bretagne": "GB", "angleterre": "GB", "grossbritannien": "GB",
    "gran bretana": "GB", "gran bretagna": "GB", "groot brittannie": "GB", "gra bretanha": "GB",
    "eire": "IE", "ger": "DE", "el": "GR", "republic of ireland": "IE", "usa": "US", "u s a": "US", "u s": "US",
    "united states of america": "US",
    "etats unis d amerique": "US", "america": "US", "holland": "NL", "hollande": "NL", "the netherlands": "NL",
    "pays bas": "NL", "rsa": "ZA", "uae": "AE", "emirates": "AE", "czech republic": "CZ", "republique tcheque": "CZ",
    "russian federation": "RU", "korea republic of": "KR", "republic of korea": "KR", "korea south": "KR",
    "korea north": "KP", "democratic people s republic of korea": "KP", "viet nam": "VN", "syrian arab republic": "SY",
    "iran islamic republic of": "IR", "tanzania united republic of": "TZ", "moldova republic of": "MD",
    "venezuela bolivarian republic of": "VE", "bolivia plurinational state of": "BO", "macedonia": "MK",
    "republic of north macedonia": "MK", "ivory coast": "CI", "cote d ivoire": "CI", "swaziland": "SZ", "burma": "MM",
    "cape verde": "CV", "turkey": "TR", "congo the democratic republic of the": "CD", "zaire": "CD",
    "congo": "CG", "republic of the congo": "CG", "democratic republic of the congo": "CD",
    "holy see vatican city state": "VA", "holy see": "VA", "brunei darussalam": "BN",
    "lao people s democratic republic": "LA",
    "virgin islands u s": "VI", "virgin islands british": "VG", "hong kong": "HK", "macau": "MO", "macao": "MO",
    "taiwan province of china": "TW", "palestine state of": "PS", "palestine": "PS",
    "micronesia federated states of": "FM",
    "weissrussland": "BY", "elfenbeinkuste": "CI", "tschechische republik": "CZ", "sud korea": "KR", "brd": "DE",
    "bundesrepublik deutschland": "DE",
    # As mail and exports in German have them; of other single letters several countries are meant.
    "d": "DE", "a": "AT",
    "deutschland": "DE", "brasil": "BR", "espana": "ES", "italia": "IT", "suomi": "FI", "sverige": "SE", "norge": "NO",
    "danmark": "DK", "osterreich": "AT", "schweiz": "CH", "suisse": "CH", "svizzera": "CH", "polska": "PL",
    "people s republic of china": "CN", "pr china": "CN", "prc": "CN", "mainland china": "CN", "russia": "RU",
    "reunion": "RE", "ee uu": "US", "eeuu": "US", "kosova": "XK", "xkx": "XK",
    "st lucia": "LC", "east timor": "TL", "korea democratic peoples republic of": "KP",
    "korea democratic people s republic of": "KP",
    "congo democratic republic of": "CD", "macedonia former yugoslav republic of": "MK", "fyrom": "MK",
    "libyan arab jamahiriya": "LY", "rep of ireland": "IE", "western samoa": "WS", "belau": "PW", "vatican": "VA",
    "ireland republic of": "IE", "macedonia fyrom": "MK",
    "united kingdom of great britain and northern ireland": "GB", "hong kong sar": "HK", "macau sar": "MO",
    "macao sar": "MO", "palestinian territory": "PS", "palestinian territory occupied": "PS",
    "occupied palestinian territory": "PS", "saint martin french part": "MF", "saint martin dutch part": "SX",
    "sint maarten dutch part": "SX", "south georgia sandwich islands": "GS", "bonaire saint eustatius and saba": "BQ",
    "heard island and mcdonald islands": "HM", "united states us virgin islands": "VI",
    "united states us minor outlying islands": "UM",
    "saint vincent and the grenadines": "VC", "sao tome and principe": "ST", "faroe islands": "FO",
}  # fmt: skip

#: What countries call themselves in other languages than those.
_OWN_NAMES = {
    "Česko": "CZ", "Česká republika": "CZ", "Slovensko": "SK", "Slovenská republika": "SK", "Magyarország": "HU",
    "Ελλάδα": "GR", "България": "BG", "Hrvatska": "HR", "Slovenija": "SI", "Eesti": "EE", "Latvija": "LV",
    "Lietuva": "LT", "Κύπρος": "CY", "Lëtzebuerg": "LU", "Srbija": "RS", "Србија": "RS",
    "Crna Gora": "ME", "Bosna i Hercegovina": "BA", "Shqipëria": "AL", "Україна": "UA", "Россия": "RU",
    "Беларусь": "BY", "Türkiye Cumhuriyeti": "TR", "ישראל": "IL", "المغرب": "MA", "الجزائر": "DZ", "تونس": "TN",
    "مصر": "EG", "السعودية": "SA", "الإمارات": "AE", "भारत": "IN", "日本": "JP",
    "中国": "CN", "中國": "CN", "中华人民共和国": "CN",
    "台灣": "TW", "台湾": "TW", "香港": "HK", "대한민국": "KR", "한국": "KR", "ประเทศไทย": "TH", "ไทย": "TH",
    "Guyane": "GF", "Oesterreich": "AT", "République française": "FR",
}  # fmt: skip


_ISO_NUMBER = re.compile(r"[0-9]{3}")
#: Without blanks: `DE - BY` may be a list.
_ISO_3166_2 = re.compile(r"([A-Z]{2})[-_]([A-Z0-9]{1,3})")


@cache
def country_codes() -> frozenset[str]:
    """Every ISO 3166 alpha-2 code, and Kosovo's."""
    territories = (str(code) for code in Locale("en").territories)
    return frozenset(code for code in territories if len(code) == 2 and code.isalpha()) - _NOT_COUNTRIES


def is_country(code: str) -> bool:
    """Whether `code` is one of `country_codes`, which are in upper case."""
    return code in country_codes()


def folded(name: str) -> str:
    """A country's name without case, accents and punctuation, words one space apart."""
    plain = "".join(letter for letter in normalize("NFKD", normalize("NFKD", name).casefold()) if not combining(letter))
    return " ".join("".join(letter if letter.isalnum() else " " for letter in plain).split())


def country_code(typed: str) -> str | None:
    """The ISO alpha-2 code of a country's name or code as typed; None if nobody knows it. `South Africa (ZA)` and
    `DE - Germany` are what both parts say, ISO's articles count for nothing (`Gambia (the)`), and Saint is St. `276` is
    a code of ISO too, and `DE-BY` a part of what it begins with.
    """
    names = country_names()
    coded = _numbered(typed.strip()) or _whose_part(typed.strip().upper())
    if coded is not None:
        return coded
    plain = folded(typed)
    known = names.get(plain) or names.get(" ".join(word for word in plain.split() if word != "the"))
    if known is None and plain.startswith("saint "):
        known = names.get(plain.replace("saint ", "st ", 1))
    if known is not None or " " not in plain:
        return known
    (first, rest), (name, last) = plain.split(" ", 1), plain.rsplit(" ", 1)
    pairs = [(names.get(called), code) for called, code in ((name, last), (rest, first)) if len(code) in {2, 3}]
    return next((called for called, code in pairs if called is not None and called == names.get(code)), None)


def _numbered(typed: str) -> str | None:
    """Whose ISO 3166-1 number it is; None of one that is a calling code as well: 250 is France, and dials Rwanda."""
    if not _ISO_NUMBER.fullmatch(typed) or typed in map(str, COUNTRY_CODE_TO_REGION_CODE):
        return None
    codes = get_global("territory_aliases").get(typed, ())
    return codes[0] if len(codes) == 1 and codes[0] in country_codes() else None


def _whose_part(typed: str) -> str | None:
    """The country of an ISO 3166-2 code of a part of it; None of one that may be a language of another country:
    `FR-BE`, French in Belgium, as browsers and shops write it."""
    part = _ISO_3166_2.fullmatch(typed)
    if part is None or part[1] not in country_codes() or exists(f"{part[1].lower()}_{part[2]}"):
        return None
    if part[1] in {"US", "CA"} and f"{part[1]}-{part[2]}" not in SUBDIVISIONS:
        return None
    return part[1]


@cache
def country_names() -> dict[str, str]:
    """Folded name or code → ISO alpha-2: CLDR's names in twelve languages, countries' names in
    their own, ISO codes, common aliases.

    A name that two countries share in different languages is left out: unknown stays unknown.
    """
    codes = country_codes()
    names: dict[str, str] = {}
    ambiguous: set[str] = set()
    for language in _LANGUAGES:
        for territory, name in Locale(language).territories.items():
            code = str(territory)
            if code in codes:
                # CLDR writes "Trinidad & Tobago" in English, ISO and most people "Trinidad and Tobago".
                for key in {folded(str(name)), folded(str(name).replace("&", " and "))}:
                    if names.setdefault(key, code) != code:
                        ambiguous.add(key)
    for name in ambiguous:
        del names[name]
    for alias, targets in get_global("territory_aliases").items():
        if alias.isalpha() and alias.isupper() and len(alias) == 3 and len(targets) == 1 and targets[0] in codes:
            names[alias.lower()] = targets[0]
    names.update({code.lower(): code for code in codes})
    names.update(_ALIASES)
    names.update({folded(name): code for name, code in _OWN_NAMES.items()})
    return names
