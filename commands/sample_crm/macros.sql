-- The dice: functions of a number, a purpose and the seed, so that rows can be made in any order on any thread.

-- A whole number from 0 to below 2^62. (The salt goes inside: two hashes combined differ by a constant only.)
CREATE MACRO draw(number, purpose) AS
    (hash(xor(number::UBIGINT, hash(getvariable('seed'), purpose))) >> 2)::BIGINT;

-- From 0 to below 1, evenly.
CREATE MACRO chance(number, purpose) AS (draw(number, purpose) >> 9) / 9007199254740992.0;

-- Like a standard normal, but never beyond 3.5 either way: four even draws of 15 bits.
CREATE MACRO bell(number, purpose) AS
    ((draw(number, purpose) & 32767) + ((draw(number, purpose) >> 15) & 32767)
    + ((draw(number, purpose) >> 30) & 32767) + ((draw(number, purpose) >> 45) & 32767)
    - 65534) / 32768.0 * sqrt(3);

-- Days until something that comes after `mean` days on average.
CREATE MACRO wait_days(mean, number, purpose) AS floor(-mean * ln(1 - chance(number, purpose)))::BIGINT;

-- One of a list.
CREATE MACRO pick(choices, number, purpose) AS choices[1 + draw(number, purpose) % len(choices)];

-- One alternative of a table of MIXES, in its shares.
CREATE MACRO mixed(number, mix) AS pick(getvariable('mix_' || mix), number, mix);

-- Whether one of CHANCES comes true.
CREATE MACRO hits(number, name) AS chance(number, name) < getvariable('chances')[name];

-- Whether this number is one of the few of BROKEN.
CREATE MACRO breaks(number, name) AS number % getvariable('broken_every') = getvariable('broken')[name];

-- What a country has one of, and one of what it has many of.
CREATE MACRO fact(kind, country) AS getvariable(kind)[country];
CREATE MACRO word(kind, country, place) AS
    getvariable(kind)[
        getvariable(kind || '_from')[country]::BIGINT + place % getvariable(kind || '_count')[country]::BIGINT
    ];
CREATE MACRO first_name_at(is_woman, country, place) AS
    CASE WHEN is_woman THEN word('women', country, place) ELSE word('men', country, place) END;

-- Seconds count from 1970-01-01 in UTC.
CREATE MACRO utc_text(seconds) AS strftime(make_timestamp(seconds * 1000000), '%Y-%m-%dT%H:%M:%SZ');
CREATE MACRO one_ahead_text(seconds) AS
    strftime(make_timestamp((seconds + 3600) * 1000000), '%Y-%m-%dT%H:%M:%S+01:00');
CREATE MACRO paris_text(seconds) AS strftime(timezone('Europe/Paris', to_timestamp(seconds)), '%Y-%m-%d %H:%M:%S');

CREATE MACRO id_text(letter, number) AS letter || lpad((number + 1)::VARCHAR, 7, '0');
CREATE MACRO uuid_text(hex) AS
    hex[1:8] || '-' || hex[9:12] || '-' || hex[13:16] || '-' || hex[17:20] || '-' || hex[21:32];

-- What people do to a text.
CREATE MACRO without_accents(name) AS
    replace(replace(replace(strip_accents(lower(replace(name, 'ß', 'ss'))), ' ', ''), '''', ''), 'ı', 'i');
CREATE MACRO capitalised(text) AS upper(left(text, 1)) || substr(text, 2);
CREATE MACRO spaced(text, number) AS pick([' ' || text, text || ' ', '  ' || text || '  '], number, 'spaces');
CREATE MACRO decomposed(text) AS
    replace(replace(replace(replace(replace(replace(replace(text,
        'é', 'e' || chr(769)), 'è', 'e' || chr(768)), 'ë', 'e' || chr(776)), 'ï', 'i' || chr(776)),
        'ç', 'c' || chr(807)), 'ü', 'u' || chr(776)), 'ñ', 'n' || chr(771));
CREATE MACRO written_name(name, state, number) AS CASE state
    WHEN 'blank' THEN NULL
    WHEN 'upper case' THEN upper(name)
    WHEN 'lower case' THEN lower(name)
    WHEN 'spaced' THEN spaced(name, number)
    WHEN 'decomposed' THEN decomposed(name)
    ELSE name END;
