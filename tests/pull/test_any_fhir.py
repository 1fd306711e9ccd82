"""Any changes at a FHIR server, exported in any steps and with any kills, come to what its files at the end come to."""

import contextlib
import os
import random
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carti_lake.store.write import append
from tests.processes import FORKS
from tests.pull.conftest import World, world_in
from tests.pull.fhir_worlds import (
    FhirWorld,
    claim,
    encounter,
    fhir_world_in,
    newest,
    patient,
    practitioner,
    write_lines,
)
from tests.worlds.lakes import Clock, lake_in

pytestmark = pytest.mark.server

KILLS = int(os.environ.get("CARTI_LAKE_KILLS", "5"))
COLUMNS = ("patient_id", "provider_name", "provider_npi", "patient_age", "claim_amount", "claim_status")
#: A change: which kind of resource, which one, what it comes to; 0 deletes it.
changes = st.tuples(st.integers(0, 3), st.integers(1, 4), st.integers(0, 3))
FAULTS = ["", "429", "500", "drop", "half"]
rounds = st.lists(
    st.tuples(
        st.lists(st.tuples(changes, st.integers(0, 120)), max_size=4),
        st.sampled_from(["whole", "whole", "killed before", "killed after"]),
        st.lists(st.sampled_from(FAULTS), max_size=4),
        st.integers(1, 3000),
    ),
    min_size=1,
    max_size=4,
)


def change(fhir: FhirWorld, kind: int, number: int, value: int, ago: timedelta = timedelta()) -> None:
    """Change a resource; ``ago`` is how long its transaction has taken."""
    at = fhir.world.clock.now - ago
    if value == 0:
        names = ["Encounter", "Patient", "Practitioner", "Claim"]
        return fhir.server.delete(names[kind], f"{'epdc'[kind]}{number}")
    made = [
        lambda: encounter(number, practitioner=value),
        lambda: patient(number, birthDate=f"19{50 + value}-01-01"),
        lambda: practitioner(number, family=f"Lee{value}"),
        lambda: claim(number, float(value)),
    ]
    fhir.server.put(made[kind](), at)


def by_files(fhir: FhirWorld, folder: Path) -> list[tuple[object, ...]]:
    """What a lake holds that takes in the server's resources from files, all at once."""
    drop = folder / "drop"
    for kind in ("Encounter", "Patient", "Practitioner", "Claim"):
        write_lines(drop / f"{kind}.ndjson", *(one for (name, _), one in fhir.server.held.items() if name == kind))
    other = FhirWorld(world_in(folder / "by-files"), fhir.server)
    other.world.folder.mkdir(parents=True)
    other.declare(folder=drop)
    other.pull()
    return held(other.world)


def held(world: World) -> list[tuple[object, ...]]:
    return newest(world, *COLUMNS) if world.lake.storage.exists("bronze.ehr_visits") else []


def pull(fhir: FhirWorld, how: str) -> None:
    def killed(*args: object, **kwargs: object) -> None:
        if how == "killed after":
            append(*args, **kwargs)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        if how != "whole":
            patch.setattr("carti_lake.sources.batches.append", killed)
        with contextlib.suppress(KeyboardInterrupt):
            fhir.pull()


@settings(max_examples=5)
@given(taken=rounds)
def test_any_exports_with_late_changes_faults_and_kills_come_to_what_the_files_come_to(taken):
    with tempfile.TemporaryDirectory() as name, fhir_world_in(Path(name)) as fhir:
        for changed, how, faults, minutes in taken:
            for which, ago in changed:
                change(fhir, *which, timedelta(minutes=ago if which[2] else 0))
            fhir.server.faults = {"file": [*faults], "status": [one for one in faults if one != "half"]}
            pull(fhir, how)
            fhir.world.clock.turn(minutes=minutes)
        fhir.server.faults = {}
        caught_up(fhir)
        assert held(fhir.world) == by_files(fhir, Path(name) / "other")


def caught_up(fhir: FhirWorld) -> None:
    """Pull twice: the first may take up an export that was asked for before the last change."""
    pull(fhir, "whole")
    pull(fhir, "whole")


def pull_in(folder: Path, environment: dict[str, str], now: object) -> None:
    lake = lake_in(folder / "lake", Clock(now))
    lake.environment.update(environment)
    lake.pull()


def kill_at_random(folder: Path, kills: int, seed: int) -> tuple[int, int]:
    """Pull and kill at random moments while the server's resources change; gives kills and pulls that ended first."""
    draw, killed, ended = random.Random(seed), 0, 0
    with fhir_world_in(folder) as fhir:
        while killed < kills:
            for _ in range(8):
                change(fhir, draw.randrange(4), draw.randrange(1, 40), draw.randrange(4))
            if not killed:
                # The first export holds the most.
                for number in range(1, 40):
                    change(fhir, 0, number, 1 + number % 3)
            process = FORKS.Process(target=pull_in, args=(folder, fhir.world.lake.environment, fhir.world.clock.now))
            process.start()
            process.join(draw.uniform(0.3, 4))
            process.kill()
            process.join()
            killed, ended = killed + (process.exitcode != 0), ended + (process.exitcode == 0)
            fhir.world.clock.turn(minutes=draw.randrange(1, 600))
        caught_up(fhir)
        assert held(fhir.world) == by_files(fhir, folder / "other")
        assert len(held(fhir.world)) > 5
    return killed, ended


@pytest.mark.slow
def test_a_pull_survives_kills_at_any_moment(tmp_path):
    kill_at_random(tmp_path, KILLS, 15)
