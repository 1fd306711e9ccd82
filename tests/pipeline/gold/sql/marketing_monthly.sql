WITH credited AS (
    SELECT
        v.*, coalesce(r.campaign_id, 'none') AS campaign,
        CASE WHEN r.campaign_id IS NULL THEN coalesce(r.opportunity_id, 'none') ELSE 'none' END AS opportunity
    FROM visits AS v
    LEFT JOIN referrals AS r ON r.referral_date <= v.visit_date AND r.referral_id = coalesce(v.referral_id, (
        SELECT last(h.referral_id ORDER BY h.referral_date, h.referral_id) FROM referrals AS h
        WHERE h.patient_key = v.patient_key AND h.campaign_id IS NOT NULL AND h.referral_date <= v.visit_date
    ))
), brought AS (
    SELECT
        visit_month AS month, campaign AS campaign_id, opportunity AS opportunity_id,
        count(*) AS realised_visits, count(claim_status) AS realised_claims,
        count_if(claim_status = 'paid') AS realised_paid_claims, sum(claim_amount) AS realised_charges,
        sum(claim_paid) FILTER (claim_status = 'paid') AS realised_cash
    FROM credited GROUP BY ALL
), made AS (
    SELECT
        referral_month AS month, coalesce(campaign_id, 'none') AS campaign_id,
        CASE WHEN campaign_id IS NULL THEN coalesce(opportunity_id, 'none') ELSE 'none' END AS opportunity_id,
        count(*) AS referrals, count(first_visit_date) AS first_visits,
        count_if(referral_status = 'completed' AND network_status = 'in_network') AS first_visits_in_network
    -- An alias of the select list would stand for the column of its name.
    FROM referrals GROUP BY 1, 2, 3
)
SELECT month, campaign_id, opportunity_id, coalesce(COLUMNS(* EXCLUDE (month, campaign_id, opportunity_id)), 0)
FROM brought FULL JOIN made USING (month, campaign_id, opportunity_id)
