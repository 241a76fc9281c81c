-- Three years of orders, by customer and then roughly by day; some refunds are booked as negative orders.
-- Times are UTC and end in Z, all between 06:00 and 20:00, so that an order's day is the same in Paris.

CREATE VIEW orders AS
WITH steps AS (
    SELECT *, unnest(range(orders)) AS step, (number + 1) * 1024 + step AS key
    FROM people
),
spread AS (
    SELECT
        *,
        number = 0 AND step = orders - 1 AS is_newest,
        step > 0 AND NOT is_newest AND hits(key, 'refund_booking') AS is_refund,
        CASE
            WHEN step = 0 THEN first_order_day
            ELSE first_order_day + floor(
                (active_until - first_order_day) * (step - 1 + chance(key, 'moment')) / (orders - 1)
            )::BIGINT
        END AS quiet_day
    FROM steps
),
dated AS (
    SELECT
        *,
        -- The export's years begin on 1 July: August is days 31 to 61, and gifts are bought from 20 November, day 142.
        (quiet_day - getvariable('first_day')) % 365 BETWEEN 31 AND 61 AS in_august,
        quiet_day - (quiet_day - getvariable('first_day')) % 365 + 142 + draw(key, 'gift day') % 33 AS gift_day,
        CASE
            WHEN is_newest THEN getvariable('last_day')
            WHEN step = 0 THEN quiet_day
            WHEN hits(key, 'gift') AND gift_day BETWEEN first_order_day AND active_until THEN gift_day
            WHEN in_august AND hits(key, 'after_summer') AND quiet_day + 31 <= active_until THEN quiet_day + 31
            ELSE quiet_day
        END AS day,
        CASE
            WHEN step = 0 AND day = joined_day THEN joined_second + draw(key, 'checkout') % 1200
            ELSE 21600 + draw(key, 'second') % 50400
        END AS second,
        (exp(usual_basket + 0.55 * bell(key - is_refund::BIGINT, 'basket')))::DECIMAL(12, 2) AS total
    FROM spread
)
SELECT
    'O' || key AS order_no,
    customer_id AS customer,
    CASE
        WHEN step = 0 AND breaks(number, 'order_time') THEN '2024-13-45T25:61:00Z'
        ELSE utc_text(day * 86400 + second)
    END AS placed,
    CASE
        WHEN step = 0 AND breaks(number, 'order_amount') THEN 'to be invoiced'
        WHEN is_refund THEN (-total)::VARCHAR
        ELSE total::VARCHAR
    END AS total,
    CASE
        WHEN step = 0 AND breaks(number, 'order_currency') THEN 'ZZZ'
        WHEN step = 0 AND breaks(number, 'order_rate') THEN 'NOK'
        ELSE currency
    END AS currency,
    CASE WHEN is_newest OR is_refund THEN 'completed' ELSE mixed(key, 'order_states') END AS state,
    mixed(key, 'channels') AS channel
FROM dated;
