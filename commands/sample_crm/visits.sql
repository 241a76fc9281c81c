-- A year of web and app events, by customer and then roughly by time. Times are UTC and end in Z.

CREATE VIEW visits AS
WITH visitors AS (
    SELECT
        *,
        greatest(joined_day, getvariable('last_day') - 364) AS since,
        -- Whoever stops buying still looks in for two months.
        least(active_until + 60, getvariable('last_day')) AS until,
        CASE
            WHEN until < since OR hits(number, 'never_visits') THEN 0
            ELSE least(floor(exp(1.3 + bell(number, 'visits')))::BIGINT, 60)
        END AS visits
    FROM people
),
steps AS (
    SELECT *, unnest(range(visits)) AS step, (number + 1) * 1024 + step AS key
    FROM visitors
)
SELECT
    'V' || key AS event_id,
    customer_id AS customer,
    utc_text(
        (since + floor((until - since + 1) * (step + chance(key, 'visit')) / visits)::BIGINT) * 86400
        + 21600 + draw(key, 'visit second') % 50400
    ) AS occurred,
    mixed(key, 'events') AS event,
    CASE WHEN event <> 'visit' THEN 'SKU-' || (10000 + draw(key, 'item') % 2000) END AS item
FROM steps;
