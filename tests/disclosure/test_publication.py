"""Every column that outlets may show is declared, and what nobody declared stays in the lake."""

from datetime import date

import polars as pl
import pytest

from carti_lake.disclosure import Told, in_full, of_people, publication
from carti_lake.disclosure.lineage import may_leave
from carti_lake.disclosure.remade import REMADE
from carti_lake.metrics import METRICS
from carti_lake.tables import fields as f
from carti_lake.tables.gold import GOLD, Gold, ProviderMonthly, ProviderSummary
from carti_lake.tables.gold.events import AXES, FAMILIES, MADE_FROM, OF_BUSINESS, OF_PATIENTS
from carti_lake.tables.silver import SILVER
from tests.outlets.conftest import providers, release_of, rows_of

SHOWN = {column for family in FAMILIES for column in family.shows}


def numbers(table: str) -> set[str]:
    return {name for name, dtype in GOLD[table].dtypes().items() if dtype.is_numeric()}


def test_each_number_of_the_summary_is_declared() -> None:
    made = {*MADE_FROM, *METRICS}
    undeclared = {name for name in numbers("provider_summary") - SHOWN - made if of_people(ProviderSummary, name)}
    assert undeclared == {"predicted_opportunity_value"}  # by a model that knows hidden referrals: blank
    assert {source for name in MADE_FROM for source in MADE_FROM[name]} <= SHOWN


def test_each_number_of_the_monthly_mart_is_declared() -> None:
    assert numbers("provider_monthly") - SHOWN == {"visit_patients"}  # distinct patients do not add up to an axis


def test_each_rate_is_made_of_declared_columns() -> None:
    for rate in METRICS.values():
        if rate.mart in (ProviderMonthly, ProviderSummary):
            of = {name for name in rate.summed() if of_people(rate.mart, name)}
            assert of <= SHOWN | set(MADE_FROM), rate.id


def test_each_family_depends_on_those_that_show_its_wholes() -> None:
    shown_by = {column: family.name for family in FAMILIES for column in family.shows}
    for family in FAMILIES:
        wholes = {shown_by[split.whole] for split in family.splits if split.parts}
        assert wholes <= {*family.under, family.name}, family.name


def test_families_stand_after_those_that_they_depend_on() -> None:
    names = [family.name for family in FAMILIES]
    assert all(names.index(parent) < place for place, family in enumerate(FAMILIES) for parent in family.under)
    assert len(names) == len(set(names))
    assert len(SHOWN) == sum(len(family.shows) for family in FAMILIES)


def test_business_names_no_patient() -> None:
    assert not [name for name in OF_BUSINESS if "patient_key" in SILVER[name].columns()]


def test_what_does_not_say_what_it_is_made_from_tells_of_people() -> None:
    class Notes(Gold, table="notes"):
        """A mart that somebody adds."""

        provider_id = f.key("Provider")
        contacts = f.count("Contacts", of=("crm_accounts.contact_count",))
        mixed = f.count("Contacts and visits", of=("crm_accounts.contact_count", "visits"))
        through = f.count("What a mart counts", of=("provider_monthly.visits",))
        unsaid = f.text("Nobody said of what")

    assert [name for name in Notes.columns() if not of_people(Notes, name)] == ["contacts"]
    assert may_leave(Notes)
    assert not may_leave(GOLD["opportunity_scores"])
    assert not may_leave(GOLD["provider_monthly"])


def test_nothing_else_is_published() -> None:
    frames = release_of(providers(8))
    tables = publication(frames).tables
    assert set(tables) == {"dim_provider", "marketing_roi", *REMADE, *(axis.table for axis in AXES)}
    assert set(in_full(frames).tables) == {*GOLD, *(axis.table for axis in AXES)} - OF_PATIENTS


def test_no_published_table_has_rows_or_columns_of_patients() -> None:
    forbidden = {"patient_id", "patient_key", "subject_id", "claim_id", "visit_id", "encounter_id", "date_of_birth"}
    for published in (publication(release_of(providers(8))), in_full(release_of(providers(8)))):
        assert not [name for name, table in published.tables.items() if forbidden & set(table.columns)]


def test_a_number_that_nobody_declared_is_blank() -> None:
    frames = release_of(providers(3))
    summary = frames["provider_summary"].with_columns(readmissions=pl.lit(40))
    shown = publication(frames | {"provider_summary": summary}).tables["provider_summary"]
    assert shown["readmissions"].to_list() == [None, None, None]
    assert shown["total_visits"].to_list() == [200, 200, 200]


def monthly(**columns: list[int]) -> dict[str, pl.DataFrame]:
    """A release with these counts of three providers in January."""
    rows = rows_of(
        ProviderMonthly, 3, provider_id=["P1", "P2", "P3"], month=date(2026, 1, 1), service_line="lung", **columns
    ).with_columns(pl.selectors.decimal().fill_null(0))
    summary = rows_of(ProviderSummary, 3, provider_id=["P1", "P2", "P3"], provider_name="Dr.", **columns)
    return {"provider_monthly": rows, "provider_summary": summary}


@pytest.mark.parametrize(
    ("counts", "shown"),
    [
        ([40, 50, 60], [40, 50, 60]),
        ([0, 50, 60], [0, 50, 60]),
        ([5, 50, 60], [None, None, 60]),
        ([5, 6, 60], [None, None, 60]),
        ([4, 6, 60], [None, None, None]),
        ([10, 10, 60], [None, None, None]),
        ([5, 0, 60], [None, 0, None]),
    ],
)
def test_a_small_count_takes_the_next_smallest_with_it_unless_small_ones_cover_for_each_other(
    counts: list[int], shown: list[int | None]
) -> None:
    published = publication(monthly(appointments=counts))
    assert published.tables["provider_summary"]["appointments"].to_list() == shown
    assert published.network["appointments"].item() == sum(counts)


