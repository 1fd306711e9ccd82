"""Whoever reads is written down: who, what, of which release, how many rows; none is lost at the end or by a fault."""

from carti_lake.serve import audit_writer
from tests.serve.conftest import key, service


def test_it_is_told_who_read_what_of_which_release_and_how_many_rows(served):
    told = []
    with service(served, write=told.extend) as client:
        ids = [
            client.request(method, path, headers=key(who), **more).headers["x-request-id"]
            for method, path, who, more in (
                ("GET", "/v1/summary?limit=2", "few", {}),
                ("GET", "/v1/summary?limit=2", "few", {}),
                ("GET", "/v1/monthly?release=1", "none", {}),
                ("GET", "/v1/summary", "wrong", {}),
                ("GET", "/v1/workbook", "reader", {}),
                ("GET", "/providers/Jane%20Patient", "few", {}),
                ("POST", "/sign-in", "", {"data": {"key": "few"}}),
                ("GET", "/healthz", "", {}),
            )
        ]
    assert [(one.who, one.action, one.resource, one.release, one.rows) for one in told] == [
        ("few", "read", "/v1/summary", 3, 2),
        ("few", "read", "/v1/summary", 3, 2),
        ("none", "read", "/v1/monthly", 1, 0),
        ("", "refused", "(none)", None, None),
        ("reader", "refused", "/v1/workbook", 3, None),
        ("few", "refused", "/providers/{name}", 3, None),
        ("few", "sign-in", "/sign-in", None, None),
    ]
    assert [one.request for one in told] == ids[:-1]
    assert {one.at for one in told} == {served.clock.now}


def test_entries_that_cannot_be_written_wait_and_are_written_in_their_order(served, monkeypatch):
    monkeypatch.setattr(audit_writer, "EVERY", 0.02)
    told, faults = [], [OSError("disk full")] * 3

    def write(entries):
        if faults:
            raise faults.pop()
        told.extend(entries)

    with service(served, write=write) as client:
        ids = [client.get("/v1/service-lines", headers=key()).headers["x-request-id"] for _ in range(50)]
    assert [one.request for one in told] == ids


def test_nothing_is_answered_that_cannot_be_written_down(served, monkeypatch):
    monkeypatch.setattr(audit_writer, "MOST_WAITING", 3)
    with service(served) as client:
        answers = [client.get("/v1/service-lines", headers=key()).status_code for _ in range(5)]
    assert answers == [200, 200, 200, 503, 503]
