SELECT
    referral_month AS month, visit_month, coalesce(r.patient_zip3, 'unknown') AS origin_zip3, referring_provider_id,
    coalesce(r.rendering_provider_id, 'unknown') AS rendering_provider_id,
    coalesce(r.service_line, 'unknown') AS service_line,
    count(*) AS realised_visits, coalesce(sum(claim_amount), 0) AS realised_charges,
    coalesce(sum(claim_paid) FILTER (claim_status = 'paid'), 0) AS realised_cash
FROM visits AS v JOIN referrals AS r ON r.referral_id = v.referral_id AND r.referral_date <= v.visit_date
GROUP BY ALL
