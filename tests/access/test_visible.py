"""A viewer's answers are those of a lake that holds nothing but the viewer's rows."""

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from carti_lake.access import Viewer, visible
from carti_lake.metrics import METRICS
from carti_lake.release import ReleaseError
from carti_lake.tables import TABLES
from tests.access.conftest import Frames

#: By each of these columns of its mart, as far as it has them.
GRAINS = ((), ("provider_id",), ("month",), ("service_line",), ("payer",))
ASKED = ("gross_charges", "remittance_denial_rate", "leakage_rate", "no_show_rate", "readmission_rate", "net_cash")
proven = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])


def only(whole, seen, lines):
    """The release with no row but those that name seen providers and lines; tables that name neither are emptied.

    Written row by row and without the declarations that the code under test reads.
    """

    def belongs(row):
        named = [
            value for name, value in row.items() if name.endswith("provider_id") and value not in (None, "unknown")
        ]
        if seen is not None and (not named or not set(named) <= seen):
            return False
        return lines is None or row.get("service_line") in lines

    kept = {}
    for name, frame in whole.frames.items():
        columns = frame.columns
        needed = (seen is None or any(one.endswith("provider_id") for one in columns)) and (
            lines is None or "service_line" in columns
        )
        flags = [needed and belongs(row) for row in frame.iter_rows(named=True)]
        kept[name] = frame.filter(pl.Series(flags, dtype=pl.Boolean))
    if lines is not None or seen is not None:
        # Who and what there is follows from facts; the names of providers stand in the dimension alone.
        kept["gold.dim_provider"] = whole.frames["gold.dim_provider"].filter(
            pl.lit(True) if seen is None else pl.col("provider_id").is_in(sorted(seen))
        )
    return Frames(kept, whole.release)


def answers(view, viewer):
    """Everything that a viewer can ask for, in an order that does not depend on the order of rows."""
    sees = visible(view, viewer)
    found = {}
    for name in sees.tables():
        rows = sees.scan(name).collect()
        found[name] = rows.sort(TABLES[name].key())
    for metric in ASKED:
        if metric in METRICS:
            for by in GRAINS:
                if set(by) <= set(METRICS[metric].mart.columns()):
                    rows = sees.metric(metric, by).collect()
                    found[f"{metric} by {by}"] = rows.sort(by) if by else rows
    published = sees.publication()
    found |= {f"published {name}": rows.sort(rows.columns[:3]) for name, rows in published.tables.items()}
    found["network"] = published.network
    return found


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name, rows in one.items():
        assert_frame_equal(rows, other[name], check_exact=False, rel_tol=1e-12)


@proven
@given(data=st.data(), exact=st.booleans())
def test_answers_are_those_of_a_lake_of_the_viewers_rows(whole, providers, lines, data, exact):
    seen = data.draw(st.none() | st.frozensets(st.sampled_from(providers), max_size=6))
    of = data.draw(st.none() | st.frozensets(st.sampled_from(lines), max_size=3)) if seen is not None else None
    viewer = Viewer("ann", seen, of, exact, frozenset({"read"}))
    if viewer.unrestricted:
        return
    assert_same(answers(whole, viewer), answers(only(whole, seen, of), viewer))


@proven
@given(data=st.data())
def test_taking_a_hidden_provider_out_changes_nothing(whole, providers, data):
    seen = data.draw(st.frozensets(st.sampled_from(providers), min_size=1, max_size=5))
    hidden = data.draw(st.sampled_from([one for one in providers if one not in seen]))
    less = {
        name: frame.filter(
            pl.all_horizontal(
                [
                    pl.lit(True),
                    *(pl.col(one).ne_missing(hidden) for one in frame.columns if one.endswith("provider_id")),
                ]
            )
        )
        for name, frame in whole.frames.items()
    }
    assert any(less[name].height < frame.height for name, frame in whole.frames.items())
    viewer = Viewer("ann", seen, None, True, frozenset({"read"}))
    without = Frames(less, whole.release)
    assert_same(answers(whole, viewer), answers(without, viewer))
    assert visible(whole, viewer).fingerprint == visible(without, viewer).fingerprint


def test_nobody_sees_anything_unless_it_is_granted(whole):
    sees = visible(whole, Viewer("stranger"))
    assert all(sees.scan(name).collect().is_empty() for name in sees.tables())
    assert sees.metric("gross_charges").collect()["value"].to_list() in ([None], [0])


def test_whoever_sees_everything_sees_the_release_but_no_single_patients(whole):
    sees = visible(whole, Viewer("all", None, None, True))
    gold = [name for name in whole.tables() if name.startswith("gold.")]
    assert sees.tables() == [name for name in gold if name != "gold.risk_scores"]
    for name in sees.tables():
        assert sees.scan(name).collect().equals(whole.frames[name])


@pytest.mark.parametrize(
    "table", ["gold.risk_scores", "silver.visits", "gold.provider_comparison", "gold.data_quality"]
)
def test_a_hidden_table_is_as_an_absent_one(whole, providers, table):
    with pytest.raises(ReleaseError, match=r"has no .* for you"):
        visible(whole, Viewer("ann", frozenset(providers[:2]), None, True)).scan(table)


def test_fingerprints_differ_by_rights_and_by_nothing_else(whole, providers):
    def of(*rights):
        return visible(whole, Viewer(*rights)).fingerprint

    few = frozenset(providers[:2])
    assert of("ann", few, None, True) == of("bob", frozenset(sorted(few, reverse=True)), None, True)
    others = [of("ann", few, None, False), of("ann", None, None, True), of("ann", few, few, True), of("ann")]
    assert len({of("ann", few, None, True), *others}) == 5


def test_small_counts_are_suppressed_for_whoever_is_not_exact(whole, providers):
    seen = frozenset(providers[:3])
    suppressed, exact = (visible(whole, Viewer("ann", seen, None, flag)).publication() for flag in (False, True))
    visits = {
        flag: rows.tables["provider_summary"]["total_visits"].drop_nulls()
        for flag, rows in ((0, suppressed), (1, exact))
    }
    assert visits[1].len() >= visits[0].len()
    assert not visits[0].is_between(1, 10).any()
    assert "provider_monthly" in exact.tables
    assert "provider_monthly" not in suppressed.tables
