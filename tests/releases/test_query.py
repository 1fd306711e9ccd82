"""SQL over the tables of one release, and over nothing else: no files, no other tables, no changes."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from carti_lake import Lake
from carti_lake.releases.query import QueryError, explained, query
from carti_lake.releases.release import ReleaseError
from tests.worlds.rows import account, visit

TABLES = {
    "gold.provider_summary": pl.LazyFrame({"provider_id": ["lee", "diaz"], "total_visits": [2, 1]}),
    "gold.dim_provider": pl.LazyFrame({"provider_id": ["lee", "diaz"], "provider_name": ["Ann Lee", "Bo Diaz"]}),
    "silver.visits": pl.LazyFrame({"visit_id": ["V1", "V2", "V3"], "provider_id": ["lee", "lee", "diaz"]}),
}


def ask(sql):
    return query(sql, TABLES, TABLES.__getitem__).collect().rows()


@pytest.fixture
def secret_file(tmp_path):
    """A file that a query must not reach."""
    path = tmp_path / "secret.csv"
    path.write_text("a,b\n1,2\n")
    return path


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT sum(total_visits) FROM provider_summary", [(3,)]),
        ("SELECT sum(total_visits) FROM gold.provider_summary", [(3,)]),
        ("select count(*) from silver.visits;", [(3,)]),
        ("-- how many\nSELECT count(*) FROM silver.visits", [(3,)]),
        ("WITH v AS (SELECT * FROM silver.visits) SELECT count(*) FROM v", [(3,)]),
        (
            "SELECT p.provider_name, count(*) AS n FROM silver.visits v JOIN dim_provider p "
            "ON v.provider_id = p.provider_id GROUP BY p.provider_name ORDER BY n DESC",
            [("Ann Lee", 2), ("Bo Diaz", 1)],
        ),
        ("SELECT 'DROP TABLE; it''s only text' AS t", [("DROP TABLE; it's only text",)]),
        ("SHOW TABLES", [("dim_provider",), ("provider_summary",), ("silver.visits",)]),
    ],
)
def test_a_select_reads_the_release(sql, rows):
    assert ask(sql) == rows


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('{path}')",
        "SELECT * FROM READ_CSV('{path}')",
        "SELECT * FROM read_csv ('{path}')",
        "SELECT * FROM read_csv/* */('{path}')",
        "SELECT * FROM read_csv -- a comment\n('{path}')",
        "SELECT * FROM \"read_csv\"('{path}')",
        "SELECT * FROM `read_csv`('{path}')",
        "SELECT * FROM read_parquet('{path}')",
        "SELECT * FROM scan_csv('{path}')",
        "SELECT 1 AS \"--\", * FROM read_csv('{path}')",
        'SELECT 1 AS "/*", * FROM read_csv(\'{path}\') AS "*/"',
        "SELECT '--', * FROM read_csv('{path}')",
        "SELECT 'it''s', * FROM read_csv('{path}') WHERE 'x' = 'x'",
        "SELECT '\\', * FROM read_csv('{path}') --'",
        "SELECT 1 AS \"'\", * FROM read_csv('{path}') AS \"'\"",
        "WITH x AS (SELECT * FROM read_csv('{path}')) SELECT * FROM x",
        "SELECT (SELECT max(a) FROM read_csv('{path}'))",
        "SELECT * FROM silver.visits UNION ALL SELECT * FROM read_ndjson('{path}')",
        "EXPLAIN SELECT * FROM read_csv('{path}')",
    ],
)
def test_no_function_that_reads_files_is_reachable_however_it_is_hidden(sql, secret_file):
    with pytest.raises(QueryError, match="functions that read files are not available"):
        ask(sql.format(path=secret_file))


@pytest.mark.parametrize(
    "sql",
    [
        "WITH RECURSIVE x AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM x) SELECT * FROM x",
        "with/* */recursive x as (select 1 as a union all select a from x) select * from x",
        "SELECT * FROM (WITH -- steps\n RECURSIVE x AS (SELECT 1 AS a UNION ALL SELECT a FROM x) SELECT * FROM x) AS y",
    ],
)
def test_a_query_that_may_never_end_is_refused(sql):
    with pytest.raises(QueryError, match="WITH RECURSIVE is not available"):
        ask(sql)


@pytest.mark.parametrize(
    "sql", ["SELECT * FROM '{path}'", 'SELECT * FROM "{path}"', "SELECT * FROM `{path}`", "TABLE '{path}'"]
)
def test_a_file_s_name_is_no_table(sql, secret_file):
    with pytest.raises(QueryError):
        ask(sql.format(path=secret_file))


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM silver.visits",
        "DROP TABLE silver.visits",
        "TRUNCATE TABLE silver.visits",
        "INSERT INTO silver.visits VALUES (1, 2)",
        "UPDATE silver.visits SET visit_id = 'x'",
        "CREATE TABLE t AS SELECT * FROM silver.visits",
        "COPY silver.visits TO 'x.csv'",
        "SELECT 1; DROP TABLE silver.visits",
        "/* SELECT */ DROP TABLE silver.visits",
        "'SELECT' DROP TABLE silver.visits",
        "",
        "hello",
    ],
)
def test_a_query_changes_nothing(sql):
    with pytest.raises(QueryError, match="Only one SELECT is allowed"):
        ask(sql)


@pytest.mark.parametrize("table", ["bronze.ehr_visits", "quarantine.visits", "releases", "TABLES", "pl", "visits"])
def test_other_tables_do_not_exist_for_a_query(table):
    with pytest.raises(QueryError, match=r"does not run.*Tables of this release: dim_provider, provider_summary"):
        ask(f"SELECT * FROM {table}")


@pytest.mark.parametrize("sql", ["SELECT nothing FROM provider_summary", "SELECT FROM WHERE", "SELECT no_such_f(1)"])
def test_a_query_that_is_wrong_says_so_in_one_line(sql):
    with pytest.raises(QueryError, match="The query does not run: ") as error:
        ask(sql)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SELECT * FROM silver.vists", "no table 'silver.vists' (line 1, column 15). Did you mean silver.visits?"),
        (
            "SELECT * FROM silver..visits",
            "at line 1, column 22 identifier is expected, but '.' stands there. Besides, ",
        ),
        ("SELECT *\nFROM provider_sumary", "(line 2, column 6). Did you mean provider_summary?"),
        ("SELECT total_visit FROM provider_summary", "'total_visit' (line 1, column 8). Did you mean total_visits?"),
        ("SELECT TOTAL_VISITS FROM provider_summary", "Did you mean total_visits?"),
        (
            "SELECT zzz FROM provider_summary",
            "(line 1, column 8). `carti-lake tables provider_summary` lists the columns.",
        ),
        ("SELECT total_visits", "no FROM says which table 'total_visits' is a column of (line 1, column 8)."),
        ("SELECT visit_id silver.visits", "'.' stands there. No FROM says which table is read."),
        ("SELECT count(*) form silver.visits", "Did you mean FROM by 'form' (line 1, column 17)?"),
        ("SELECT * FROM silver.visits WHERE (visit_id = 'V(1'", "The parenthesis (line 1, column 35) is not closed."),
        ("SELECT * FROM silver.visits WHERE visit_id = 'V1')", "The parenthesis (line 1, column 50) closes none."),
        ("SELECT summ(total_visits) FROM provider_summary", "function 'summ' (line 1, column 8). Did you mean sum"),
        (
            "SELECT provider_id FROM provider_summary p JOIN dim_provider d ON p.provider_id = d.provider_id",
            "Write one of",
        ),
        ("SELECT p.provider_id FROM provider_summary p JOIN dim_provider d", "does not say by what. Add ON"),
        (
            "SELECT x.provider_id FROM provider_summary",
            "alias of the query is named 'x' (line 1, column 8): it reads pro",
        ),
        (
            "SELECT 1 FROM provider_summary p JOIN dim_provider d ON p.provider_ids = d.provider_id",
            "no column 'provider_ids' (line 1, column 59). Did you mean provider_id",
        ),
        ("SELECT provider_id * 2 FROM provider_summary", "(line 1, column 8). Bring both sides to one type, e.g. CAST"),
        ("SELECT sum(provider_id) FROM provider_summary", "(line 1, column 8). Bring both sides to one type"),
        ("SELECT total_visits FROM provider_summary GROUP BY provider_id", "neither grouped by nor aggregated"),
        ("SELECT * FROM silver.visits ORDER visit_id", "'ORDER' (line 1, column 29) wants BY"),
        ("SELECT 'V1 FROM silver.visits", "a text that begins at line 1, column 8 is not closed."),
        ("SELECT CAST(visit_id AS texts) FROM silver.visits", "no type 'texts' (line 1, column 25). Types: BIGINT"),
        ("SELECT visit_id AS a, provider_id AS a FROM silver.visits", "are named 'a' (line 1, column 20)."),
        ("SELECT * FROM silver.visits WHERE visit_id BETWEEN 'a'", "at the end AND is expected, but the query ends."),
        ("selct * FROM silver.visits", "Did you mean SELECT by 'selct'?"),
        ("WITH x AS (SELECT total_visits AS n FROM provider_summary) SELECT m FROM x", "What it is read from has n."),
        ("SELECT n FROM (SELECT total_visits AS m FROM provider_summary) t", "What it is read from has m."),
        (
            "SELECT 1 FROM provider_summary WHERE provider_id IN (SELECT zzz FROM dim_provider)",
            "`carti-lake tables dim_provider` lists",
        ),
        (
            "SELECT 1 FROM provider_summary WHERE provider_id IN (SELECT name FROM dim_provider)",
            "Did you mean provider_name?",
        ),
        ('SELECT * FROM silver.visits WHERE visit_id = "V1"', "If it is a text, write it in single quotes."),
        (
            "SELECT provider_id FROM silver.visits GROUP BY provider_id HAVING w > 3",
            "there is no column 'w' (line 1, column 67)",
        ),
        ('SELECT "visit_id FROM silver.visits', 'a name that begins at line 1, column 8 is not closed. Close it by ".'),
        ("SELECT /* visit_id FROM silver.visits", "a comment (line 1, column 8) is not closed. Close it by */."),
        ("DESCRIBE silver.visits", "Columns are listed by `carti-lake tables silver.visits`"),
        ("SHOW COLUMNS FROM silver.visits", "Columns are listed by `carti-lake tables silver.visits`"),
        (
            "SELECT 1 FROM silver.visits WHERE DATE '2026-01-05' > '01/02/2026'",
            "a text stands where a day does, and is none: '01/02/2026' (line 1, column 55). Write days as DATE",
        ),
        ("SELECT DATE '2026-13-01'", "and is none: '2026-13-01' (line 1, column 13)."),
        ("SELECT 1 FROM silver.visits LEFT JOI dim_provider USING (provider_id)", "Did you mean JOIN by 'JOI'"),
        ("SELECT 1 FROM silver.visits LIMIT -1", "LIMIT (line 1, column 29) wants a whole number, 0 or more."),
    ],
)
def test_a_mistake_is_told_in_one_line_with_its_place_and_a_remedy(sql, told):
    with pytest.raises(QueryError) as error:
        ask(sql)
    assert told in str(error.value)
    assert "\n" not in str(error.value)
    assert "sql parser error" not in str(error.value)


def test_of_a_wide_table_the_nearest_columns_are_named_and_not_all():
    wide = {"gold.wide": pl.LazyFrame({f"measure_{place}": [1] for place in range(60)} | {"claim_amount": [1]})}
    with pytest.raises(QueryError) as error:
        query("SELECT claim_amont FROM wide", wide, wide.__getitem__)
    assert str(error.value).endswith("there is no column 'claim_amont' (line 1, column 8). Did you mean claim_amount?")


def test_a_mistake_that_shows_in_the_rows_alone_tells_no_value_of_them():
    sql = "SELECT CAST(visit_id AS BIGINT) FROM silver.visits"
    result = query(sql, TABLES, TABLES.__getitem__)
    with (
        pytest.raises(QueryError, match=r"failed in column 'visit_id' \(line 1, column 13\)\. Bring") as error,
        explained(sql),
    ):
        result.collect()
    assert "V1" not in str(error.value)


def test_a_pattern_that_is_none_is_told():
    sql = "SELECT 1 FROM silver.visits WHERE visit_id ~ '('"
    with pytest.raises(QueryError, match=r"no regular expression: unclosed group\. Put a"), explained(sql):
        query(sql, TABLES, TABLES.__getitem__).collect()


def test_a_lake_answers_from_the_release_that_is_asked_for(tmp_path):
    first = Lake(tmp_path / "lake", clock=lambda: datetime(2026, 4, 1, tzinfo=UTC), environment={})
    first.load("ehr_visits", [visit("V1", patient_id="CANARY-4711")], extract_date=date(2026, 4, 1))
    first.run()
    second = Lake(tmp_path / "lake", clock=lambda: datetime(2026, 4, 2, tzinfo=UTC), environment={})
    second.load("salesforce_crm", [account("Ann Lee")], extract_date=date(2026, 4, 2))
    second.run()

    asked = "SELECT total_visits, deals_value FROM provider_summary"
    assert second.query(asked).collect().rows() == [(1, 300)]
    assert second.at(1).query(asked).collect().rows() == [(1, None)]
    assert second.query("SELECT count(*) FROM silver.claims").collect().item() == 1
    with pytest.raises(QueryError, match="does not run"):
        second.at(1).query("SELECT * FROM silver.crm_accounts")
    with pytest.raises(ReleaseError):
        second.at(1).scan("silver.crm_accounts")
    with pytest.raises(QueryError, match="does not run"):
        second.query("SELECT key_hash FROM silver.visits")
    with pytest.raises(QueryError) as refused:
        second.query("SELECT patient_id FROM silver.visits WHERE patient_key = 1")
    assert "CANARY" not in str(refused.value)
