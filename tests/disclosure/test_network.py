"""On the releases of a generated network: the attack finds nothing, and most of what people ask for is shown."""

from collections.abc import Mapping

import numpy as np
import polars as pl
import pytest

from carti_lake.disclosure import in_full, publication
from carti_lake.disclosure.release import gold_frames
from carti_lake.generate import Network, write
from tests.worlds.events import APPOINTMENTS, VISITS
from tests.worlds.lakes import lake_in

from .attacker import Attacker, Kind, moved, recovered
from .test_attack import primary_only

Frames = Mapping[str, pl.DataFrame]
#: Classes of an event that are what one column leaves of another.
CLASSES = {
    "missed": ("no_shows", ()),
    "kept": ("appointments", ("no_shows",)),
    "explained": ("contractual_claims", ()),
    "paid": ("paid_claims", ("contractual_claims",)),
    "denied": ("denied_claims", ()),
    "pending": ("pending_claims", ()),
    "reversed": ("claims", ("paid_claims", "denied_claims", "pending_claims")),
    "no claim": ("visits", ("claims",)),
}
AXES = [("provider_id", "month"), ("month", "service_line")]


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> tuple[Frames, Frames]:
    """Two months of a small network, as two releases: at the end of January, and of February."""
    folder = tmp_path_factory.mktemp("network")
    files = write(Network(providers=16, patients=900, days=59, visits_per_day=60), folder / "extracts", every="month")
    lake = lake_in(folder / "lake")
    for month in ("2026-01", "2026-02"):
        for file in files:
            if month in file.name:
                lake.load(file.parent.name, file)
        lake.run(accept=["drift"])
    of_first, of_second = (gold_frames(lake.at(release=number)) for number in (1, 2))
    return {name: rows.collect() for name, rows in of_first.items()}, {
        name: rows.collect() for name, rows in of_second.items()
    }


def seen(kind: Kind, axes: tuple[str, str], frames: tuple[Frames, Frames]) -> tuple[Kind, list[np.ndarray]]:
    """The kind with the network's members of two axes, and its events in each release."""
    monthly = [one["provider_monthly"] for one in frames]
    members = {axis: tuple(pl.concat(one[axis] for one in monthly).unique().sort()) for axis in axes}
    of_network = Kind(members, kind.columns, kind.alone)
    truths = []
    for rows in monthly:
        truth = np.zeros(of_network.shape, dtype=np.int64)
        for place, name in enumerate(of_network.classes):
            whole, parts = CLASSES[name]
            cells = rows.group_by(axes).agg(count=pl.col(whole).sum() - sum(pl.col(part).sum() for part in parts))
            for one, other, count in cells.iter_rows():
                truth[members[axes[0]].index(one), members[axes[1]].index(other), place] = count
        truths.append(truth)
    return of_network, truths


@pytest.mark.slow
@pytest.mark.parametrize("axes", AXES, ids="x".join)
@pytest.mark.parametrize("kind", [APPOINTMENTS, VISITS], ids=["appointments", "visits"])
def test_the_attack_finds_nothing(kind: Kind, axes: tuple[str, str], releases: tuple[Frames, Frames]) -> None:
    before, after = releases
    network, truths = seen(kind, axes, releases)
    early = publication(before)
    assert early.told is not None
    first, second = (Attacker(network, one) for one in (early, publication(after, [early.told])))
    assert [*recovered(first, truths[0]), *recovered(second, truths[1])] == []
    assert moved(first, second, (truths[0], truths[1])) == []


@pytest.mark.slow
def test_the_attack_finds_counts_where_only_small_ones_are_blank(releases: tuple[Frames, Frames]) -> None:
    network, truths = seen(VISITS, AXES[0], releases)
    attacker = Attacker(network, primary_only(in_full(releases[1])))
    assert recovered(attacker, truths[1])
