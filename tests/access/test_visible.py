"""Exact answers are those of a lake that holds nothing but the viewer's rows; others are of everybody's publication."""

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal, assert_series_equal

from carti_lake.access import Viewer, visible
from carti_lake.metrics import METRICS
from carti_lake.releases.release import ReleaseError
from carti_lake.tables.gold.events import FAMILIES, MADE_FROM

#: By each of these columns of its mart, as far as it has them.
GRAINS = ((), ("provider_id",), ("month",), ("service_line",), ("payer",))
ASKED = (
    "gross_charges",
    "remittance_denial_rate",
    "leakage_rate",
    "no_show_rate",
    "readmission_rate",
    "initial_denial_rate",
)
#: Columns that count events about people.
COUNTS = {one for family in FAMILIES for split in family.splits for one in (split.whole, *split.parts)}
EVENTS = COUNTS | {name for name, made in MADE_FROM.items() if {*made} <= COUNTS}
#: Of many events, and beside it one of few.
LINES = (("breast",), ("breast", "unknown"))
proven = settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])


def some(members, most, least=1):
    return st.lists(st.sampled_from(members), min_size=least, max_size=most).map(frozenset)


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

    def kept(frame, name):
        if name == "gold.dim_provider":
            # Who there is follows from facts; the names of providers stand in the dimension alone.
            return frame if seen is None else frame.filter(pl.col("provider_id").is_in(sorted(seen)))
        columns = frame.columns
        needed = (seen is None or any(one.endswith("provider_id") for one in columns)) and (
            lines is None or "service_line" in columns
        )
        flags = [needed and belongs(row) for row in frame.iter_rows(named=True)]
        return frame.filter(pl.Series(flags, dtype=pl.Boolean))

    return whole.each(kept)


def answers(view, viewer):
    """Everything that a viewer can ask for, rows in the order in which they come."""
    sees = visible(view, viewer)
    found = {}
    for name in sees.tables():
        found[name] = sees.scan(name).collect()
    for metric in ASKED:
        for by in GRAINS:
            if set(by) <= set(METRICS[metric].mart.columns()):
                found[f"{metric} by {by}"] = values_of(sees, metric, by)
    published = sees.publication()
    in_order = not viewer.exact
    found |= {
        f"published {name}": rows if in_order else rows.sort(rows.columns[:3])
        for name, rows in published.tables.items()
    }
    found["network"] = published.network
    return found


def values_of(sees, metric, by):
    try:
        return sees.metric(metric, by).collect()
    except ReleaseError as error:
        return pl.DataFrame({"refused": [str(error)]})


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name, rows in one.items():
        assert_frame_equal(rows, other[name], check_exact=False, rel_tol=1e-12)


@pytest.mark.slow
@proven
@given(data=st.data())
def test_exact_answers_are_those_of_a_lake_of_the_viewers_rows(whole, providers, lines, data):
    seen = data.draw(st.none() | some(providers, 6, least=0))
    of = data.draw(st.none() | some(lines, 3, least=0))
    viewer = Viewer("ann", seen, of, exact=True, scopes=frozenset({"read"}))
    if viewer.unrestricted:
        return
    assert_same(answers(whole, viewer), answers(only(whole, seen, of), viewer))


@pytest.mark.slow
@proven
@given(data=st.data())
def test_taking_a_hidden_provider_out_changes_no_exact_answer(whole, providers, lines, data):
    seen = data.draw(some(providers, 5))
    hidden = data.draw(st.sampled_from([one for one in providers if one not in seen]))
    viewer = Viewer("ann", seen, data.draw(st.none() | st.just(frozenset(lines[:3]))), exact=True)

    def less(frame, name):
        named = [one for one in frame.columns if one.endswith("provider_id")]
        return frame.filter(pl.lit(True), *(pl.col(one).ne_missing(hidden) for one in named))

    without = whole.each(less)
    assert any(without.frames[name].height < frame.height for name, frame in whole.frames.items())
    assert_same(answers(whole, viewer), answers(without, viewer))
    assert visible(whole, viewer).fingerprint == visible(without, viewer).fingerprint


