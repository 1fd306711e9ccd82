"""A small generated lake of three releases, and the service of it, in this process."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from carti_lake import Lake
from carti_lake.generate import Network, write
from carti_lake.serve.app import Settings, create_app
from tests.doubles.readers import Viewer, see
from tests.serve.in_process import InProcess
from tests.worlds.lakes import Clock, lake_in

NETWORK = Network(providers=16, patients=250, days=9, visits_per_day=20)
#: Days of extracts in each release.
STEPS = (5, 7, 9)
PATIENT = Settings(rate="1000000/second", refusals="1000000/second", every=0.05)
#: Requests whose answers are recorded while a release stands.
RECORDED = (
    "/providers",
    "/v1/summary",
    "/v1/monthly?sort=-gross_charges&limit=7",
    "/v1/claims?fields=month,claims&claims.gte=1",
    "/v1/network/month",
    "/v1/data-quality?limit=500",
    "/v1/metrics/gross_collection_rate?by=provider_id",
    "/v1/published/provider_monthly.csv",
    "/v1/workbook",
)

Service = Callable[..., AbstractContextManager[InProcess]]


@dataclass
class Served:
    """The lake, who may read it, and what was answered while each release was the latest."""

    lake: Lake
    viewers: dict[str, Viewer]
    clock: Clock
    stood: list[datetime] = field(default_factory=list)
    recorded: list[dict[tuple[str, str], bytes]] = field(default_factory=list)


@contextmanager
def service(served: Served, settings: Settings = PATIENT, write: Any = len, **more: Any) -> Iterator[InProcess]:
    """A client of the service, which runs as long as the block."""
    app = create_app(
        served.lake,
        authenticate=served.viewers.get,
        see=see,
        write=write,
        settings=settings,
        **more,
    )
    with InProcess(app) as client:
        yield client


def key(name: str = "all", **more: str) -> dict[str, str]:
    """Headers with a viewer's key."""
    return {"X-API-Key": name, "Accept-Encoding": "identity", **more}


def rows(answer: httpx.Response) -> list[dict[str, Any]]:
    """Rows of a JSON answer."""
    assert answer.status_code == 200, answer.text
    return list(answer.json()["rows"])


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Served:
    folder = tmp_path_factory.mktemp("served")
    clock = Clock(datetime(2026, 3, 10, 12, tzinfo=UTC))
    lake = lake_in(folder / "lake", clock)
    files = write(NETWORK, folder / "extracts")
    found = Served(lake, {}, clock)
    for step in STEPS:
        _load(lake, files, NETWORK.start + timedelta(days=step - 1))
        clock.turn(days=1)
        assert not lake.run().failed
        found.stood.append(clock.now)
        if not found.viewers:
            ids = lake.scan("gold.dim_provider").collect()["provider_id"].sort().to_list()
            found.viewers |= {
                "all": Viewer("all"),
                "few": Viewer("few", frozenset(ids[:3])),
                "none": Viewer("none", frozenset()),
                "reader": Viewer("reader", scopes=frozenset({"read"})),
            }
        with service(found) as client:
            found.recorded.append(
                {(path, who): client.get(path, headers=key(who)).content for path in RECORDED for who in ("all", "few")}
            )
        clock.turn(hours=1)
    return found


def _load(lake: Lake, files: list[Path], day: Any) -> None:
    from carti_lake.sources.names import day_and_moment

    by_feed: dict[str, list[Path]] = {}
    for file in files:
        about = day_and_moment(file.name)[0]
        if about is not None and about <= day:
            by_feed.setdefault(file.parent.name, []).append(file)
    for feed, paths in by_feed.items():
        lake.load(feed, *paths)


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[InProcess]:
    """The service in this process."""
    with service(served) as client:
        yield client
