-- What the claims tables count, and the cell that it counts in; visits without a claim are among them.
SELECT
    visit_month AS month, provider_id, coalesce(payer, 'unknown') AS payer,
    coalesce(service_line, 'unknown') AS service_line, patient_id, claim_status, claim_amount, claim_paid,
    contractual_adjustment, claim_submitted_date, answered_date, denied_date, told_date, first_reason
FROM visits
