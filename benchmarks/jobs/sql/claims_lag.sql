SELECT month, answered_date AS adjudicated_date, count(*) AS adjudicated_claims
FROM claims
WHERE claim_status <> 'pending' AND answered_date IS NOT NULL
GROUP BY ALL
