-- Every delivered visit with its columns typed; who reads it leaves out a row without day or amount.
SELECT
    visit_id, patient_id, TRY_CAST(visit_date AS DATE) AS visit_date, service_line, diagnosis_code, procedure_code,
    provider_name, payer, claim_id,
    TRY_CAST(CASE WHEN claim_amount LIKE '$%' THEN translate(claim_amount, '$,', '') ELSE claim_amount END AS DOUBLE)
        AS claim_amount,
    TRY_CAST(allowed_amount AS DOUBLE) AS allowed_amount,
    TRY_CAST(contractual_adjustment AS DOUBLE) AS contractual_adjustment,
    TRY_CAST(claim_paid AS DOUBLE) AS claim_paid,
    lower(claim_status) AS claim_status, denial_reason,
    TRY_CAST(claim_submitted_date AS DATE) AS claim_submitted_date,
    TRY_CAST(claim_paid_date AS DATE) AS claim_paid_date, extract_date, row_hash
FROM delivered