def test_exact_numbers_are_said_to_be_for_the_inside_and_nobody_is_said_to_have_asked(whole):
    (note,) = visible(whole, Viewer("cfo", None, None, exact=True)).publication().notes
    assert note.startswith("INSIDE: exact numbers")


def test_whoever_is_not_exact_reads_their_rows_of_what_everybody_reads(whole, providers, lines):
    everybody = visible(whole, Viewer("all", None, None)).publication()
    seen, of = providers[:3], lines[:2]
    own = visible(whole, Viewer("ann", frozenset(seen), None))
    assert set(own.tables()) == {"gold.provider_summary", "gold.dim_provider", "gold.opportunity_predictions"}
    for name in own.tables():
        theirs = everybody.tables[name.removeprefix("gold.")].filter(pl.col("provider_id").is_in(seen))
        assert_frame_equal(own.scan(name).collect(), theirs)
    visits = own.scan("gold.provider_summary").collect()["total_visits"]
    network = own.publication().network["visits"].item()
    assert network == (None if visits.null_count() or visits.is_empty() else visits.sum())
    assert "The whole network, from the publication for everybody: " in own.publication().notes[-1]
    by_line = visible(whole, Viewer("ann", None, frozenset(of))).publication()
    rows = everybody.tables["network_by_service_line"].filter(pl.col("service_line").is_in(of))
    assert_frame_equal(by_line.tables["network_by_service_line"], rows)
    assert "provider_summary" not in by_line.tables
    crossed = visible(whole, Viewer("ann", frozenset(seen), frozenset(of))).publication()
    assert all(table.is_empty() for table in crossed.tables.values())


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


def test_a_sum_that_lacks_a_line_told_of_with_others_is_not_shown(whole):
    told = {of: values_of(visible(whole, Viewer("ann", None, frozenset(of))), "gross_charges", ()) for of in LINES}
    assert told[LINES[0]]["value"].item() > 0
    assert told[LINES[1]]["value"].item() is None
    assert told[LINES[1]]["reason"].item().startswith("suppressed")


@pytest.mark.slow
@proven
@given(data=st.data())
def test_no_call_gives_small_counts_to_whoever_may_not_see_exact_numbers(whole, providers, lines, data):
    seen = data.draw(st.none() | some(providers, 8))
    of = data.draw(st.none() | some(lines, 4))
    sees, exact = (visible(whole, Viewer("ann", seen, of, flag)) for flag in (False, True))
    for name in sees.tables():
        rows = sees.scan(name).collect()
        for column in EVENTS & {*rows.columns}:
            assert not rows[column].is_between(1, 10).any(), f"{name}.{column}"
    assert {*sees.tables()} & {"gold.provider_monthly", "gold.claims_monthly", "gold.referral_flow"} == set()
    for metric in ASKED:
        for by in GRAINS:
            if {*by} <= {*METRICS[metric].mart.columns()}:
                rows, real = values_of(sees, metric, by), values_of(exact, metric, by)
                if "refused" in rows.columns:
                    continue
                assert not rows["n"].is_between(1, 10).any()
                # Members of few events are told of together, which no exact row does.
                for axis in by:
                    rows = rows.filter(pl.col(axis).cast(pl.String).ne_missing("others"))
                assert (rows["value"].is_null() == rows["reason"].is_not_null()).all()
                both = (
                    rows.drop_nulls("value").join(real, on=by, how="left")
                    if by
                    else rows.hstack(real.select("value").rename({"value": "value_right"})).drop_nulls("value")
                )
                assert_series_equal(both["value"], both["value_right"], check_names=False, rel_tol=1e-12)


def test_published_metrics_are_shown_and_crossed_ones_refused(whole):
    sees, exact = (visible(whole, Viewer("ann", None, None, flag)) for flag in (False, True))
    for by in ((), ("month",), ("provider_id",), ("service_line",)):
        rows, real = values_of(sees, "gross_charges", by), values_of(exact, "gross_charges", by)
        # Members with few events are told of together.
        assert rows.height == real.height or "others" in rows.select(by).to_series()
        assert rows["value"].drop_nulls().len() > 0
    for metric, by in (("gross_charges", ("month", "provider_id")), ("aged_receivables_rate", ("payer",))):
        with pytest.raises(ReleaseError, match="is for viewers of exact numbers"):
            sees.metric(metric, by)


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
