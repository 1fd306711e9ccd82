WITH submitted AS (
    SELECT
        month, provider_id, payer, service_line, CAST(date_trunc('month', claim_submitted_date) AS DATE) AS activity_month,
        count(*) AS submitted_claims, sum(claim_amount) AS submitted_charges
    FROM claims
    WHERE claim_status IS NOT NULL AND claim_submitted_date IS NOT NULL
    GROUP BY ALL
), denied AS (
    SELECT
        month, provider_id, payer, service_line,
        CAST(date_trunc('month', coalesce(denied_date, told_date)) AS DATE) AS activity_month,
        count(*) AS initially_denied_claims, sum(claim_amount) AS initially_denied_charges
    FROM claims
    WHERE claim_status IS NOT NULL AND told_date IS NOT NULL
    GROUP BY ALL
)
SELECT
    month, provider_id, payer, service_line, activity_month,
    coalesce(submitted_claims, 0) AS submitted_claims, coalesce(submitted_charges, 0) AS submitted_charges,
    coalesce(initially_denied_claims, 0) AS initially_denied_claims,
    coalesce(initially_denied_charges, 0) AS initially_denied_charges
FROM submitted FULL JOIN denied USING (month, provider_id, payer, service_line, activity_month)
