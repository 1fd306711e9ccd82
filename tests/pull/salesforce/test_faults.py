"""Whatever the org does wrong on the way, the rows come once, or an error says what; waits are as long as it asks."""

import pytest

from tests.pull.salesforce.conftest import at_the_source, bronze, declare, error, newest, opportunity, rows

pytestmark = pytest.mark.server

MONDAY = "2026-03-09T08:00:00"
#: What passes by itself, at every kind of request that a pull makes.
PASSING = ("429", "503", "500", "limit", "silence")
OF_JOBS = ("token", "describe", "query", "create", "poll", "results")
OF_REST = ("token", "describe", "query", "more")


@pytest.fixture
def jobs(deals):
    """Seven opportunities that come as sets of two, by a job."""
    deals.page = deals.set_size = 2
    for number in range(7):
        opportunity(deals, number, MONDAY)
    return deals


@pytest.fixture
def pages(deals):
    """Seven opportunities that come as pages of two."""
    deals.page = 2
    deals.kinds["Opportunity"].bulk = False
    for number in range(7):
        opportunity(deals, number, MONDAY)
    return deals


@pytest.mark.parametrize("at", OF_JOBS)
def test_what_passes_in_a_job_is_waited_for(world, jobs, waits, at):
    for what in PASSING:
        jobs.fail(at, what)
    assert rows(world) == 7
    assert newest(world) == at_the_source(jobs)
    # The server says how long for the first two; the rest is doubled each time.
    assert [one for one in waits if one != 1.0][:5] == [7.0, 7.0, 4.0, 8.0, 16.0]


@pytest.mark.parametrize("at", OF_REST)
def test_what_passes_between_pages_is_waited_for(world, pages, at):
    for what in PASSING:
        pages.fail(at, what)
    assert rows(world) == 7
    assert newest(world) == at_the_source(pages)


@pytest.mark.parametrize(
    ("at", "what", "said"),
    [
        ("query", "limit", "the org's API requests are used up"),
        ("query", "503", "Salesforce is busy or failing (HTTP 503)"),
        ("poll", "silence", "Salesforce does not answer"),
    ],
)
def test_what_does_not_pass_is_said_and_made_good_later(world, jobs, at, what, said):
    jobs.fail(at, what, times=99)
    assert said in error(world)
    jobs.faults.clear()
    assert rows(world) >= 7
    assert newest(world) == at_the_source(jobs)


def test_a_token_that_ends_midway_is_renewed(world, jobs):
    for at in ("describe", "query", "create", "poll", "results", "delete"):
        jobs.fail(at, "token ends")
    jobs.fail("results", "token ends", after=2)
    assert rows(world) == 7
    assert newest(world) == at_the_source(jobs)


def test_a_token_that_ends_between_pages_is_renewed(world, pages):
    for after in (0, 1, 2):
        pages.fail("more", "token ends", after=after)
    assert rows(world) == 7
    assert newest(world) == at_the_source(pages)


def test_a_user_who_is_refused_each_time_is_not_asked_for_ever(world, jobs):
    jobs.fail("query", "token ends", times=99)
    assert "INVALID_SESSION_ID, HTTP 401" in error(world)
    assert jobs.asked.count("query") == 2


@pytest.mark.parametrize("what", ["break", "half", "torn", "repeat"])
def test_a_set_that_is_not_whole_or_comes_again_counts_once(world, jobs, what):
    for after in (0, 1, 2):
        jobs.fail("results", what, after=after)
    assert rows(world) == 7
    assert bronze(world).height == 7
    assert newest(world) == at_the_source(jobs)
    assert rows(world) == 0


@pytest.mark.parametrize("what", ["break", "repeat"])
def test_a_page_that_is_not_whole_or_comes_again_counts_once(world, pages, what):
    pages.fail("more", what, after=1)
    assert rows(world) == 7
    assert newest(world) == at_the_source(pages)


@pytest.mark.parametrize(("at", "what"), [("more", "half"), ("query", "half")])
def test_half_a_page_is_refused(world, pages, at, what):
    pages.fail(at, what)
    assert "the pages held 6 of 7 rows" in error(world)
    assert not world.lake.storage.exists("bronze.salesforce_opportunities")
    assert rows(world) == 7


