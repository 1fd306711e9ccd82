-- From silver alone: nothing of provider_monthly goes into it. Sums of dollars are null for whom the CRM alone names.
WITH of_visits AS (
    SELECT
        rendering_provider_id AS provider_id,
        count(*) AS total_visits, count(claim_status) AS claims,
        count_if(claim_status = 'paid') AS paid_claims,
        count_if(claim_status = 'denied') AS denied_claims,
        count_if(claim_status = 'pending') AS pending_claims,
        sum(claim_amount) AS total_claim_amount, sum(claim_paid) AS total_claim_paid,
        sum(claim_paid) FILTER (claim_status = 'paid') AS payments,
        sum(claim_amount) FILTER (claim_status = 'paid') AS paid_charges,
        sum(claim_amount) FILTER (claim_status = 'denied') AS denied_charges
    FROM visits GROUP BY ALL
), explained AS (
    SELECT
        rendering_provider_id AS provider_id, count(*) AS contractual_claims,
        sum(claim_amount) AS contractual_charges, sum(contractual_adjustment) AS contractual_adjustments,
        sum(claim_paid) AS contractual_payments
    FROM visits
    WHERE claim_status = 'paid' AND contractual_adjustment IS NOT NULL AND claim_amount IS NOT NULL
    GROUP BY ALL
), of_stays AS (
    SELECT
        referring_provider_id AS provider_id, count(DISTINCT patient_key) AS total_patients, count(*) AS stays,
        count(length_of_stay) AS length_of_stay_count, sum(length_of_stay) AS length_of_stay_days,
        avg(length_of_stay) AS avg_length_of_stay,
        count(satisfaction_score) AS satisfaction_count, sum(satisfaction_score) AS satisfaction_sum,
        avg(satisfaction_score) AS avg_satisfaction,
        count_if(satisfaction_score >= 90) AS top_box_count,
        count(treatment_cost) AS treatment_cost_count, sum(treatment_cost) AS treatment_cost,
        avg(treatment_cost) AS avg_cost
    FROM encounters GROUP BY ALL
), made AS (
    SELECT
        referring_provider_id AS provider_id, count(*) AS referrals_made,
        count_if(network_status = 'out_of_network') AS referrals_made_out_of_network,
        count_if(referral_status = 'lost' AND network_status IS DISTINCT FROM 'out_of_network') AS referrals_made_lost
    FROM referrals GROUP BY ALL
), received AS (
    SELECT
        rendering_provider_id AS provider_id, count(*) AS referrals_received,
        count_if(referral_status = 'completed' AND network_status = 'in_network') AS referrals_completed
    FROM referrals WHERE rendering_provider_id IS NOT NULL GROUP BY ALL
), of_appointments AS (
    SELECT
        provider_id, count_if(appointment_status IN ('completed', 'no_show')) AS appointments,
        count_if(appointment_status = 'no_show') AS no_shows
    FROM appointments GROUP BY ALL
), of_accounts AS (
    SELECT
        provider_id, sum(contact_count) AS contact_count, sum(deals_value) AS deals_value,
        sum(opportunity_value) AS opportunity_value, sum(marketing_cost) AS marketing_cost,
        last(pipeline_stage ORDER BY opportunity_value, provider_name) AS pipeline_stage
    FROM crm_accounts GROUP BY ALL
), of_opportunities AS (
    SELECT
        provider_id,
        count_if(NOT coalesce(is_closed, false)) AS open_opportunities,
        count_if(NOT coalesce(is_closed, false) AND amount IS NOT NULL AND probability IS NOT NULL)
            AS valued_opportunities,
        count_if(is_won) AS won_opportunities,
        count_if(is_closed AND NOT coalesce(is_won, false)) AS lost_opportunities,
        sum(amount) FILTER (is_won) AS won_value,
        sum(amount * probability / 100) FILTER (NOT coalesce(is_closed, false)) AS weighted_pipeline
    FROM opportunities WHERE provider_id IS NOT NULL GROUP BY ALL
), joined AS (
    SELECT *, coalesce(total_visits, stays, referrals_made, referrals_received, appointments) IS NOT NULL AS seen
    FROM of_visits
    FULL JOIN explained USING (provider_id)
    FULL JOIN of_stays USING (provider_id)
    FULL JOIN made USING (provider_id)
    FULL JOIN received USING (provider_id)
    FULL JOIN of_appointments USING (provider_id)
    FULL JOIN of_accounts USING (provider_id)
    FULL JOIN of_opportunities USING (provider_id)
), every AS (
    SELECT * REPLACE (
        CASE WHEN seen THEN coalesce(total_claim_amount, 0) END AS total_claim_amount,
        CASE WHEN seen THEN coalesce(total_claim_paid, 0) END AS total_claim_paid,
        CASE WHEN seen THEN coalesce(payments, 0) END AS payments,
        CASE WHEN seen THEN coalesce(paid_charges, 0) END AS paid_charges,
        CASE WHEN seen THEN coalesce(denied_charges, 0) END AS denied_charges,
        CASE WHEN seen THEN coalesce(contractual_charges, 0) END AS contractual_charges,
        CASE WHEN seen THEN coalesce(contractual_adjustments, 0) END AS contractual_adjustments,
        CASE WHEN seen THEN coalesce(contractual_payments, 0) END AS contractual_payments,
        CASE WHEN seen THEN coalesce(treatment_cost, 0) END AS treatment_cost,
        CASE WHEN seen THEN coalesce(satisfaction_sum, 0) END AS satisfaction_sum
    ) FROM joined
)
SELECT
    provider_id, provider_name, npi, specialty, network_status,
    coalesce(total_patients, 0) AS total_patients, avg_length_of_stay, avg_satisfaction, avg_cost,
    contact_count, deals_value, opportunity_value, marketing_cost, pipeline_stage,
    coalesce(total_visits, 0) AS total_visits, total_claim_amount, total_claim_paid,
    denied_claims / nullif(total_visits, 0) AS denial_rate,
    (deals_value - marketing_cost) / nullif(marketing_cost, 0) AS roi,
    deals_value / nullif(total_patients, 0) AS value_per_patient,
    total_claim_paid / nullif(total_claim_amount, 0) AS claim_collection_rate,
    coalesce(claims, 0) AS claims, coalesce(denied_claims, 0) AS denied_claims,
    coalesce(paid_claims, 0) AS paid_claims, coalesce(pending_claims, 0) AS pending_claims,
    payments, paid_charges, denied_charges, paid_charges + denied_charges AS adjudicated_charges,
    payments / nullif(total_claim_amount, 0) AS gross_collection_rate,
    payments / nullif(paid_charges + denied_charges, 0) AS adjudicated_collection_rate,
    coalesce(contractual_claims, 0) AS contractual_claims,
    contractual_charges, contractual_adjustments, contractual_payments,
    contractual_payments / nullif(contractual_charges - contractual_adjustments, 0) AS net_collection_rate,
    denied_claims / nullif(paid_claims + denied_claims, 0) AS remittance_denial_rate,
    coalesce(stays, 0) AS stays, coalesce(length_of_stay_count, 0) AS length_of_stay_count,
    coalesce(length_of_stay_days, 0) AS length_of_stay_days,
    coalesce(treatment_cost_count, 0) AS treatment_cost_count, treatment_cost,
    coalesce(satisfaction_count, 0) AS satisfaction_count, satisfaction_sum,
    coalesce(top_box_count, 0) AS top_box_count, top_box_count / nullif(satisfaction_count, 0) AS top_box_rate,
    coalesce(referrals_made, 0) AS referrals_made,
    coalesce(referrals_made_out_of_network, 0) AS referrals_made_out_of_network,
    coalesce(referrals_made_lost, 0) AS referrals_made_lost,
    (referrals_made_out_of_network + referrals_made_lost) / nullif(referrals_made, 0) AS leakage_rate,
    coalesce(referrals_received, 0) AS referrals_received, coalesce(referrals_completed, 0) AS referrals_completed,
    referrals_completed / nullif(referrals_received, 0) AS keepage_rate,
    coalesce(appointments, 0) AS appointments, coalesce(no_shows, 0) AS no_shows,
    no_shows / nullif(appointments, 0) AS no_show_rate,
    coalesce(open_opportunities, 0) AS open_opportunities, coalesce(valued_opportunities, 0) AS valued_opportunities,
    coalesce(won_opportunities, 0) AS won_opportunities, coalesce(lost_opportunities, 0) AS lost_opportunities,
    coalesce(won_value, 0) AS won_value, coalesce(weighted_pipeline, 0) AS weighted_pipeline,
    weighted_pipeline / nullif(valued_opportunities, 0) AS expected_revenue,
    won_opportunities / nullif(won_opportunities + lost_opportunities, 0) AS win_rate
FROM every JOIN dim_provider USING (provider_id)
