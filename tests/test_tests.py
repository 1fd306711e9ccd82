"""The fixtures do what the tests that build on them assume."""

import polars as pl
import pytest
from deltalake import DeltaTable

pytest_plugins = ["pytester"]


@pytest.mark.server
def test_deltalake_and_polars_share_a_table_on_the_s3_server(s3, s3_uri):
    DeltaTable.create(s3_uri, schema=pl.DataFrame({"visit_id": ["V1"]}).to_arrow().schema, storage_options=s3)
    pl.DataFrame({"visit_id": ["V1", "V2"]}).write_delta(s3_uri, mode="append", storage_options=s3)
    assert pl.scan_delta(s3_uri, storage_options=s3).collect()["visit_id"].to_list() == ["V1", "V2"]


@pytest.fixture
def tests_with_skips(pytester, request):
    """A project with our conftest, one skipped test, one skipped module and one test that fails as foretold."""
    pytester.makeconftest((request.config.rootpath / "tests/conftest.py").read_text())
    pytester.makepyfile(
        test_one="""
        import pytest
        def test_skipped(): pytest.skip("no server")
        def test_needs_data(shared): pass
        @pytest.mark.xfail
        def test_foretold(): assert False
        """,
        test_two="import pytest; pytest.importorskip('no_such_module')",
    )
    return pytester


def test_a_skip_is_a_skip(tests_with_skips, monkeypatch):
    monkeypatch.delenv("CARTI_LAKE_REQUIRE_ALL", raising=False)
    tests_with_skips.runpytest_inprocess().assert_outcomes(skipped=3, xfailed=1)


def test_a_skip_fails_where_everything_is_required(tests_with_skips, monkeypatch):
    monkeypatch.setenv("CARTI_LAKE_REQUIRE_ALL", "1")
    result = tests_with_skips.runpytest_inprocess("--continue-on-collection-errors")
    result.assert_outcomes(failed=1, errors=1, skipped=1, xfailed=1)
    result.stdout.fnmatch_lines(["*CARTI_LAKE_REQUIRE_ALL=1 lets no test be skipped*"])
