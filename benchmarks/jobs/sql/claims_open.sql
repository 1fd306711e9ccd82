SELECT
    month, provider_id, payer, service_line, coalesce(claim_submitted_date, DATE '1900-01-01') AS submitted_date,
    count(*) AS open_claims, coalesce(sum(claim_amount), 0) AS open_charges
FROM claims
WHERE claim_status = 'pending'
GROUP BY ALL
