"""States and provinces that have a two-letter code of their own post: the US and Canada."""

from __future__ import annotations

#: Source: ISO 3166-2:US, USPS Publication 28, appendix B.
_US = {
    "alabama": "al", "alaska": "ak", "arizona": "az", "arkansas": "ar", "california": "ca", "colorado": "co",
    "connecticut": "ct", "delaware": "de", "districtofcolumbia": "dc", "washingtondc": "dc", "florida": "fl",
    "georgia": "ga", "hawaii": "hi", "idaho": "id", "illinois": "il", "indiana": "in", "iowa": "ia", "kansas": "ks",
    "kentucky": "ky", "louisiana": "la", "maine": "me", "maryland": "md", "massachusetts": "ma", "michigan": "mi",
    "minnesota": "mn", "mississippi": "ms", "missouri": "mo", "montana": "mt", "nebraska": "ne", "nevada": "nv",
    "newhampshire": "nh", "newjersey": "nj", "newmexico": "nm", "newyork": "ny", "northcarolina": "nc",
    "northdakota": "nd", "ohio": "oh", "oklahoma": "ok", "oregon": "or", "pennsylvania": "pa", "rhodeisland": "ri",
    "southcarolina": "sc", "southdakota": "sd", "tennessee": "tn", "texas": "tx", "utah": "ut", "vermont": "vt",
    "virginia": "va", "washington": "wa", "westvirginia": "wv", "wisconsin": "wi", "wyoming": "wy",
    "americansamoa": "as", "guam": "gu", "northernmarianaislands": "mp", "puertorico": "pr", "usvirginislands": "vi",
    "virginislands": "vi",
    # For short: by the style manual of the US Government Publishing Office, and as is usual besides.
    "ala": "al", "ariz": "az", "ark": "ar", "calif": "ca", "colo": "co", "conn": "ct", "del": "de", "fla": "fl",
    "ill": "il", "ind": "in", "kan": "ks", "kans": "ks", "mass": "ma", "mich": "mi", "minn": "mn", "miss": "ms",
    "mont": "mt", "neb": "ne", "nebr": "ne", "nev": "nv", "ndak": "nd", "okla": "ok", "ore": "or", "oreg": "or",
    "penn": "pa", "sdak": "sd", "tenn": "tn", "tex": "tx", "wash": "wa", "wva": "wv", "wis": "wi", "wisc": "wi",
    "wyo": "wy",
    # As Germans and the French write it.
    "kalifornien": "ca", "californie": "ca",
}  # fmt: skip

#: Source: ISO 3166-2:CA, with the French names.
_CANADA = {
    "alberta": "ab", "britishcolumbia": "bc", "colombiebritannique": "bc", "manitoba": "mb", "newbrunswick": "nb",
    "nouveaubrunswick": "nb", "newfoundlandandlabrador": "nl", "newfoundlandlabrador": "nl", "newfoundland": "nl",
    "terreneuveetlabrador": "nl", "northwestterritories": "nt", "territoiresdunordouest": "nt", "novascotia": "ns",
    "nouvelleecosse": "ns", "nunavut": "nu", "ontario": "on", "princeedwardisland": "pe", "ileduprinceedouard": "pe",
    "quebec": "qc", "saskatchewan": "sk", "yukon": "yt", "yukonterritory": "yt",
    "alta": "ab", "man": "mb", "nfld": "nl", "nwt": "nt", "ont": "on", "pei": "pe", "pq": "qc", "que": "qc",
    "sask": "sk",
}  # fmt: skip


def _spellings(country: str, parts: dict[str, str], *names: str) -> dict[str, str]:
    """The parts' names, codes and ISO 3166-2 codes (`US-CA`), alone and with what people add: of which country they
    are, what kind of part, and its code.
    """
    known = {**parts, **{code: code for code in parts.values()}}
    before = ("stateof", "commonwealthof", "provinceof", "provincede", "provincedu", *names)
    behind = ("state", "province", *names)
    added = {first + name: code for name, code in known.items() for first in before}
    added |= {name + last: code for name, code in known.items() for last in behind}
    coded = {name + code: code for name, code in parts.items()} | {code + name: code for name, code in parts.items()}
    return {**coded, **added, **{f"{country}{code}": code for code in parts.values()}, **known}


#: By letters alone, without accents, in small ones.
US = _spellings("us", _US, "usa", "us", "unitedstates", "unitedstatesofamerica")
CANADA = _spellings("ca", _CANADA, "can", "canada")

#: ISO 3166-2 codes of these, such as `US-CA`.
SUBDIVISIONS = frozenset(
    f"{country}-{part.upper()}" for country, parts in (("US", _US), ("CA", _CANADA)) for part in parts.values()
)
