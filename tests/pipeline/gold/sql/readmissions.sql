WITH reach AS (
    SELECT least(greatest(max(admission_date), max(discharge_date)), max(extract_date)) AS last_day FROM encounters
), index_stay AS (
    SELECT *, discharge_date + 30 <= last_day AS followed
    FROM encounters, reach
    WHERE discharge_date IS NOT NULL
        AND principal_diagnosis_code LIKE 'C%'
        AND patient_age >= 18
        AND coalesce(discharge_disposition, '') NOT SIMILAR TO '.*(expired|died|deceased|transfer|against_medical_advice).*|ama'
)
SELECT
    date_trunc('month', discharge_date)::DATE AS month,
    coalesce(attending_provider_id, 'unknown') AS provider_id,
    coalesce(service_line, 'unknown') AS service_line,
    count_if(followed) AS index_stays,
    count_if(followed AND EXISTS (
        SELECT 1 FROM encounters AS back
        WHERE back.patient_key = index_stay.patient_key
            AND back.admission_type IN ('emergency', 'urgent')
            AND coalesce(left(back.principal_diagnosis_code, 3), '') NOT IN ('C77', 'C78', 'C79', 'C7B')
            AND coalesce(left(back.principal_diagnosis_code, 5), '') NOT IN ('Z51.0', 'Z51.1')
            AND back.admission_date BETWEEN index_stay.discharge_date AND index_stay.discharge_date + 30
            AND (back.admission_date, back.encounter_id) > (index_stay.admission_date, index_stay.encounter_id)
    )) AS readmissions,
    count_if(NOT followed) AS followed_too_briefly
FROM index_stay GROUP BY ALL
