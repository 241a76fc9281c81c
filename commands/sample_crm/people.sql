-- The truth, one row per CRM record: who it is about, and when that person joins and buys.
-- Days and seconds count from 1970-01-01 in UTC.

-- A table, because range() runs on one thread.
CREATE TABLE numbered AS SELECT number FROM range(getvariable('customers')) AS counted(number);

CREATE TABLE people AS
WITH numbers AS (
    SELECT
        number,
        -- Even numbers stand for themselves, so that second records and partners (odd) form no chains.
        number % 2 = 1 AND chance(number, 'second_record') < 2 * getvariable('chances').second_record AS is_second,
        number % 2 = 1 AND NOT is_second AND chance(number, 'couple') < 2 * getvariable('chances').couple AS is_partner,
        CASE WHEN is_second THEN 2 * (draw(number, 'first record') % ((number + 1) // 2)) ELSE number END AS person,
        CASE WHEN is_partner THEN number - 1 ELSE person END AS household,
        CASE WHEN is_second AND NOT hits(number, 'second_keeps_email') THEN number ELSE household END AS mailbox,
        mixed(household, 'countries') AS code,
        list_position(getvariable('codes'), code) AS country,
        number = 0 OR breaks(number, 'order_time') OR breaks(number, 'order_amount')
        OR breaks(number, 'order_currency') OR breaks(number, 'order_rate') AS surely_orders
    FROM numbered
),
named AS (
    SELECT
        *,
        draw(household, 'first name') AS name_place,
        -- A partner of the same gender has the next name, never the same.
        chance(person, 'woman') < 0.55 AS is_woman,
        first_name_at(is_woman, country, name_place + is_partner::BIGINT) AS first_name,
        first_name_at(chance(household, 'woman') < 0.55, country, name_place) AS mailbox_name,
        word('last_names', country, draw(household, 'last name')) AS last_name,
        mixed(mailbox, 'mail_hosts') AS host,
        -- Seven digits, none twice: the multiplier shares no factor with the span. North America's begin with 2 to 9.
        CASE WHEN fact('dial_code', country) = '1' THEN 2000000 ELSE 0 END AS lowest,
        lowest + (person * 7368787 + draw(0, 'phones') % 1000000) % (10000000 - lowest) AS digits,
        word('phone_prefixes', country, draw(person, 'phone')) || lpad(digits::VARCHAR, 7, '0') AS national_number
    FROM numbers
),
arrived AS (
    SELECT
        *,
        -- Numbers are given out in the order of arrival, more of them every year.
        getvariable('opening') + floor(
            power(number / getvariable('customers'), 0.8) * (getvariable('last_day') - getvariable('opening'))
        )::BIGINT AS joined_day,
        -- From 06:00 to 19:00, leaving time for an order on the same day.
        21600 + draw(number, 'joined at') % 46800 AS joined_second,
        CASE
            WHEN surely_orders OR hits(number, 'orders_at_once') THEN joined_day
            ELSE joined_day + wait_days(40, number, 'first order')
        END AS wished_day,
        -- Orders before the export's first day are not in it.
        CASE
            WHEN wished_day >= getvariable('first_day') THEN wished_day
            ELSE getvariable('first_day') + draw(number, 'first known order') % 120
        END AS first_order_day,
        CASE WHEN number > 0 AND hits(number, 'lapses') THEN wait_days(300, number, 'stays') ELSE 100000 END AS stay,
        least(first_order_day + stay, getvariable('last_day')) AS active_until
    FROM named
),
buying AS (
    SELECT
        *,
        exp(ln(3.4) + 0.95 * bell(number, 'orders a year')) AS yearly_orders,
        yearly_orders * (active_until - first_order_day) / 365.25 AS wished_repeats,
        least(floor(wished_repeats + chance(number, 'repeats'))::BIGINT, 250) AS repeats
    FROM arrived
)
SELECT
    number,
    id_text('C', number) AS customer_id,
    is_second,
    person,
    household,
    code,
    country,
    is_woman,
    first_name,
    last_name,
    without_accents(mailbox_name) || '.' || without_accents(last_name) || '.c' || lpad((mailbox + 1)::VARCHAR, 7, '0')
    || CASE WHEN host <> 'example' AND hits(mailbox, 'plus_tag') THEN '+shop' ELSE '' END || '@'
    || CASE WHEN host = 'example' THEN word('email_domains', country, draw(mailbox, 'host')) ELSE host END AS email,
    national_number,
    '+' || fact('dial_code', country) || national_number AS phone,
    joined_day,
    joined_second,
    joined_day * 86400 + joined_second AS joined_at,
    first_order_day,
    active_until,
    CASE
        WHEN surely_orders THEN 1 + repeats
        WHEN breaks(number, 'customer_id') THEN 0
        WHEN first_order_day > getvariable('last_day') OR hits(number, 'never_orders') THEN 0
        ELSE 1 + repeats
    END AS orders,
    3.75 + 0.5 * bell(number, 'usual basket') AS usual_basket,
    CASE WHEN hits(number, 'pays_in_own_currency') THEN fact('currency', country) ELSE 'EUR' END AS currency,
    mixed(number, 'consent_stories') AS story
FROM buying;
