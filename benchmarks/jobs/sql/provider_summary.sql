-- Who has no visits or stays counts none of them; whom the CRM alone names has no dollars either.
WITH of_stays AS (
    SELECT
        provider_id, count(DISTINCT patient_id) AS total_patients, avg(length_of_stay) AS avg_length_of_stay,
        avg(satisfaction_score) AS avg_satisfaction, avg(treatment_cost) AS avg_cost
    FROM stays
    GROUP BY provider_id
), everyone AS (
    SELECT *, coalesce(visits, total_patients) IS NOT NULL AS seen
    FROM by_provider
    FULL JOIN of_stays USING (provider_id)
    FULL JOIN accounts USING (provider_id)
)
SELECT
    provider_id AS provider_name, coalesce(total_patients, 0) AS total_patients, avg_length_of_stay, avg_satisfaction,
    avg_cost, contact_count, deals_value, opportunity_value, marketing_cost, pipeline_stage,
    coalesce(visits, 0) AS total_visits,
    CASE WHEN seen THEN coalesce(amount, 0) END AS total_claim_amount,
    CASE WHEN seen THEN coalesce(paid, 0) END AS total_claim_paid,
    CASE WHEN visits > 0 THEN coalesce(denied, 0) / visits END AS denial_rate,
    (deals_value - marketing_cost) / marketing_cost AS roi,
    deals_value / total_patients AS value_per_patient,
    paid / amount AS claim_collection_rate
FROM everyone
