"""What is new in an object comes once: by one page, or by the sets of a query job."""

import pytest

from carti_lake.store.log import commits
from carti_lake.store.write import append
from tests.pull.salesforce.conftest import at_the_source, bronze, declare, error, newest, opportunity, rows

pytestmark = pytest.mark.server

MONDAY = "2026-03-09T08:00:00"


@pytest.fixture(params=["rest", "job"])
def many(request, deals):
    """The org; its pages hold two rows, so that more go through jobs, whose sets hold two as well."""
    if request.param == "job":
        deals.page = deals.set_size = 2
    else:
        deals.page = 2
        deals.kinds["Opportunity"].bulk = False
    return deals


def test_each_pull_takes_what_is_new(world, many):
    for number in range(5):
        opportunity(many, number, MONDAY)
    assert rows(world) == 5
    opportunity(many, 1, "2026-03-09T09:00:00", Amount=2000.0)
    opportunity(many, 9, "2026-03-09T08:30:00")
    assert rows(world) >= 2
    assert rows(world) == 0, "what lies within the overlap is read again, and is no news"
    assert newest(world) == at_the_source(many)
    assert world.lake.status()["sources"][0]["cursor"] == "2026-03-09T09:00:00.000Z"
    assert not many.jobs, "a job is removed once its results are taken"


def test_a_row_that_was_committed_late_comes_within_the_overlap(world, deals):
    for number in range(3):
        opportunity(deals, number, "2026-03-10T11:00:00")
    rows(world)
    opportunity(deals, 7, "2026-03-10T09:00:00")
    opportunity(deals, 8, "2026-03-10T08:59:59")
    rows(world)
    held = {one[0] for one in newest(world)}
    assert deals.id_of("Opportunity", 7) in held
    assert deals.id_of("Opportunity", 8) not in held, "it lies before the overlap"


def test_a_deleted_row_is_withdrawn(world, many):
    for number in range(3):
        opportunity(many, number, MONDAY)
    rows(world)
    opportunity(many, 1, "2026-03-09T09:00:00", IsDeleted=True)
    rows(world)
    assert newest(world) == at_the_source(many)
    world.lake.run(accept=["drift", "quality"])
    assert world.lake.scan("silver.opportunities").collect().height == 2
    assert list(world.lake.run(accept=["drift", "quality"]).failed) == []


def test_a_value_that_goes_back_to_what_it_was_is_news(world, many):
    for number in range(4):
        opportunity(many, number, MONDAY)
    rows(world)
    for minute, amount in enumerate([2000.0, 1000.0]):
        opportunity(many, 0, f"2026-03-09T08:0{minute + 1}:00", Amount=amount)
        assert rows(world) >= 1
        assert newest(world) == at_the_source(many)


def test_only_what_the_feed_takes_is_asked_for(world, deals):
    opportunity(deals, 1, MONDAY, Description="private")
    rows(world)
    (query,) = deals.queries
    assert "Description" not in query
    assert "Account.Name" in query
    assert bronze(world)["rescued"].to_list() == ['{"created_date":"2026-03-09T08:00:00.000Z"}']


def test_what_the_org_and_its_relations_hold_reaches_silver(world, deals):
    account = deals.put("Account", 1, MONDAY, Name="Dr. Bo Chan")
    campaign = deals.put("Campaign", 1, MONDAY, Name="Lung days", ActualCost=10.0)
    opportunity(deals, 1, MONDAY, AccountId=account, CampaignId=campaign, CloseDate="2026-04-01", Amount=24120000.25)
    rows(world)
    (row,) = bronze(world).to_dicts()
    assert (row["provider_name"], row["campaign_id"], row["amount"]) == ("Dr. Bo Chan", campaign, 24120000.25)
    world.lake.run(accept=["drift", "quality"])
    (held,) = world.lake.scan("silver.opportunities").collect().to_dicts()
    assert str(held["close_date"]) == "2026-04-01"
    assert str(held["created_date"]) == "2026-03-09"


def test_rest_and_jobs_give_the_same_rows(world, org):
    account = org.put("Account", 1, MONDAY, Name='Smith, "Ann"\nLee')
    for number in range(3):
        opportunity(org, number, MONDAY, AccountId=account, CloseDate="2026-04-01", Name=None, Probability=None)
    declare(world, org, name="a-rest")
    declare(world, org, name="b-job")
    world.lake.pull("a-rest")
    world.clock.turn(minutes=1)
    org.page = 2
    world.lake.pull("b-job")
    assert len([one for one in org.asked if one == "create"]) == 1
    held = bronze(world).sort("delivered_at", "opportunity_id")
    beside = ["batch_id", "delivered_at", "row_number"]
    assert held[:3].drop(beside).equals(held[3:].drop(beside))


