-- What the summary holds of visits, from the cells.
SELECT
    provider_id, sum(visits) AS visits, sum(visits) FILTER (WHERE claim_status = 'denied') AS denied,
    sum(charges) AS amount, sum(paid) AS paid
FROM cells
GROUP BY provider_id