def test_a_small_part_hides_the_parts_and_the_rate_but_not_the_whole() -> None:
    frames = monthly(appointments=[60, 50, 70], no_shows=[5, 20, 30])
    published = publication(frames)
    summary, month = published.tables["provider_summary"], published.tables["network_by_month"]
    assert summary["appointments"].to_list() == [60, 50, 70]
    assert summary["no_shows"].to_list() == [None, None, 30]
    assert month.select("appointments", "no_shows", "no_show_rate").row(0) == (180, 55, 55 / 180)


def test_a_small_remainder_hides_the_parts_as_well() -> None:
    published = publication(monthly(appointments=[60, 50, 70], no_shows=[55, 20, 30]))
    assert published.tables["provider_summary"]["no_shows"].to_list() == [None, None, 30]


def test_a_network_whose_count_is_small_shows_it_nowhere() -> None:
    published = publication(monthly(appointments=[3, 4, 0]))
    assert published.network["appointments"].item() is None
    assert published.tables["network_by_month"]["appointments"].to_list() == [None]
    assert published.tables["provider_summary"]["appointments"].to_list() == [None, None, 0]


def consecutive(*counts: list[int]) -> list[list[int | None]]:
    """The appointments that consecutive publications show."""
    earlier: list[Told] = []
    shown = []
    for one in counts:
        made = publication(monthly(appointments=one), earlier)
        assert made.told is not None
        earlier.append(made.told)
        shown.append(made.tables["provider_summary"]["appointments"].to_list())
    return shown


def test_what_moved_by_1_to_10_is_hidden_until_it_moves_further() -> None:
    first, small, rests, large = consecutive([40, 50, 60], [45, 50, 80], [45, 50, 80], [55, 50, 95])
    assert first == [40, 50, 60]
    assert small == rests == [None, 50, None]
    assert large == [55, 50, 95]


def test_what_was_hidden_is_not_told_by_what_has_not_changed_since() -> None:
    # Whoever knows the second's 50, and that it was 50 before, knows the first's 5.
    first, second = consecutive([5, 50, 60], [25, 50, 60])
    assert first == [None, None, 60]
    assert second[1] is None


def test_a_part_that_equals_its_whole_is_hidden_where_the_whole_is() -> None:
    def received(counts: list[int]) -> dict[str, pl.DataFrame]:
        frames = monthly(referrals_made=counts, referrals_received=counts)
        rows = frames["provider_monthly"].with_columns(
            provider_id=pl.lit("P1"), month=pl.Series([date(2026, one, 1) for one in (1, 2, 3)])
        )
        return frames | {"provider_monthly": rows}

    early = publication(received([900, 1197, 623])).told
    assert early is not None
    months = publication(received([900, 1199, 1438]), [early]).tables["network_by_month"]
    assert months["referrals_made"].to_list() == [900, None, None]
    assert months["referrals_received"].to_list() == [900, None, None]


def by_line(**visits: int) -> dict[str, pl.DataFrame]:
    """A release with these visits of one provider in January, by service line."""
    rows = rows_of(
        ProviderMonthly,
        len(visits),
        provider_id="P1",
        month=date(2026, 1, 1),
        service_line=list(visits),
        visits=list(visits.values()),
    ).with_columns(pl.selectors.decimal().fill_null(0))
    summary = rows_of(ProviderSummary, 1, provider_id=["P1"], provider_name="Dr.", total_visits=sum(visits.values()))
    return {"provider_monthly": rows, "provider_summary": summary}


def test_lines_of_few_events_are_told_of_together() -> None:
    shown = publication(by_line(lung=300, breast=200, lung_x9=3, breast_x9=12))
    rows = shown.tables["network_by_service_line"].select("service_line", "visits").rows()
    assert rows == [("breast", 200), ("lung", 300), ("others", 15)]
    assert "Told of together as others" in " ".join(shown.notes)


def test_others_are_blank_where_they_would_tell_of_few() -> None:
    shown = publication(by_line(lung=300, breast=200, lung_x9=3, breast_x9=2))
    rows = shown.tables["network_by_service_line"].select("service_line", "visits").rows()
    assert rows == [("breast", None), ("lung", 300), ("others", None)]


def test_a_small_remainder_hides_what_is_missed_least_and_not_the_denials() -> None:
    # Of P1's claims 3 were reversed, and of P2's 4: whoever had all other parts would know.
    frames = monthly(
        visits=[200, 300, 400],
        claims=[200, 300, 400],
        denied_claims=[20, 30, 40],
        paid_claims=[100, 200, 300],
        pending_claims=[77, 66, 40],
    )
    summary = publication(frames).tables["provider_summary"]
    assert summary["denied_claims"].to_list() == [20, 30, 40]
    assert summary["paid_claims"].to_list() == [100, 200, 300]
    assert summary["pending_claims"].to_list() == [None, None, None]


def test_the_order_of_rows_does_not_matter() -> None:
    frames = monthly(appointments=[12, 12, 4], no_shows=[0, 12, 4])
    turned = {name: frame.reverse() for name, frame in frames.items()}
    one, other = publication(frames), publication(turned)
    assert one.network.equals(other.network)
    assert one.tables["provider_summary"].equals(other.tables["provider_summary"].sort("provider_id"))
