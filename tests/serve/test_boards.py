"""Dashboards are ready before anybody asks, told apart by what is seen, and never another one's nor a damaged one."""

import json
import re
from dataclasses import replace

import polars as pl
import pytest

from carti_lake.access import Viewer as Reader
from carti_lake.access import visible
from carti_lake.access.viewer import Audience
from carti_lake.metrics.value import undelivered
from carti_lake.outlets import why
from carti_lake.outlets.charts.shown import shown
from carti_lake.outlets.dashboard.cubes import KPIS, SHOWN
from carti_lake.outlets.dashboard.page import page
from carti_lake.releases.measure import delivered
from carti_lake.serve import boards, dashboard
from carti_lake.serve.boards import Boards
from carti_lake.serve.current import CurrentReleases
from tests.doubles.readers import Viewer, see
from tests.serve.conftest import key, service
from tests.worlds.lakes import lake_in, load, visit


@pytest.fixture
def made(monkeypatch, tmp_path):
    """Pages in words instead of the outlet's, each noted when it is made; kept where no other test looks."""
    noted = []

    def page(visible, since):
        noted.append((visible.release.number, visible.fingerprint))
        compared = f" since {since.number}" if since else ""
        return f"<html><body>{visible.release.number} {visible.fingerprint}{compared}</body></html>"

    monkeypatch.setattr(dashboard, "page", page)
    monkeypatch.setattr(boards, "FOLDER", f"dashboards-{tmp_path.name}")
    return noted


def boards_of(served, *expected):
    current = CurrentReleases(served.lake)
    current.look()
    return Boards(current, see, lambda: expected)


def seen(served, name="all", release=None):
    return see(served.lake.at() if release is None else served.lake.at(release=release), served.viewers[name])


def test_a_release_that_is_seen_has_its_pages_before_anybody_asks(served, made):
    found = boards_of(served, served.viewers["all"], served.viewers["few"], served.viewers["reader"])
    found.make_ahead(served.lake.at().release)
    # Who sees the same shares a page.
    assert made == [(3, "all"), (3, seen(served, "few").fingerprint)]
    for name in ("all", "few", "reader"):
        assert seen(served, name).fingerprint in found.page(seen(served, name))
    assert len(made) == 2


def test_the_service_makes_them_beside_its_answers(served, made):
    with service(served, expected=lambda: [served.viewers["all"]]) as client:
        for _ in range(500):
            if made:
                break
            client.get("/healthz")
        board = client.get("/dashboard", headers=key())
    assert made == [(3, "all")]
    assert "3 all" in board.text


def test_a_page_outlives_the_process_and_is_of_the_latest_release_alone(served, made):
    boards_of(served).page(seen(served))
    boards_of(served).page(seen(served))
    assert made == [(3, "all")]
    assert "1 all" in boards_of(served).page(seen(served, release=1))
    assert "3 all" in boards_of(served).page(seen(served))
    assert made == [(3, "all"), (1, "all")]


@pytest.mark.parametrize(
    "damage", [lambda held: held[:-9], lambda held: held[:80] + bytes([held[80] ^ 1]) + held[81:], lambda held: b""]
)
def test_a_damaged_page_is_made_again(served, made, damage):
    html = boards_of(served).page(seen(served))
    (file,) = (served.lake.storage.local / boards.FOLDER).iterdir()
    file.write_bytes(damage(file.read_bytes()))
    assert boards_of(served).page(seen(served)) == html
    assert len(made) == 2


def test_another_version_of_the_package_makes_its_own(served, made, monkeypatch):
    boards_of(served).page(seen(served))
    monkeypatch.setattr(boards, "_code", lambda: "another")
    boards_of(served).page(seen(served))
    assert len(made) == 2


def test_a_lock_of_an_earlier_release_makes_the_page_of_who_sees_all_anew(served, made):
    found = boards_of(served)
    assert "3 all since 2" in found.page(seen(served))
    found.page(seen(served, "few"))
    known = found.current_releases.known
    locked = [replace(one, locks=("close",)) if one.number == 1 else one for one in known.releases]
    found.current_releases.known = replace(known, version=known.version + 1, releases=tuple(locked))
    assert "3 all since 1" in found.page(seen(served))
    found.page(seen(served, "few"))
    assert made == [(3, "all"), (3, seen(served, "few").fingerprint), (3, "all")]


def described(html):
    return json.loads(re.findall(r'id="page">([^<]*)<', html)[0])


