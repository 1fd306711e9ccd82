WITH of_visits AS (
    SELECT
        provider_id, month, service_line,
        sum(visits) AS visits, sum(visits) FILTER (WHERE claim_status IS NOT NULL) AS claims,
        sum(visits) FILTER (WHERE claim_status = 'paid') AS paid_claims,
        sum(visits) FILTER (WHERE claim_status = 'denied') AS denied_claims,
        sum(visits) FILTER (WHERE claim_status = 'pending') AS pending_claims,
        sum(charges) AS gross_charges,
        sum(charges) FILTER (WHERE claim_status = 'paid') AS paid_charges,
        sum(charges) FILTER (WHERE claim_status = 'denied') AS denied_charges,
        sum(paid) AS payments_as_delivered,
        sum(paid) FILTER (WHERE claim_status = 'paid') AS payments,
        sum(explained) FILTER (WHERE claim_status = 'paid') AS contractual_claims,
        sum(explained_charges) FILTER (WHERE claim_status = 'paid') AS contractual_charges,
        sum(adjustments) FILTER (WHERE claim_status = 'paid') AS contractual_adjustments,
        sum(explained_paid) FILTER (WHERE claim_status = 'paid') AS contractual_payments
    FROM cells
    GROUP BY ALL
), of_patients AS (
    SELECT provider_id, month, service_line, count(*) AS visit_patients
    FROM (SELECT DISTINCT provider_id, month, service_line, patient_id FROM claims)
    GROUP BY ALL
), of_stays AS (
    SELECT
        provider_id, CAST(date_trunc('month', admission_date) AS DATE) AS month,
        coalesce(service_line, 'unknown') AS service_line, count(*) AS stays,
        count(length_of_stay) AS length_of_stay_count, sum(length_of_stay) AS length_of_stay_days,
        count(satisfaction_score) AS satisfaction_count, sum(satisfaction_score) AS satisfaction_sum,
        count(*) FILTER (WHERE satisfaction_score >= 90) AS top_box_count,
        count(treatment_cost) AS treatment_cost_count, sum(treatment_cost) AS treatment_cost
    FROM stays
    GROUP BY ALL
)
SELECT
    provider_id, month, service_line,
    coalesce(visits, 0) AS visits, coalesce(visit_patients, 0) AS visit_patients, coalesce(claims, 0) AS claims,
    coalesce(paid_claims, 0) AS paid_claims, coalesce(denied_claims, 0) AS denied_claims,
    coalesce(pending_claims, 0) AS pending_claims, coalesce(gross_charges, 0) AS gross_charges,
    coalesce(paid_charges, 0) AS paid_charges, coalesce(denied_charges, 0) AS denied_charges,
    coalesce(payments_as_delivered, 0) AS payments_as_delivered, coalesce(payments, 0) AS payments,
    coalesce(contractual_claims, 0) AS contractual_claims, coalesce(contractual_charges, 0) AS contractual_charges,
    coalesce(contractual_adjustments, 0) AS contractual_adjustments,
    coalesce(contractual_payments, 0) AS contractual_payments,
    coalesce(stays, 0) AS stays, coalesce(length_of_stay_count, 0) AS length_of_stay_count,
    coalesce(length_of_stay_days, 0) AS length_of_stay_days, coalesce(satisfaction_count, 0) AS satisfaction_count,
    coalesce(satisfaction_sum, 0) AS satisfaction_sum, coalesce(top_box_count, 0) AS top_box_count,
    coalesce(treatment_cost_count, 0) AS treatment_cost_count, coalesce(treatment_cost, 0) AS treatment_cost
FROM of_visits
JOIN of_patients USING (provider_id, month, service_line)
FULL JOIN of_stays USING (provider_id, month, service_line)