def test_a_set_that_is_always_half_is_refused(world, jobs):
    jobs.fail("results", "half", after=1, times=99)
    assert "a set of results has not the rows that it should have" in error(world)
    jobs.faults.clear()
    assert rows(world) == 5
    assert newest(world) == at_the_source(jobs)


def test_a_set_that_comes_in_place_of_another_is_found_by_the_count(world, jobs):
    jobs.fail("results", "lost", after=2)
    assert "gave 5 of 7 rows" in error(world)
    assert not jobs.jobs
    rows(world)
    assert newest(world) == at_the_source(jobs)


def test_a_set_that_comes_for_ever_ends(world, jobs):
    jobs.fail("results", "repeat", after=2, times=99)
    assert "of 7 rows" in error(world)


def test_a_page_that_comes_for_ever_ends(world, pages):
    pages.fail("more", "repeat", times=99)
    assert "of 7 rows. Pull again." in error(world)
    pages.faults.clear()
    assert rows(world) == 7


@pytest.mark.parametrize(("at", "after"), [("poll", 1), ("results", 0), ("results", 2)])
def test_a_job_that_expires_is_asked_for_anew(world, jobs, at, after):
    jobs.looks = 2
    jobs.fail(at, "gone", after=after)
    rows(world)
    assert newest(world) == at_the_source(jobs)
    assert jobs.asked.count("create") == 2
    assert rows(world) == 0


def test_a_job_that_expires_between_two_pulls_is_asked_for_anew(world, jobs):
    jobs.fail("results", "silence", after=2, times=99)
    error(world)
    jobs.faults.clear()
    jobs.jobs.clear()
    opportunity(jobs, 5, "2026-03-09T09:00:00", Amount=7.0)
    rows(world)
    assert newest(world) == at_the_source(jobs)


@pytest.mark.parametrize("state", ["Failed", "Aborted"])
def test_a_job_that_fails_or_is_aborted_is_said_and_tried_at_the_next_pull(world, jobs, state):
    jobs.fail("poll", state)
    assert f"Salesforce has {state.lower()} the query's job" in error(world)
    assert rows(world) == 7
    assert newest(world) == at_the_source(jobs)


def test_a_place_between_pages_that_expires_is_said(world, pages):
    pages.fail("more", "gone")
    assert "INVALID_QUERY_LOCATOR" in error(world)
    assert rows(world) == 7


def test_sets_without_a_header_of_their_own_are_read(world, jobs):
    jobs.header_in_each_set = False
    assert rows(world) == 7
    assert newest(world) == at_the_source(jobs)


def test_a_full_list_comes_whole_or_not_at_all(world, org):
    org.declare("Account", "001", Name="string", Contacts__c="double", Won__c="currency", Open__c="currency")
    org.page = 2
    for number in range(5):
        org.put("Account", number, MONDAY, Name=f"Dr. {number}", Contacts__c=1.0, Won__c=2.0, Open__c=3.0)
    (world.folder / "crm.toml").unlink(missing_ok=True)
    world.folder.mkdir(parents=True, exist_ok=True)
    world.lake.environment["SF_SECRET"] = org.client_secret
    (world.folder / "crm.toml").write_text(
        f'kind = "salesforce"\nfeed = "salesforce_crm"\naddress = "{org.address}"\nclient_id = "{org.client_id}"\n'
        'client_secret = "env:SF_SECRET"\nobject = "Account"\n[map]\nName = "provider_name"\n'
        'Contacts__c = "contact_count"\nWon__c = "deals_value"\nOpen__c = "opportunity_value"\n'
        'absent = ["marketing_cost", "pipeline_stage"]\n',
        "utf-8",
    )
    org.fail("more", "silence", times=99)
    assert "does not answer" in error(world)
    assert not world.lake.storage.exists("bronze.salesforce_crm")
    org.faults.clear()
    assert [rows(world), rows(world)] == [5, 0]
    assert "create" not in org.asked
    assert len({one["extract_date"] for one in bronze(world, "salesforce_crm").to_dicts()}) == 1


def test_a_source_that_fails_leaves_the_others_alone(world, jobs):
    declare(world, jobs, "Campaign", "a-campaigns")
    jobs.fail("describe", "500", times=7)
    first, second = world.lake.pull()
    assert "busy or failing" in first.error
    assert second.rows == 7
