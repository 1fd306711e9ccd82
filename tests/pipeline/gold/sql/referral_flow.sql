-- From silver alone: nothing of referral_revenue goes into it.
WITH placed AS (
    SELECT
        referral_id, referral_date, referral_month AS month, referral_status AS status, network_status AS network,
        estimated_value AS value, datediff('day', referral_date, first_visit_date) AS days,
        coalesce(patient_zip3, 'unknown') AS origin_zip3, referring_provider_id,
        coalesce(rendering_provider_id, 'unknown') AS rendering_provider_id,
        coalesce(service_line, 'unknown') AS service_line
    FROM referrals
), realised AS (
    SELECT
        referral_id, count(*) AS visits, sum(claim_amount) AS charges,
        sum(claim_paid) FILTER (claim_status = 'paid') AS cash
    FROM visits JOIN placed USING (referral_id) WHERE visit_date >= referral_date GROUP BY ALL
), judged AS (
    SELECT *, CASE
        WHEN network = 'out_of_network' THEN 'out'
        WHEN status = 'completed' AND network = 'in_network' THEN 'in'
        WHEN status = 'completed' THEN 'somewhere'
        WHEN status = 'lost' THEN 'lost'
        ELSE 'open'
    END AS outcome
    FROM placed LEFT JOIN realised USING (referral_id)
)
SELECT
    month, origin_zip3, referring_provider_id, rendering_provider_id, service_line,
    count(*) AS referrals,
    count_if(outcome = 'in') AS completed_in_network,
    count_if(outcome = 'somewhere') AS completed_network_unknown,
    count_if(outcome = 'out') AS out_of_network,
    count_if(outcome = 'lost') AS never_completed,
    count_if(outcome = 'open') AS still_open,
    coalesce(sum(value), 0) AS estimated_value,
    coalesce(sum(value) FILTER (outcome = 'in'), 0) AS completed_in_network_value,
    coalesce(sum(value) FILTER (outcome = 'somewhere'), 0) AS completed_network_unknown_value,
    coalesce(sum(value) FILTER (outcome = 'out'), 0) AS out_of_network_value,
    coalesce(sum(value) FILTER (outcome = 'lost'), 0) AS never_completed_value,
    coalesce(sum(value) FILTER (outcome = 'open'), 0) AS still_open_value,
    count(value) AS valued_referrals,
    count(days) AS first_visits, coalesce(sum(days), 0) AS days_to_first_visit,
    coalesce(sum(visits), 0) AS realised_visits,
    coalesce(sum(charges), 0) AS realised_charges,
    coalesce(sum(cash), 0) AS realised_cash
FROM judged GROUP BY ALL
