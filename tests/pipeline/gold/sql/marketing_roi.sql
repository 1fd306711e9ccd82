-- From silver alone, and over all months at once: nothing of marketing_monthly goes into it.
WITH credited AS (
    SELECT r.*, coalesce(r.campaign_id, o.campaign_id) AS campaign
    FROM referrals AS r LEFT JOIN opportunities AS o USING (opportunity_id)
), made AS (
    SELECT
        campaign AS campaign_id, count(*) AS referrals, count(first_visit_date) AS first_visits,
        count_if(referral_status = 'completed' AND network_status = 'in_network') AS first_visits_in_network
    FROM credited WHERE campaign IS NOT NULL GROUP BY campaign
), followed AS (
    SELECT v.*, c.campaign
    FROM visits AS v JOIN credited AS c ON c.referral_id = v.referral_id AND c.referral_date <= v.visit_date
    UNION ALL BY NAME
    SELECT v.*, (
        SELECT last(h.campaign_id ORDER BY h.referral_date, h.referral_id) FROM referrals AS h
        WHERE h.patient_key = v.patient_key AND h.campaign_id IS NOT NULL AND h.referral_date <= v.visit_date
    ) AS campaign
    FROM visits AS v WHERE v.referral_id IS NULL
), brought AS (
    SELECT
        campaign AS campaign_id, count(*) AS realised_visits, count(claim_status) AS realised_claims,
        count_if(claim_status = 'paid') AS realised_paid_claims, sum(claim_amount) AS realised_charges,
        sum(claim_paid) FILTER (claim_status = 'paid') AS realised_cash
    FROM followed WHERE campaign IS NOT NULL GROUP BY campaign
), deals AS (
    SELECT
        campaign_id, count(*) AS opportunities,
        count_if(NOT coalesce(is_closed, false)) AS open_opportunities, count_if(is_won) AS won_opportunities,
        count_if(is_closed AND NOT coalesce(is_won, false)) AS lost_opportunities,
        sum(amount) AS opportunity_value, sum(amount) FILTER (is_won) AS won_value,
        sum(amount * probability / 100) FILTER (NOT coalesce(is_closed, false)) AS weighted_pipeline
    FROM opportunities WHERE campaign_id IS NOT NULL GROUP BY campaign_id
), every AS (
    SELECT * FROM (
        SELECT
            campaign_id, campaign_name, campaign_type, status, service_line, start_date, end_date, budgeted_cost,
            actual_cost
        FROM campaigns
    ) FULL JOIN deals USING (campaign_id) FULL JOIN made USING (campaign_id) FULL JOIN brought USING (campaign_id)
)
SELECT
    campaign_id, campaign_name, campaign_type, status, service_line, start_date, end_date, budgeted_cost, actual_cost,
    coalesce(COLUMNS(* EXCLUDE (
        campaign_id, campaign_name, campaign_type, status, service_line, start_date, end_date, budgeted_cost,
        actual_cost
    )), 0),
    (coalesce(opportunity_value, 0) - actual_cost) / nullif(actual_cost, 0) AS roi_as_delivered,
    (coalesce(won_value, 0) - actual_cost) / nullif(actual_cost, 0) AS campaign_roi,
    (coalesce(realised_cash, 0) - actual_cost) / nullif(actual_cost, 0) AS realised_roi
FROM every
