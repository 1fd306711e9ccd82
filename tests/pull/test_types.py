"""Types and names as databases have them: what does not fit is refused before the first row, what fits comes."""

import duckdb
import pytest

from tests.pull.conftest import COLUMNS
from tests.worlds.lakes import visit

VALUES = ", ".join(f"'{visit()[name]}' as {name}" for name in COLUMNS if name not in ("visit_date", "claim_amount"))
DAY, AMOUNT = "date '2026-02-03' as visit_date", "100.25::decimal(12,2) as claim_amount"


@pytest.fixture
def declare(world, tmp_path):
    """Declares a query of a DuckDB file, with what its map says."""
    path = tmp_path / "ehr.duckdb"
    duckdb.connect(str(path)).close()

    def declared(query, said=""):
        world.folder.mkdir(parents=True, exist_ok=True)
        lines = ['kind = "sql"', 'feed = "ehr_visits"', f'address = "duckdb:{path}"', f"query = '''{query}'''", said]
        (world.folder / "ehr.toml").write_text("\n".join(lines), "utf-8")
        (pulled,) = world.lake.pull()
        return pulled.error or pulled.rows

    return declared


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ('[map.columns.claim_paid]\nfrom = "visit_date"', '"visit_date" is of type Date, and claim_paid'),
        ('[map.columns.claim_paid]\nfrom = "Visit Date"', '"visit_date" is of type Date, and claim_paid'),
        (
            '[map.columns.claim_paid]\nfrom = ["visit_date"]\nscale = 0.01',
            '"visit_date" is of type Date, and claim_paid',
        ),
        ('[map.columns.claim_paid]\nfrom = "tags"', '"tags" is of type Binary, and claim_paid'),
        ('[map.columns.claim_paid]\nfrom = "visit_date"\nnull_words = ["none"]', '"visit_date" is of type Date'),
    ],
)
def test_a_column_that_feeds_several_is_compared_with_each(world, declare, said, wrong):
    query = f"select {VALUES.replace(', ' + repr('80') + ' as claim_paid', '')}, {DAY}, {AMOUNT}, ['a'] as tags"
    assert wrong in declare(query, said)
    assert not world.lake.storage.exists("bronze.ehr_visits")


@pytest.mark.parametrize(
    "said",
    [
        '[map.columns.is_deleted]\nfrom = "visit_date"\nvalues = { "2026-02-03" = "true" }',
        '[map.columns.contractual_adjustment]\nfrom = "claim_paid"\nscale = 0.01',
        '[map.columns.service_line]\nfrom = ["visit_date", "claim_amount"]',
    ],
)
def test_words_that_have_a_meaning_and_texts_that_are_joined_are_judged_by_value(declare, said):
    values = VALUES.replace("'Lung' as service_line, ", "")
    assert declare(f"select {values}, {DAY}, {AMOUNT}", said) == 1


@pytest.mark.parametrize("end", ["", ";", " -- the end", "\n-- of it\n", " /* all */ ;\n"])
def test_a_query_may_end_as_queries_do(declare, end):
    assert declare(f"select {VALUES}, {DAY}, {AMOUNT}{end}") == 1


def test_a_comment_with_a_quote_in_it_ends_with_its_line(declare):
    assert declare(f"select {VALUES}, {DAY}, {AMOUNT} -- what's billed") == 1
