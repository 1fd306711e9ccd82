-- One row per visit: the newest valid delivery, provider and codes in one spelling, and its claim's first denial.
WITH current_rows AS (
    SELECT
        *,
        CASE WHEN told_before IS NOT NULL THEN reason_before WHEN claim_status = 'denied' THEN denial_reason END
            AS first_reason
    FROM valid LEFT JOIN repeated USING (visit_id)
    WHERE (newest IS NULL OR extract_date = newest) AND visit_date IS NOT NULL AND claim_amount IS NOT NULL
)
SELECT
    visit_id, patient_id, provider_id, visit_date, CAST(date_trunc('month', visit_date) AS DATE) AS visit_month,
    service_lines.code AS service_line, diagnosis_code, procedure_code, payers.code AS payer, claim_id,
    claim_amount, allowed_amount, contractual_adjustment, claim_paid, claim_status, reasons.code AS denial_reason,
    claim_submitted_date, claim_paid_date,
    least(answered_before, CASE WHEN claim_status <> 'pending' THEN claim_paid_date END) AS answered_date,
    CASE WHEN told_before IS NOT NULL THEN denied_before WHEN claim_status = 'denied' THEN claim_paid_date END
        AS denied_date,
    CASE WHEN told_before IS NOT NULL THEN told_before WHEN claim_status = 'denied' THEN extract_date END AS told_date,
    first_reasons.code AS first_reason, row_hash
FROM current_rows
LEFT JOIN names USING (provider_name)
LEFT JOIN codes AS service_lines ON service_lines.word = service_line
LEFT JOIN codes AS payers ON payers.word = payer
LEFT JOIN codes AS reasons ON reasons.word = denial_reason
LEFT JOIN codes AS first_reasons ON first_reasons.word = first_reason
