"""The job in DuckDB SQL: newest rows by a semi join (a window over wide rows takes longer), names once per spelling."""

from pathlib import Path

import duckdb

from benchmarks.jobs import NAME_STEPS, NEEDED, SUMMARY, main, other_files, visit_files


def job(extracts: Path, output: Path, keep_visits: bool) -> None:
    """One connection, one script, one Parquet file."""
    stays, crm = other_files(extracts)
    connection = duckdb.connect(config={"preserve_insertion_order": "false"})
    connection.execute(f"""
        CREATE MACRO name_key(name) AS {_name_key("name")};
        CREATE TEMP TABLE valid AS
        SELECT {"*" if keep_visits else ", ".join(("extract", *NEEDED))}
        FROM (
            SELECT * REPLACE (
                TRY_CAST(visit_date AS DATE) AS visit_date,
                claim_paid::DOUBLE AS claim_paid,
                TRY_CAST(if(claim_amount[1] = '$', translate(claim_amount, '$,', ''), claim_amount) AS DOUBLE)
                    AS claim_amount
            )
            FROM read_csv({visit_files(extracts)}, header = true, all_varchar = true, filename = 'extract')
        )
        WHERE visit_date IS NOT NULL AND claim_amount IS NOT NULL;
        CREATE TEMP TABLE newest AS SELECT visit_id, max(extract) AS extract FROM valid GROUP BY visit_id;
    """)
    if keep_visits:
        kept = output / "visits.parquet"
        connection.execute(f"COPY (FROM valid SEMI JOIN newest USING (visit_id, extract)) TO '{kept}'")
    connection.execute(f"""
        COPY (
            WITH spelt AS (
                SELECT
                    provider_name, count(*) AS visits, count(*) FILTER (claim_status = 'Denied') AS denied,
                    sum(claim_amount) AS amount, sum(claim_paid) AS paid
                FROM valid SEMI JOIN newest USING (visit_id, extract)
                GROUP BY provider_name
            ),
            visits AS (
                SELECT
                    name_key(provider_name) AS name, sum(visits) AS total_visits, sum(amount) AS total_claim_amount,
                    sum(paid) AS total_claim_paid, sum(denied) / sum(visits) AS denial_rate
                FROM spelt
                GROUP BY 1
            ),
            referred AS (FROM read_csv('{stays}')),
            referrers AS (
                SELECT referral_provider, name_key(referral_provider) AS name
                FROM (SELECT DISTINCT referral_provider FROM referred)
            ),
            stays AS (
                SELECT
                    name, count(DISTINCT patient_id) AS total_patients, avg(length_of_stay) AS avg_length_of_stay,
                    avg(satisfaction_score) AS avg_satisfaction, avg(treatment_cost) AS avg_cost
                FROM referred JOIN referrers USING (referral_provider)
                GROUP BY name
            ),
            crm AS (SELECT * EXCLUDE (provider_name), name_key(provider_name) AS name FROM read_csv('{crm}'))
            SELECT {", ".join(SUMMARY)}
            FROM (
                SELECT
                    *, name AS provider_name,
                    (deals_value - marketing_cost) / marketing_cost AS roi,
                    deals_value / total_patients AS value_per_patient,
                    total_claim_paid / total_claim_amount AS claim_collection_rate
                FROM visits FULL JOIN stays USING (name) FULL JOIN crm USING (name)
            )
        ) TO '{output / "summary.parquet"}' (FORMAT parquet)
    """)


def _name_key(column: str) -> str:
    expression = f"lower({column})"
    for pattern, replacement in NAME_STEPS:
        quoted = pattern.replace("'", "''")
        expression = f"regexp_replace({expression}, '{quoted}', '{replacement}', 'g')"
    return f"trim({expression})"


if __name__ == "__main__":
    main(job)
