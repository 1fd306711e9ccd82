"""The job in DuckDB SQL: newest rows by a semi join (a window over wide rows takes longer), names once per spelling."""

from pathlib import Path

import duckdb

from benchmarks.jobs import (
    CODE_STEPS,
    CODED,
    FEEDS,
    GOLD_TABLES,
    NAME_STEPS,
    NEEDED,
    main,
    other_files,
    query,
    visit_files,
)


def job(extracts: Path, output: Path, kind: str) -> None:
    """One connection, a script, Parquet files."""
    stays, crm = other_files(extracts)
    connection = duckdb.connect(config={"preserve_insertion_order": "false"})
    connection.execute(f"""
        CREATE MACRO name_key(name) AS trim({_stepped("name", NAME_STEPS)});
        CREATE MACRO code(word) AS {_stepped("word", CODE_STEPS)};
        CREATE VIEW accounts AS
        SELECT * EXCLUDE (provider_name), name_key(provider_name) AS provider_id FROM read_csv('{crm}');
        CREATE VIEW referred AS FROM read_csv('{stays}');
        CREATE VIEW stays AS
        SELECT * REPLACE (code(service_line) AS service_line)
        FROM referred JOIN (
            SELECT referral_provider, name_key(referral_provider) AS provider_id
            FROM (SELECT DISTINCT referral_provider FROM referred)
        ) USING (referral_provider);
    """)
    if kind == "everything":
        _everything(connection, extracts, output)
    else:
        _visits(connection, visit_files(extracts), output if kind == "visits" else None)
        _write(connection, query("provider_summary"), output / "provider_summary.parquet")


def _visits(connection: duckdb.DuckDBPyConnection, files: list[str], kept: Path | None) -> None:
    """Sums of the current visits by provider; the visits themselves where a folder is given."""
    connection.execute(f"""
        CREATE TEMP TABLE valid AS
        SELECT {"*" if kept else ", ".join(("extract", *NEEDED))}
        FROM (
            SELECT * REPLACE (
                TRY_CAST(visit_date AS DATE) AS visit_date,
                claim_paid::DOUBLE AS claim_paid,
                TRY_CAST(if(claim_amount[1] = '$', translate(claim_amount, '$,', ''), claim_amount) AS DOUBLE)
                    AS claim_amount
            )
            FROM read_csv({files}, header = true, all_varchar = true, filename = 'extract')
        )
        WHERE visit_date IS NOT NULL AND claim_amount IS NOT NULL;
        CREATE TEMP TABLE newest AS SELECT visit_id, max(extract) AS extract FROM valid GROUP BY visit_id;
    """)
    if kept:
        (kept / "visits").mkdir()
        _write(connection, "FROM valid SEMI JOIN newest USING (visit_id, extract)", kept / "visits/visits.parquet")
    connection.execute("""
        CREATE TEMP TABLE by_provider AS
        WITH spelt AS (
            SELECT
                provider_name, count(*) AS visits, count(*) FILTER (claim_status = 'Denied') AS denied,
                sum(claim_amount) AS amount, sum(claim_paid) AS paid
            FROM valid SEMI JOIN newest USING (visit_id, extract)
            GROUP BY provider_name
        )
        SELECT
            name_key(provider_name) AS provider_id, sum(visits) AS visits, sum(denied) AS denied,
            sum(amount) AS amount, sum(paid) AS paid
        FROM spelt
        GROUP BY 1
    """)


def _everything(connection: duckdb.DuckDBPyConnection, extracts: Path, output: Path) -> None:
    """Delivered rows once to Parquet, visits from there by month, and every table from those."""
    (output / "delivered").mkdir()
    for feed in FEEDS:
        rows = f"""
            SELECT
                * EXCLUDE (extract), hash(*COLUMNS(* EXCLUDE (extract))) AS row_hash,
                extract[-14:-5]::DATE AS extract_date
            FROM read_csv('{extracts}/{feed}_*.csv', header = true, all_varchar = true, filename = 'extract')
        """
        _write(connection, rows, output / "delivered" / f"{feed}.parquet")
    words = " UNION ".join(f"SELECT DISTINCT {name} AS word FROM delivered" for name in CODED)
    connection.execute(f"""
        CREATE VIEW delivered AS FROM '{output}/delivered/ehr_visits.parquet';
        CREATE TEMP TABLE names AS
        SELECT provider_name, name_key(provider_name) AS provider_id
        FROM (SELECT DISTINCT provider_name FROM delivered);
        CREATE TEMP TABLE codes AS SELECT word, code(word) AS code FROM ({words});
        CREATE VIEW valid AS {query("valid")};
        CREATE TEMP TABLE repeated AS {query("repeated")};
    """)
    _write(connection, query("visits"), output / "visits", "PARTITION_BY (visit_month)")
    connection.execute(f"""
        CREATE VIEW visits AS FROM read_parquet('{output}/visits/*/*.parquet', hive_partitioning = true);
        CREATE VIEW claims AS {query("claims")};
        CREATE TEMP TABLE cells AS {query("cells")};
        CREATE VIEW by_provider AS {query("by_provider")};
    """)
    for table in GOLD_TABLES:
        _write(connection, query(table), output / f"{table}.parquet")


def _write(connection: duckdb.DuckDBPyConnection, rows: str, path: Path, *options: str) -> None:
    connection.execute(f"COPY ({rows}) TO '{path}' ({', '.join(('FORMAT parquet', *options))})")


def _stepped(column: str, steps: tuple[tuple[str, str], ...]) -> str:
    expression = f"lower({column})"
    for pattern, replacement in steps:
        quoted = pattern.replace("'", "''")
        expression = f"regexp_replace({expression}, '{quoted}', '{replacement}', 'g')"
    return expression


if __name__ == "__main__":
    main(job)
