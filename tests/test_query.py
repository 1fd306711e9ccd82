"""SQL reaches the tables of one release, and nothing else."""

import pytest

from carti_lake.query import QueryError
from tests.examples import lake_in, load, visit


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    lake = lake_in(tmp_path_factory.mktemp("query") / "lake")
    load(
        lake,
        "ehr_visits",
        [visit(1), visit(2, claim_status="Denied", claim_paid="0"), visit(3, visit_date="31/02/2026")],
    )
    lake.run()
    return lake


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "secret.csv"
    path.write_text("word\nswordfish\n")
    return path


def test_gold_tables_go_by_their_bare_name_and_others_by_their_full_one(lake):
    assert lake.query("select provider_name, total_visits from provider_summary").collect().rows() == [
        ("Dr. Ann Lee", 2)
    ]
    assert lake.query('SELECT count(*) AS n FROM gold."provider_summary"').collect().item() == 1
    assert lake.query("with v as (select * from silver.visits) select sum(claim_amount) from v").collect().item() == 200


def test_a_query_joins_layers(lake):
    joined = lake.query(
        "select d.provider_name, count(*) as denied from silver.claims c join dim_provider d "
        "on c.rendering_provider_id = d.provider_id where c.claim_status = 'denied' group by d.provider_name"
    )
    assert joined.collect().rows() == [("Dr. Ann Lee", 1)]


def test_the_tables_of_the_release_can_be_listed(lake):
    names = lake.query("show tables").collect()["name"].to_list()
    assert "provider_summary" in names
    assert "silver.visits" in names
    assert not [name for name in names if name.startswith(("quarantine", "bronze", "releases"))]


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_csv('{}')",
        "select * from READ_CSV('{}')",
        "select * from read_csv ('{}')",
        "select * from read_csv/* here */('{}')",
        "select * from read_csv -- here\n('{}')",
        "select * from \"read_csv\"('{}')",
        "select * from `read_csv`('{}')",
        "select 1 as \"--\", * from read_csv('{}')",
        "select 1 as \"'\", * from read_csv('{}')",
        'select 1 as "/*", * from read_csv(\'{}\') as "*/"',
        "with s as (select * from read_parquet('{}')) select * from s",
        "select * from provider_summary where provider_name in (select word from read_csv('{}'))",
    ],
)
def test_no_function_that_reads_files_is_reachable(lake, secret, sql):
    with pytest.raises(QueryError, match="functions that read files are not available"):
        lake.query(sql.format(secret)).collect()


@pytest.mark.parametrize("sql", ["select * from '{}'", 'select * from "{}"', "select * from file('{}')", "table '{}'"])
def test_a_file_is_no_table_either(lake, secret, sql):
    with pytest.raises(QueryError) as refusal:
        lake.query(sql.format(secret)).collect()
    assert "swordfish" not in str(refusal.value)


@pytest.mark.parametrize("table", ["bronze.ehr_visits", "quarantine.visits", "releases", "secret"])
def test_no_other_table_is_reachable(lake, table):
    with pytest.raises(QueryError, match=r"Tables of this release: .*provider_summary"):
        lake.query(f"select * from {table}").collect()


def test_the_variables_of_the_calling_program_are_no_tables(lake):
    secret = lake.scan("gold.provider_summary")  # noqa: F841
    with pytest.raises(QueryError):
        lake.query("select * from secret").collect()


@pytest.mark.parametrize(
    "sql",
    [
        "drop table provider_summary",
        "delete from provider_summary",
        "create table mine as select * from provider_summary",
        "select 1; drop table provider_summary",
        "truncate table provider_summary",
        "",
    ],
)
def test_only_a_select_runs(lake, sql):
    with pytest.raises(QueryError, match="Only one SELECT"):
        lake.query(sql).collect()


def test_a_semicolon_at_the_end_or_in_a_text_is_no_second_statement(lake):
    assert lake.query("select 'a; b' as text;").collect().item() == "a; b"


def test_what_does_not_run_is_explained_in_a_line(lake):
    with pytest.raises(QueryError, match=r"The query does not run: .*no_such_column") as error:
        lake.query("select no_such_column from provider_summary").collect()
    assert "\n" not in str(error.value)
    with pytest.raises(QueryError, match="does not run"):
        lake.query("select from where").collect()
