SELECT
    referral_month AS month, coalesce(service_line, 'unknown') AS service_line,
    coalesce(network_status, 'unknown') AS network_status, datediff('day', referral_date, first_visit_date) AS days,
    count(*) AS referrals
FROM referrals WHERE first_visit_date IS NOT NULL GROUP BY ALL
