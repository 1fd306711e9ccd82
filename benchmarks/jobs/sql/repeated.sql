-- Visits delivered more than once: which delivery counts, and how the claim was answered by those before it.
-- Only these need care; all others are current as they are.
WITH again AS (
    SELECT visit_id, max(extract_date) AS newest
    FROM valid
    WHERE visit_date IS NOT NULL AND claim_amount IS NOT NULL
    GROUP BY visit_id
    HAVING count(*) > 1
), superseded AS (
    SELECT
        visit_id, claim_status, claim_paid_date, denial_reason, extract_date,
        row_number() OVER (PARTITION BY visit_id, claim_status ORDER BY extract_date) AS place
    FROM valid JOIN again USING (visit_id)
    WHERE extract_date < newest AND claim_status IN ('paid', 'denied', 'reversed')
        AND visit_date IS NOT NULL AND claim_amount IS NOT NULL
), answers AS (
    SELECT
        visit_id, min(claim_paid_date) AS answered_before,
        max(CASE WHEN claim_status = 'denied' THEN claim_paid_date END) AS denied_before,
        max(CASE WHEN claim_status = 'denied' THEN denial_reason END) AS reason_before,
        max(CASE WHEN claim_status = 'denied' THEN extract_date END) AS told_before
    FROM superseded
    WHERE place = 1
    GROUP BY visit_id
)
SELECT visit_id, newest, answered_before, denied_before, reason_before, told_before
FROM again LEFT JOIN answers USING (visit_id)
