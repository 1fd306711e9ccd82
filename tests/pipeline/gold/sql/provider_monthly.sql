WITH of_visits AS (
    SELECT
        rendering_provider_id AS provider_id, visit_month AS month, coalesce(service_line, 'unknown') AS service_line,
        count(*) AS visits, count(DISTINCT patient_key) AS visit_patients,
        count(claim_status) AS claims,
        count_if(claim_status = 'paid') AS paid_claims,
        count_if(claim_status = 'denied') AS denied_claims,
        count_if(claim_status = 'pending') AS pending_claims,
        sum(claim_amount) AS gross_charges,
        sum(claim_amount) FILTER (claim_status = 'paid') AS paid_charges,
        sum(claim_amount) FILTER (claim_status = 'denied') AS denied_charges,
        sum(claim_paid) AS payments_as_delivered,
        sum(claim_paid) FILTER (claim_status = 'paid') AS payments,
        count(*) FILTER (claim_status = 'paid' AND contractual_adjustment + claim_amount IS NOT NULL)
            AS contractual_claims,
        sum(claim_amount) FILTER (claim_status = 'paid' AND contractual_adjustment IS NOT NULL) AS contractual_charges,
        sum(contractual_adjustment) FILTER (claim_status = 'paid' AND claim_amount IS NOT NULL)
            AS contractual_adjustments,
        sum(claim_paid) FILTER (claim_status = 'paid' AND contractual_adjustment + claim_amount IS NOT NULL)
            AS contractual_payments
    FROM visits GROUP BY ALL
), of_stays AS (
    SELECT
        referring_provider_id AS provider_id, admission_month AS month, coalesce(service_line, 'unknown') AS service_line,
        count(*) AS stays,
        count(length_of_stay) AS length_of_stay_count, sum(length_of_stay) AS length_of_stay_days,
        count(satisfaction_score) AS satisfaction_count, sum(satisfaction_score) AS satisfaction_sum,
        count_if(satisfaction_score >= 90) AS top_box_count,
        count(treatment_cost) AS treatment_cost_count, sum(treatment_cost) AS treatment_cost
    FROM encounters GROUP BY ALL
), made AS (
    SELECT
        referring_provider_id AS provider_id, referral_month AS month, coalesce(service_line, 'unknown') AS service_line,
        count(*) AS referrals_made,
        count_if(network_status = 'out_of_network') AS referrals_made_out_of_network,
        count_if(referral_status = 'lost' AND network_status IS DISTINCT FROM 'out_of_network') AS referrals_made_lost
    FROM referrals GROUP BY ALL
), received AS (
    SELECT
        rendering_provider_id AS provider_id, referral_month AS month, coalesce(service_line, 'unknown') AS service_line,
        count(*) AS referrals_received,
        count_if(referral_status = 'completed' AND network_status = 'in_network') AS referrals_completed
    FROM referrals WHERE rendering_provider_id IS NOT NULL GROUP BY ALL
), of_appointments AS (
    SELECT
        provider_id, appointment_month AS month, coalesce(service_line, 'unknown') AS service_line,
        count_if(appointment_status IN ('completed', 'no_show')) AS appointments,
        count_if(appointment_status = 'no_show') AS no_shows
    FROM appointments GROUP BY ALL
)
SELECT provider_id, month, service_line, coalesce(COLUMNS(* EXCLUDE (provider_id, month, service_line)), 0)
FROM of_visits
FULL JOIN of_stays USING (provider_id, month, service_line)
FULL JOIN made USING (provider_id, month, service_line)
FULL JOIN received USING (provider_id, month, service_line)
FULL JOIN of_appointments USING (provider_id, month, service_line)
