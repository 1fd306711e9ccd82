SELECT
    month, provider_id, payer, service_line, coalesce(first_reason, 'unknown') AS denial_reason,
    count(*) AS initially_denied_claims, coalesce(sum(claim_amount), 0) AS initially_denied_charges,
    count(*) FILTER (WHERE claim_status = 'denied') AS denied_claims,
    coalesce(sum(claim_amount) FILTER (WHERE claim_status = 'denied'), 0) AS denied_charges,
    count(*) FILTER (WHERE claim_status = 'paid') AS overturned_claims,
    coalesce(sum(claim_amount) FILTER (WHERE claim_status = 'paid'), 0) AS overturned_charges
FROM claims
WHERE told_date IS NOT NULL AND claim_status IS NOT NULL
GROUP BY ALL
