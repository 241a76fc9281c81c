-- Requests to be forgotten, by customer id, e-mail or phone. Times are UTC and end in Z.

CREATE VIEW erasures AS
WITH requests AS (
    SELECT
        *,
        mixed(number, 'erasures_by') AS by_what,
        greatest(joined_day + 1, getvariable('last_day') - draw(number, 'erased') % 500) AS requested_day
    FROM people
    WHERE hits(number, 'erasure') AND number > 0 AND NOT breaks(number, 'customer_id')
)
SELECT
    id_text('E', number) AS request_id,
    CASE WHEN by_what = 'customer id' THEN customer_id END AS customer,
    CASE WHEN by_what = 'e-mail' THEN email END AS email,
    CASE WHEN by_what = 'phone' THEN phone END AS phone,
    utc_text(requested_day * 86400 + 43200) AS requested
FROM requests;