def test_ids_of_fifteen_characters_are_those_of_eighteen(world, deals):
    key = opportunity(deals, 1, MONDAY)
    rows(world)
    world.clock.turn(hours=1)
    world.lake.load("salesforce_opportunities", [{"opportunity_id": key[:15], "stage_name": "Lost", "amount": "5"}])
    world.lake.run(accept=["drift", "quality"])
    held = world.lake.scan("silver.opportunities").select("opportunity_id", "stage_name").collect().rows()
    assert held == [(key, "Lost")]


def test_a_moment_to_come_hides_nothing(world, deals):
    for number in range(3):
        opportunity(deals, number, "2126-03-09T08:00:00")
    rows(world)
    opportunity(deals, 8, "2026-03-10T12:00:01")
    rows(world)
    assert newest(world) == at_the_source(deals)


def test_a_plan_and_a_check_take_nothing(world, deals):
    for number in range(3):
        opportunity(deals, number, MONDAY)
    (planned,) = world.lake.plan_pull()
    assert (planned.rows, planned.since, planned.error) == (3, None, None)
    assert not world.lake.storage.exists("bronze.salesforce_opportunities")
    rows(world)
    opportunity(deals, 7, "2026-03-09T09:00:00")
    (planned,) = world.lake.plan_pull()
    assert (planned.rows, planned.since) == (4, "2026-03-09T08:00:00.000Z")


@pytest.mark.parametrize("lands", [True, False])
def test_a_kill_repeats_and_loses_nothing(world, many, monkeypatch, lands):
    for number in range(7):
        opportunity(many, number, MONDAY)
    # The second of a job's commits, the only one of pages.
    left = [2 if many.kinds["Opportunity"].bulk else 1]

    def killed(*args, **kwargs):
        left[0] -= 1
        version = append(*args, **kwargs) if left[0] > 0 or lands else None
        if left[0] > 0:
            return version
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("carti_lake.sources.batches.append", killed)
        world.lake.pull()
    opportunity(many, 3, "2026-03-09T09:00:00", Amount=5.0)
    assert rows(world) > 0
    assert newest(world) == at_the_source(many)
    assert rows(world) == 0


def test_a_job_goes_on_at_the_set_where_the_pull_died(world, deals, monkeypatch):
    deals.page = deals.set_size = 2
    for number in range(7):
        opportunity(deals, number, MONDAY)
    deals.fail("results", "silence", after=2, times=99)
    assert "does not answer" in error(world)
    assert bronze(world).height == 4
    deals.faults.clear()
    deals.asked.clear()
    # Then all within the overlap is read, as anything might have changed meanwhile; nothing has.
    assert rows(world) == 3
    assert deals.asked.count("results") == 2 + 4
    assert newest(world) == at_the_source(deals)


def test_a_job_that_was_at_work_when_the_pull_died_is_not_asked_for_again(world, deals):
    deals.page = deals.set_size = 2
    for number in range(7):
        opportunity(deals, number, MONDAY)
    deals.fail("poll", "silence", times=99)
    assert "does not answer" in error(world)
    (job,) = deals.jobs
    deals.faults.clear()
    rows(world)
    assert deals.asked.count("create") == 2
    assert job not in deals.jobs
    assert newest(world) == at_the_source(deals)


def test_another_map_starts_from_the_beginning(world, deals):
    opportunity(deals, 1, "2026-01-01T00:00:00")
    opportunity(deals, 2, MONDAY)
    assert rows(world) == 2
    with (world.folder / "crm.toml").open("a", encoding="utf-8") as file:
        file.write("[map.columns.amount]\nscale = 0.01\nfrom = 'Amount'\n")
    assert rows(world) == 2
    assert {one[1] for one in newest(world)} == {10.0}


def test_the_mark_is_in_the_commit_of_its_rows(world, deals):
    deals.page = deals.set_size = 2
    for number in range(3):
        opportunity(deals, number, MONDAY)
    rows(world)
    first, last = commits(world.lake.storage.open("bronze.salesforce_opportunities"), -1)[-2:]
    assert (first.rows_added, first.metadata["source"]["cursor"]) == (2, None)
    assert (last.rows_added, last.metadata["source"]["cursor"]) == (1, "2026-03-09T08:00:00.000Z")


def test_an_object_without_rows_gives_none(world, many):
    assert [rows(world), rows(world)] == [0, 0]
    opportunity(many, 1, MONDAY)
    assert [rows(world), rows(world)] == [1, 0]
