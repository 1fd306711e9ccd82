"""Any changes at the source, pulled in any steps and with any kills, come to what one load of its end comes to."""

import os
import random
import tempfile
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carti_lake.store.write import append
from tests.processes import FORKS
from tests.pull.conftest import Ehr, World, ehr_in, world_in
from tests.worlds.lakes import lake_in

KILLS = int(os.environ.get("CARTI_LAKE_KILLS", "12"))

#: A round: visits changed, each with how many minutes ago its change began and what it comes to; then a pull.
rounds = st.lists(
    st.tuples(
        st.lists(st.tuples(st.integers(1, 5), st.integers(0, 120), st.integers(1, 3)), min_size=1, max_size=3),
        st.sampled_from(["whole", "whole", "killed before", "killed after"]),
        st.integers(-30, 200),
    ),
    min_size=2,
    max_size=5,
)


def newest(world: World) -> list[tuple[str, float]]:
    """What bronze holds of each visit, as delivered last."""
    rows = world.lake.storage.scan("bronze.ehr_visits").sort("extract_date", "delivered_at", "row_number").collect()
    last = rows.group_by("visit_id").agg(pl.col("claim_amount").last())
    return sorted(last.iter_rows())


def at_the_source(ehr: Ehr) -> list[tuple[str, float]]:
    return [(visit, float(amount)) for visit, amount in ehr.run("select visit_id, claim_amount from visits order by 1")]


def pull(world: World, how: str) -> None:
    def killed(*args: object, **kwargs: object) -> None:
        if how == "killed after":
            append(*args, **kwargs)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        if how != "whole":
            patch.setattr("carti_lake.sources.batches.append", killed)
        try:
            (pulled,) = world.lake.pull()
            assert pulled.error is None, pulled.error
        except KeyboardInterrupt:
            pass


@settings(max_examples=12)
@given(taken=rounds)
def test_any_pulls_with_late_rows_and_kills_come_to_what_the_source_holds(taken):
    with tempfile.TemporaryDirectory() as name:
        world, ehr = world_in(Path(name)), ehr_in(Path(name))
        world.declare_visits(ehr.path)
        present = world.clock.now
        for changes, how, minutes in taken:
            for number, ago, amount in changes:
                moment = present - timedelta(minutes=ago)
                ehr.put(number, f"{moment:%Y-%m-%dT%H:%M:%S}", claim_amount=str(amount))
            pull(world, how)
            # The lake's clock may go back; the source's does not.
            world.clock.turn(minutes=minutes)
            present = max(present, world.clock.now)
        pull(world, "whole")
        assert newest(world) == at_the_source(ehr)


def pull_in(folder: Path) -> None:
    lake_in(folder / "lake").pull()


@pytest.mark.slow
def test_a_pull_survives_kills_at_any_moment(tmp_path):
    world, ehr, draw = world_in(tmp_path), ehr_in(tmp_path), random.Random(15)
    world.declare_visits(ehr.path)
    killed, number = 0, 0
    while killed < KILLS:
        for _ in range(50):
            number += 1
            moment = world.clock.now - timedelta(minutes=draw.randrange(120))
            ehr.put(draw.randrange(200), f"{moment:%Y-%m-%dT%H:%M:%S}", claim_amount=str(number))
        process = FORKS.Process(target=pull_in, args=(tmp_path,))
        process.start()
        process.join(draw.uniform(0, 1.5))
        process.kill()
        process.join()
        killed += process.exitcode != 0
    pull(world, "whole")
    assert newest(world) == at_the_source(ehr)
