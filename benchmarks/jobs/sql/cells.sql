-- Sums by cell and status, once: the monthly tables and the summary add these up instead of the visits.
SELECT
    month, provider_id, payer, service_line, claim_status,
    count(*) AS visits, sum(claim_amount) AS charges, sum(claim_paid) AS paid,
    count(claim_submitted_date) AS submitted,
    count(contractual_adjustment + claim_amount) AS explained,
    sum(CASE WHEN contractual_adjustment IS NOT NULL THEN claim_amount END) AS explained_charges,
    sum(CASE WHEN claim_amount IS NOT NULL THEN contractual_adjustment END) AS adjustments,
    sum(CASE WHEN contractual_adjustment + claim_amount IS NOT NULL THEN claim_paid END) AS explained_paid,
    count(told_date) AS initially_denied,
    sum(CASE WHEN told_date IS NOT NULL THEN claim_amount END) AS initially_denied_charges
FROM claims
GROUP BY ALL
