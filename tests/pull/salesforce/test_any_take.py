"""Any changes in an org, pulled in any steps, with any kills and faults, come to what one load of its end comes to."""

import os
import random
import tempfile
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carti_lake.store.write import append
from tests.processes import FORKS
from tests.pull.conftest import World, world_in
from tests.pull.salesforce.conftest import at_the_source, crm, declare, newest, opportunity
from tests.pull.salesforce.double import Org, served
from tests.worlds.lakes import Clock, lake_in

KILLS = int(os.environ.get("CARTI_LAKE_KILLS", "5"))

#: What goes wrong at a pull: at which request, what, and after how many that go right.
faults = st.tuples(
    st.sampled_from(["token", "describe", "query", "create", "poll", "results", "more", "delete"]),
    st.sampled_from(["429", "503", "500", "limit", "silence", "token ends", "break", "half", "torn", "repeat", "gone"]),
    st.integers(0, 4),
    st.sampled_from([1, 2, 99]),
)
#: A round: rows changed, each with how many minutes ago its change began, what it comes to, whether it is deleted; what
#: goes wrong; how the pull ends; and how far the lake's clock moves.
rounds = st.lists(
    st.tuples(
        st.lists(
            st.tuples(st.integers(1, 9), st.integers(0, 120), st.integers(1, 3), st.booleans()), min_size=1, max_size=9
        ),
        st.lists(faults, max_size=2),
        st.sampled_from(["whole", "whole", "killed before", "killed after"]),
        st.integers(-30, 200),
    ),
    min_size=2,
    max_size=5,
)


def pull(world: World, how: str = "whole") -> str | None:
    """Pull; gives what went wrong."""

    def killed(*args: object, **kwargs: object) -> None:
        if how == "killed after":
            append(*args, **kwargs)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("carti_lake.lake.time", SimpleNamespace(sleep=lambda seconds: None))
        if how != "whole":
            patch.setattr("carti_lake.sources.batches.append", killed)
        try:
            (pulled,) = world.lake.pull()
        except KeyboardInterrupt:
            return None
        return pulled.error


@pytest.mark.server
@settings(max_examples=5)
@given(taken=rounds, size=st.integers(1, 4), bulk=st.booleans())
def test_any_pulls_with_faults_and_kills_come_to_what_the_org_holds(taken, size, bulk):
    with tempfile.TemporaryDirectory() as name:
        world = world_in(Path(name))
        # The org's clock goes on where the lake's may go back.
        present = Clock()
        with served(crm(present)) as org:
            declare(world, org)
            org.page = org.set_size = size
            org.kinds["Opportunity"].bulk = bulk
            for changes, wrong, how, minutes in taken:
                for number, ago, amount, deleted in changes:
                    moment = present.now - timedelta(minutes=ago)
                    stamp = f"{moment:%Y-%m-%dT%H:%M:%S}"
                    opportunity(org, number, stamp, Amount=float(amount), IsDeleted=deleted)
                for fault in wrong:
                    org.fail(*fault)
                pull(world, how)
                org.faults.clear()
                world.clock.turn(minutes=minutes)
                present.now = max(present.now, world.clock.now)
            assert pull(world) is None
            assert newest(world) == at_the_source(org)


def pull_in(folder: Path, secret: str) -> None:
    lake = lake_in(folder / "lake")
    lake.environment["SF_SECRET"] = secret
    lake.pull()


def changed(org: Org, world: World, draw: random.Random, number: int) -> None:
    moment = world.clock.now - timedelta(minutes=draw.randrange(120))
    stamp = f"{moment:%Y-%m-%dT%H:%M:%S}"
    opportunity(org, draw.randrange(400), stamp, Amount=float(number), IsDeleted=draw.random() < 0.1)


@pytest.mark.slow
@pytest.mark.server
def test_a_pull_survives_kills_at_any_moment(tmp_path):
    """Real kills of a process that pulls over HTTP; at the end the lake equals one that was filled by a file."""
    world, draw = world_in(tmp_path), random.Random(15)
    killed, number = 0, 0
    with served(crm(world.clock)) as org:
        declare(world, org)
        org.page, org.set_size = 50, 40
        while killed < KILLS:
            for _ in range(60):
                number += 1
                changed(org, world, draw, number)
            process = FORKS.Process(target=pull_in, args=(tmp_path, org.client_secret))
            process.start()
            process.join(draw.uniform(0.2, 2.5))
            process.kill()
            process.join()
            killed += process.exitcode != 0
        assert pull(world) is None
        assert newest(world) == at_the_source(org)
        # A lake that is filled by one file of the org's end.
        filed = lake_in(tmp_path / "filed")
        kept = [{"Id": row["Id"], **{key: row[key] for key in KEPT}} for row in org.kinds["Opportunity"].rows.values()]
        filed.load("salesforce_opportunities", kept, mapping={"Id": "opportunity_id", "Name": "opportunity_name"})
        for lake in (world.lake, filed):
            lake.run(accept=["drift", "quality"])
        columns = ["opportunity_id", "opportunity_name", "stage_name", "amount", "probability", "is_won", "is_closed"]
        one, other = (
            lake.scan("silver.opportunities").select(columns).sort("opportunity_id").collect()
            for lake in (world.lake, filed)
        )
        assert one.equals(other)
        assert one.height > 0


#: Fields that a file of the org holds, beside the Id.
KEPT = ("Name", "StageName", "Amount", "Probability", "IsWon", "IsClosed", "IsDeleted")
