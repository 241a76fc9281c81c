"""Code words that the catalog and the networks' files keep, as sentences that the page can say."""

from __future__ import annotations

from schemas.source import TABLE_WORDS

#: Identifier of people, or key of a network → what it is.
IDENTIFIERS: dict[str, str] = {
    "email": "e-mail",
    "phone": "phone",
    "mobile_ad_id": "mobile advertising id",
    "first_name": "first name",
    "last_name": "last name",
    "address": "name and place",
    "email_sha256": "e-mail (SHA-256)",
    "email_md5": "e-mail (MD5)",
    "email_sha1": "e-mail (SHA-1)",
    "street": "street",
    "city": "city",
    "region": "region",
    "postal_code": "postcode",
    "country": "country",
    "external_id": "customer number",
    "revenue": "customer value",
    "constant": "always the same",
}

#: Why somebody in a file does not carry one of its keys, or why what they gave is no match key.
LOST: dict[str, str] = {
    "not_given": "not given",
    "not_taken_there": "not taken where they live",
    "no_form_there": "not in a form that the network takes",
    "list_below_minimum": "list below minimum",
    "key_refused": "key refused",
    "placeholder": "placeholder",
    "already_hashed": "hashed already",
    "not_an_email": "no e-mail address",
    "not_an_id": "no advertising id",
    "not_a_postal_code": "no postcode of their country",
    "not_a_number": "no phone number",
    "not_valid": "no valid number",
    "no_country": "without country",
    "unknown_country": "without calling code, in a country that is not known",
    "bare_plus": "a plus in front of national digits",
    "several_numbers": "several numbers in one field",
    "shared": "shared by many people",
}

#: Form of an identifier that only one country's have.
ONE_COUNTRY: dict[str, str] = {
    "national_us": "numbers of the United States, Canada and others with +1 only",
    "national_cn": "mobile numbers of mainland China only",
}

#: How sure a fact is.
CONFIDENCES: dict[str, str] = {
    "documented": "documented",
    "secondary": "said by others",
    "seen in code": "seen in code",
    "unconfirmed": "unconfirmed",
}

#: Every code word.
TERMS = IDENTIFIERS | LOST | ONE_COUNTRY | CONFIDENCES | TABLE_WORDS
