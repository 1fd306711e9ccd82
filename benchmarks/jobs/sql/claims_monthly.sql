SELECT
    month, provider_id, payer, service_line,
    sum(visits) AS claims, sum(submitted) AS submitted_claims,
    coalesce(sum(visits) FILTER (WHERE claim_status = 'paid'), 0) AS paid_claims,
    coalesce(sum(visits) FILTER (WHERE claim_status = 'denied'), 0) AS denied_claims,
    coalesce(sum(visits) FILTER (WHERE claim_status = 'pending'), 0) AS pending_claims,
    coalesce(sum(visits) FILTER (WHERE claim_status = 'reversed'), 0) AS reversed_claims,
    coalesce(sum(charges), 0) AS gross_charges,
    coalesce(sum(charges) FILTER (WHERE claim_status = 'paid'), 0) AS paid_charges,
    coalesce(sum(charges) FILTER (WHERE claim_status = 'denied'), 0) AS denied_charges,
    coalesce(sum(charges) FILTER (WHERE claim_status = 'pending'), 0) AS pending_charges,
    coalesce(sum(charges) FILTER (WHERE claim_status = 'reversed'), 0) AS reversed_charges,
    coalesce(sum(paid), 0) AS payments_as_delivered,
    coalesce(sum(paid) FILTER (WHERE claim_status = 'paid'), 0) AS payments,
    coalesce(sum(explained) FILTER (WHERE claim_status = 'paid'), 0) AS contractual_claims,
    coalesce(sum(explained_charges) FILTER (WHERE claim_status = 'paid'), 0) AS contractual_charges,
    coalesce(sum(adjustments) FILTER (WHERE claim_status = 'paid'), 0) AS contractual_adjustments,
    coalesce(sum(explained_paid) FILTER (WHERE claim_status = 'paid'), 0) AS contractual_payments,
    sum(initially_denied) AS initially_denied_claims,
    coalesce(sum(initially_denied_charges), 0) AS initially_denied_charges,
    coalesce(sum(initially_denied) FILTER (WHERE claim_status = 'paid'), 0) AS overturned_claims,
    coalesce(sum(initially_denied_charges) FILTER (WHERE claim_status = 'paid'), 0) AS overturned_charges
FROM cells
WHERE claim_status IS NOT NULL
GROUP BY ALL
