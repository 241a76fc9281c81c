-- The customers table as the CRM exports it: its own column names, and everything that people type.
-- Times are local, those of Paris, and do not say so: 2025-06-30 16:23:05.

CREATE VIEW customers AS
WITH typed AS (
    SELECT
        *,
        CASE
            WHEN NOT is_second THEN email
            -- A second record exists because its e-mail looked new.
            WHEN hits(number, 'second_in_capitals') THEN upper(email)
            WHEN email LIKE '%@gmail.com' THEN replace(split_part(email, '@', 1), '.', '') || '@gmail.com'
            ELSE capitalised(email)
        END AS typed_email,
        regexp_replace(
            national_number, '^(.)(.)(.)(.)(.)(.)(.)(.)(.*)$', word('phone_shapes', country, draw(number, 'shape'))
        ) AS typed_phone,
        -- Whoever comes a second time is found again, so those two columns are never spoilt.
        CASE WHEN is_second THEN 'as typed' ELSE mixed(number, 'emails') END AS email_state,
        CASE WHEN is_second THEN 'as typed' ELSE mixed(number, 'phones') END AS phone_state,
        string_split(word('places', country, draw(household, 'place')), ' | ') AS place,
        (1 + draw(household, 'digit') % 9)::VARCHAR AS digit,
        (1 + draw(household, 'house') % 180)::VARCHAR AS house
    FROM people
)
SELECT
    CASE WHEN NOT breaks(number, 'customer_id') THEN customer_id END AS customer_id,
    CASE email_state
        WHEN 'blank' THEN NULL
        WHEN 'only a space' THEN ' '
        WHEN 'placeholder' THEN pick(getvariable('placeholder_emails'), number, 'placeholder')
        WHEN 'sha256' THEN sha256(email)
        WHEN 'md5' THEN md5(email)
        WHEN 'no at sign' THEN replace(email, '@', ' ')
        WHEN 'two at signs' THEN replace(email, '@', '@@')
        WHEN 'no domain ending' THEN split_part(email, '@', 1) || '@example'
        WHEN 'upper case' THEN upper(email)
        WHEN 'capitalised' THEN capitalised(email)
        WHEN 'spaced' THEN spaced(email, number)
        ELSE typed_email
    END AS email,
    CASE phone_state
        WHEN 'blank' THEN NULL
        WHEN 'only a space' THEN ' '
        WHEN 'placeholder' THEN pick(getvariable('placeholder_phones'), number, 'placeholder')
        WHEN 'too short' THEN left(typed_phone, len(typed_phone) - 3)
        WHEN 'too long' THEN typed_phone || '99'
        WHEN 'bare plus' THEN '+' || national_number
        WHEN 'twice' THEN typed_phone || ' / ' || phone
        WHEN 'spaced' THEN spaced(typed_phone, number)
        ELSE typed_phone
    END AS phone,
    written_name(first_name, mixed(number, 'first_names'), number) AS first_name,
    written_name(last_name, mixed(number, 'last_names'), number) AS last_name,
    CASE mixed(person, 'birth_dates')
        WHEN 'known' THEN (DATE '1940-01-01' + (draw(person, 'birth date') % 24400)::INTEGER)::VARCHAR
        WHEN 'placeholder' THEN '1900-01-01'
    END AS birth_date,
    CASE mixed(person, 'genders') WHEN 'known' THEN CASE WHEN is_woman THEN 'F' ELSE 'M' END END AS gender,
    CASE mixed(number, 'addresses')
        WHEN 'whole' THEN replace(word('streets', country, draw(household, 'street')), '#', house)
    END AS street,
    CASE WHEN mixed(number, 'addresses') <> 'blank' THEN place[1] END AS city,
    CASE WHEN mixed(number, 'addresses') = 'whole' THEN place[2] END AS region,
    CASE WHEN mixed(number, 'addresses') <> 'blank' THEN replace(place[3], '#', digit) END AS postcode,
    CASE mixed(number, 'country_spellings')
        WHEN 'code' THEN code
        WHEN 'lower-case code' THEN lower(code)
        WHEN 'French name' THEN fact('french', country)
        WHEN 'English name' THEN fact('english', country)
        WHEN 'other spelling' THEN word('other_spellings', country, draw(number, 'spelling'))
    END AS country,
    CASE mixed(number, 'advertising_ids')
        WHEN 'Android' THEN uuid_text(md5(number || 'device' || getvariable('seed')))
        WHEN 'iOS' THEN upper(uuid_text(md5(number || 'device' || getvariable('seed'))))
        WHEN 'zeros' THEN '00000000-0000-0000-0000-000000000000'
    END AS advertising_id,
    paris_text(joined_at) AS created,
    paris_text(
        joined_at + ((getvariable('last_day') - joined_day) * 86400 * chance(number, 'updated'))::BIGINT
    ) AS updated
FROM typed;
