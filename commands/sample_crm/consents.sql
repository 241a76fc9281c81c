-- Statements about consent, by customer and then by time. What happened to whom is one of the consent stories.
-- Times are those of the consent platform's server, which is always one hour ahead of UTC: 2025-06-30T15:23:05+01:00.

-- `moment` is the share of the way from joining to the last day; `lasts` the share of what then remains.
-- `network` one: a network picked for the customer.
CREATE TABLE story_steps (
    story VARCHAR, step INTEGER, purpose VARCHAR, network VARCHAR, status VARCHAR, by_email BOOLEAN, moment DOUBLE,
    lasts DOUBLE, source VARCHAR
);
INSERT INTO story_steps VALUES
    ('opted in', 1, 'ads_upload', NULL, 'granted', false, 0, NULL, 'web form'),
    ('opted in', 2, 'ads_personalization', NULL, 'granted', false, 0, NULL, 'web form'),
    ('opted in', 3, 'email_marketing', NULL, 'granted', false, 0, NULL, 'web form'),
    ('opted in at the till', 1, 'ads_upload', NULL, 'granted', false, 0, NULL, 'till'),
    ('opted in at the till', 2, 'ads_personalization', NULL, 'granted', false, 0, NULL, 'till'),
    ('opted in at the till', 3, 'email_marketing', NULL, 'denied', false, 0, NULL, 'till'),
    ('not personalised', 1, 'ads_upload', NULL, 'granted', false, 0, NULL, 'web form'),
    ('not personalised', 2, 'ads_personalization', NULL, 'denied', false, 0, NULL, 'web form'),
    ('came back', 1, 'ads_upload', NULL, 'granted', false, 0, NULL, 'web form'),
    ('came back', 2, 'ads_personalization', NULL, 'granted', false, 0, NULL, 'web form'),
    ('came back', 3, 'ads_upload', NULL, 'withdrawn', false, 0.4, NULL, 'app'),
    ('came back', 4, 'ads_upload', NULL, 'granted', false, 0.7, NULL, 'app'),
    ('changed their mind', 1, 'ads_upload', NULL, 'denied', false, 0, NULL, 'till'),
    ('changed their mind', 2, 'ads_upload', NULL, 'granted', false, 0.5, NULL, 'app'),
    ('changed their mind', 3, 'ads_personalization', NULL, 'granted', false, 0.5, NULL, 'app'),
    ('renewed', 1, 'ads_upload', NULL, 'granted', false, 0, 0.5, 'web form'),
    ('renewed', 2, 'ads_upload', NULL, 'granted', false, 0.5, 3, 'web form'),
    ('renewed', 3, 'ads_personalization', NULL, 'granted', false, 0.5, NULL, 'web form'),
    ('opted in by e-mail', 1, 'ads_upload', NULL, 'granted', true, 0.1, NULL, 'web form'),
    ('opted in by e-mail', 2, 'ads_personalization', NULL, 'granted', true, 0.1, NULL, 'web form'),
    ('opted in by e-mail', 3, 'email_marketing', NULL, 'granted', true, 0.1, NULL, 'web form'),
    ('one network only', 1, 'ads_upload', 'one', 'granted', false, 0.2, NULL, 'app'),
    ('one network only', 2, 'ads_personalization', 'one', 'granted', false, 0.2, NULL, 'app'),
    ('all but one network', 1, 'ads_upload', NULL, 'granted', false, 0, NULL, 'web form'),
    ('all but one network', 2, 'ads_personalization', NULL, 'granted', false, 0, NULL, 'web form'),
    ('all but one network', 3, 'ads_upload', 'one', 'denied', false, 0.6, NULL, 'app'),
    ('left', 1, 'ads_upload', NULL, 'granted', false, 0, NULL, 'web form'),
    ('left', 2, 'email_marketing', NULL, 'granted', false, 0, NULL, 'web form'),
    ('left', 3, 'ads_upload', NULL, 'withdrawn', false, 0.6, NULL, 'web form'),
    ('left by e-mail', 1, 'ads_upload', NULL, 'granted', false, 0, NULL, 'till'),
    ('left by e-mail', 2, 'ads_upload', NULL, 'withdrawn', true, 0.5, NULL, 'web form'),
    ('left by e-mail', 3, 'email_marketing', NULL, 'withdrawn', true, 0.5, NULL, 'web form'),
    ('refused', 1, 'ads_upload', NULL, 'denied', false, 0, NULL, 'web form'),
    ('refused', 2, 'ads_personalization', NULL, 'denied', false, 0, NULL, 'web form'),
    ('refused', 3, 'email_marketing', NULL, 'denied', false, 0, NULL, 'web form'),
    ('expired', 1, 'ads_upload', NULL, 'granted', false, 0, 0.8, 'web form'),
    ('expired', 2, 'email_marketing', NULL, 'granted', false, 0, NULL, 'web form'),
    ('pending', 1, 'ads_upload', NULL, 'pending', false, 0.3, NULL, 'web form'),
    ('pending', 2, 'email_marketing', NULL, 'pending', false, 0.3, NULL, 'web form'),
    ('unknown', 1, 'ads_upload', NULL, 'unknown', false, 0, NULL, 'till');

SET VARIABLE steps = (
    SELECT map(list(story), list(steps))
    FROM (SELECT story, list(story_steps ORDER BY step) AS steps FROM story_steps GROUP BY story)
);

CREATE VIEW consents AS
WITH steps AS (
    SELECT *, unnest(getvariable('steps')[story]) AS said
    FROM people
    WHERE story <> 'silent'
),
timed AS (
    SELECT
        *,
        -- Up to 20:00 of the last day.
        getvariable('last_day') * 86400 + 72000 - joined_at AS until_now,
        joined_at + floor(until_now * said.moment)::BIGINT + said.step AS captured_at,
        captured_at + floor(until_now * (1 - said.moment) * said.lasts)::BIGINT AS ends_at
    FROM steps
)
SELECT
    'S' || ((number + 1) * 16 + said.step) AS statement_id,
    CASE WHEN NOT said.by_email THEN customer_id END AS customer,
    CASE WHEN said.by_email THEN email END AS address,
    said.purpose AS purpose,
    CASE WHEN said.network = 'one' THEN pick(['meta', 'google_ads'], number, 'network') END AS network,
    code AS region,
    said.status AS answer,
    one_ahead_text(captured_at) AS captured,
    CASE WHEN ends_at IS NOT NULL THEN captured END AS valid_from,
    one_ahead_text(ends_at) AS valid_to,
    said.source AS collected_by
FROM timed;