def test_why_numbers_changed_is_said_to_who_sees_all_of_them_exactly(served, monkeypatch):
    """As in the file of the dashboard; which numbers changed enough is not asked of a lake of nine days."""
    monkeypatch.setattr(why, "changed", lambda heads: [*why.EXPLAINED])
    known, told = served.lake.releases(), {}
    for name, viewer in served.viewers.items():
        one = seen(served, name)
        told[name] = described(dashboard.page(one, dashboard.before(one, known)))["why"]
        assert dashboard.before(see(one.view, replace(viewer, exact=False)), known) is None
    assert told["few"] is told["none"] is None
    whole = seen(served)
    said = why.in_brief(whole.view, whole.publication(), whole.delivered(), known[-2], KPIS)
    assert told["all"] == told["reader"] == said
    assert told["all"].startswith(f"Why, over all months, since {known[-2].caption}: visits rendered ")


def test_the_page_says_what_was_never_delivered_to_who_sees_all(tmp_path):
    lake = lake_in(tmp_path / "lake")
    load(lake, "ehr_visits", [visit()])
    assert not lake.run().failed
    whole = visible(lake.at(), Reader("all", None, None, exact=True))
    told = described(dashboard.page(whole, None))["metrics"]
    assert told["leakage_rate"]["missing"].startswith("no referrals: the feed salesforce_referrals was never loaded")
    assert told["visits"]["missing"] is None
    part = described(
        dashboard.page(replace(whole, viewer=Reader("few", frozenset({"name:ann lee"}), None, True)), None)
    )
    assert not any(one["missing"] for one in part["metrics"].values())
    assert (part["whole"], part["checks"]) == (False, [])


def test_the_page_for_everybody_is_the_file_for_everybody(tmp_path):
    lake = lake_in(tmp_path / "lake")
    load(lake, "ehr_visits", [visit(number) for number in range(1, 40)])
    assert not lake.run().failed
    everybody = visible(lake.at(), Reader("everybody", None, None))
    told = described(dashboard.page(everybody, None))
    release = shown(lake.at(), outlet="dashboard", audience=Audience.PUBLIC)
    had = everybody.view.tables(), everybody.view.scan
    missing = {name: why for name, one in SHOWN.items() if (why := undelivered(one, delivered(*had)))}
    assert told["checks"] != [] and told == described(page(release, missing))


def test_the_months_that_still_move_are_marked_for_who_sees_one_provider(served):
    view = served.lake.at()
    claims = pl.col("claims", "pending_claims").sum()
    months = view.scan("gold.provider_monthly").group_by("provider_id", "month").agg(claims).collect()
    open_ = months.filter(pl.col("pending_claims") > 0.1 * pl.col("claims"), pl.col("month") < view.release.data_as_of)
    over_and_open = open_.filter(pl.col("month").dt.month_end() <= view.release.data_as_of)
    one = Reader("one", frozenset({over_and_open["provider_id"][0]}), None, exact=True)
    told = described(dashboard.page(visible(view, one), None))
    own = open_.filter(pl.col("provider_id").is_in([*one.providers]))["month"].dt.strftime("%Y-%m")
    assert {*own} <= {*told["provisional"]["remittance_denial_rate"]}


def test_nobody_makes_a_release_public_by_waiting_for_it(served, made):
    boards_of(served, Viewer("everybody", exact=False)).make_ahead(served.lake.at().release)
    assert made == []


def test_a_lake_that_cannot_be_written_to_still_shows_its_pages(served, made, monkeypatch):
    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr(boards, "write_file", full)
    assert "3 all" in boards_of(served).page(seen(served))


def test_who_holds_a_good_key_is_expected(tmp_path):
    from datetime import timedelta

    from carti_lake.access import keys
    from carti_lake.access.policies import grant

    lake = lake_in(tmp_path / "lake")
    now = lake.clock()
    who = {"who": "ann", "why": "test", "now": now}
    for viewer in ("cfo", "gone"):
        grant(lake.storage, viewer, providers=None, service_lines=None, exact=True, scopes={"read"}, until=None, **who)
        key_id, _ = keys.create(lake.storage, viewer, days=5, scopes=None, **who)
    keys.revoke(lake.storage, key_id, **who)
    assert [one.name for one in keys.viewers(lake.storage, now)] == ["cfo"]
    assert keys.viewers(lake.storage, now + timedelta(days=5)) == []


def test_the_pages_are_functions_of_what_is_seen(served):
    """What the key names, and nothing else: whoever has the same rights is shown the same bytes."""
    pages = {name: dashboard.page(seen(served, name), None) for name in ("all", "reader", "few")}
    assert pages["all"] == pages["reader"] != pages["few"]
