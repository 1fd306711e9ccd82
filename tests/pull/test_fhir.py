"""A FHIR server as a source: what is new, once, whatever goes wrong on the way."""

import pytest

from carti_lake.pull.fhir import export as fhir_export
from carti_lake.pull.secrets import SourceError
from carti_lake.store.log import commits
from carti_lake.store.write import append
from tests.doubles.fhir import outcome
from tests.pull.fhir_worlds import (
    P384,
    RSA,
    FhirWorld,
    claim,
    encounter,
    fhir_world_in,
    patient,
    practitioner,
    write_lines,
)

pytestmark = pytest.mark.server


@pytest.fixture
def fhir(tmp_path):
    with fhir_world_in(tmp_path) as made:
        yield made


@pytest.fixture
def filled(fhir):
    for number in range(1, 6):
        fhir.server.put(encounter(number))
        fhir.server.put(patient(number))
    fhir.server.put(practitioner())
    return fhir


def since(fhir: FhirWorld) -> list[bool]:
    return ["_since" in path for _, path, _ in fhir.server.log if "$export" in path]


def test_rows_are_whole_with_references_resolved_and_codes_told_apart(fhir):
    fhir.server.put(encounter())
    fhir.server.put(patient(address=[{"postalCode": "02139-1234"}]))
    fhir.server.put(practitioner())
    fhir.server.put(claim(billed=210.5))
    assert fhir.pull() == 1
    fhir.world.lake.run(accept=["drift", "quality"])
    (row,) = fhir.world.lake.scan("silver.visits").collect().to_dicts()
    assert (row["visit_id"], str(row["visit_date"]), row["visit_type"]) == ("e1", "2026-02-03", "ambulatory")
    assert (row["provider_name"], row["provider_npi"], row["rendering_provider_id"]) == (
        "Ann Lee",
        "1234567893",
        "1234567893",
    )
    assert (row["patient_zip3"], row["patient_age"]) == ("021", 65)
    assert (row["diagnosis_code"], row["procedure_code"], row["payer"]) == ("C34.90", "99213", "acme_health")
    assert (float(row["claim_amount"]), row["claim_status"]) == (210.5, "pending")


def test_a_change_of_one_resource_makes_the_rows_that_it_is_in_anew(filled):
    assert filled.pull() == 5
    filled.world.clock.turn(days=2)
    filled.server.put(claim(2, 80.0))
    assert filled.pull() == 1
    filled.world.clock.turn(days=2)
    filled.server.put(practitioner(family="Lee-Chan"))
    assert filled.pull() == 5
    assert filled.visits("provider_name", "claim_amount")[1] == ("e2", "Ann Lee-Chan", 80.0)
    assert since(filled) == [False, True, True]


def test_what_is_the_same_is_no_news_and_what_was_changed_late_comes_within_the_overlap(filled):
    assert filled.pull() == 5
    late = filled.world.clock.now
    filled.world.clock.turn(hours=5)
    assert filled.pull() == 0
    filled.server.put(encounter(9), at=late)
    assert filled.pull() == 1
    filled.server.put(encounter(9, status="triaged"), at=late)
    assert filled.pull() == 0, "no column of the feed is another one"


def test_what_is_deleted_is_withdrawn(filled):
    filled.pull()
    filled.world.clock.turn(hours=1)
    filled.server.delete("Encounter", "e2")
    filled.server.delete("Patient", "p3")
    assert filled.pull() == 2
    assert [one for one, *_ in filled.visits()] == ["e1", "e3", "e4", "e5"]
    assert filled.visits("patient_age")[1] == ("e3", None)
    filled.world.clock.turn(hours=1)
    filled.server.put(encounter(2))
    assert filled.pull() == 1
    assert len(filled.visits()) == 5


FAULTS = {
    "busy everywhere": {"token": ["429"], "kick-off": ["429", "500"], "status": ["503", "429"], "file": ["429", "500"]},
    "no answer": {"token": ["drop"], "kick-off": ["drop"], "status": ["drop"], "file": ["drop", "drop"]},
    "half a file": {"file": ["half", "", "half", "half"]},
    "half a file of which nobody knows": {"file": ["", "cut", "cut"]},
    "expired while it waits": {"status": ["", "expired"]},
    "expired before it is fetched": {"file": ["", "expired"]},
}


@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS)
def test_whatever_goes_wrong_on_the_way_everything_comes_once(filled, faults):
    filled.server.faults = {kind: [*these] for kind, these in faults.items()}
    expired = any("expired" in these for these in faults.values())
    if expired:
        (pulled,) = filled.world.lake.pull()
        assert "Pull again" in pulled.error
    assert filled.pull() == 5
    assert not any(these for these in filled.server.faults.values()), "every fault came"
    assert len(filled.visits()) == 5
    assert filled.server.jobs == {}, "the server may forget it"


def test_a_token_that_ends_midway_is_asked_for_again(filled):
    filled.server.token_lasts = 2
    assert filled.pull() == 5
    assert filled.server.asked["token"] > 2


def test_a_file_that_comes_twice_counts_once(filled):
    filled.server.repeats = True
    assert filled.pull() == 5


def test_the_server_is_asked_as_often_as_it_says(filled):
    filled.server.polls = 3
    filled.pull()
    assert filled.waits == [1.0, 1.0, 1.0]


def test_what_fails_for_good_is_told_in_codes_and_asked_for_anew(filled):
    filled.server.faults = {"status": ["failed"]}
    (pulled,) = filled.world.lake.pull()
    assert pulled.error == ("visits: export status: the server answers 500 Internal Server Error (error: processing).")
    assert not filled.world.lake.storage.exists("bronze.ehr_visits")
    assert filled.pull() == 5
    assert filled.server.asked["kick-off"] == 2


def test_what_the_server_cannot_export_is_told_and_asked_for_again(filled):
    filled.pull()
    filled.world.clock.turn(days=3)
    filled.server.problems = [outcome("exception", text="MRN-marked-4711"), outcome("informational", "information")]
    filled.server.put(encounter(6))
    (pulled,) = filled.world.lake.pull()
    assert pulled.rows == 1
    assert "1 times error: exception" in pulled.error
    assert "4711" not in pulled.error
    filled.server.problems = []
    # What was left out of the answer has its old moment.
    filled.server.put(encounter(7), at=filled.world.clock.now)
    filled.world.clock.turn(days=3)
    assert filled.pull() == 1
    assert len(filled.visits()) == 7


@pytest.mark.parametrize("place", ["kick-off", "file", "commit", "end"])
def test_a_kill_repeats_and_loses_nothing(filled, monkeypatch, place):
    targets = {
        "kick-off": (fhir_export, "_fetched"),
        "file": (fhir_export, "_is_whole"),
        "commit": ("carti_lake.sources.batches", "append"),
        "end": ("carti_lake.sources.batches", "append"),
    }

    def killed(*args, **kwargs):
        if place == "end":
            append(*args, **kwargs)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        where, name = targets[place]
        patch.setattr(f"{where if isinstance(where, str) else where.__name__}.{name}", killed)
        filled.world.lake.pull()
    files = filled.server.asked["file"]
    assert filled.pull() == (0 if place == "end" else 5)
    assert filled.server.asked["kick-off"] == (2 if place == "end" else 1), "the export is taken up"
    if place == "commit":
        assert filled.server.asked["file"] == files, "no file is fetched again"
    assert filled.server.jobs == {}
    assert filled.world.lake.storage.scan("bronze.ehr_visits").collect().height == 5


def test_another_view_reads_everything_anew(filled):
    filled.pull()
    path = filled.world.folder / "views/encounter.json"
    path.write_text(path.read_text("utf-8").replace("class.code", "status"), "utf-8")
    filled.world.clock.turn(hours=1)
    assert filled.pull() == 5
    assert since(filled) == [False, False]
    assert filled.visits("visit_type")[0] == ("e1", "finished")


@pytest.mark.parametrize("left", [0, 2])
def test_a_whole_export_that_lacks_most_rows_withdraws_none_unless_that_is_said(filled, left):
    filled.pull()
    path = filled.world.folder / "views/encounter.json"
    path.write_text(path.read_text("utf-8").replace("class.code", "status"), "utf-8")
    whole = dict(filled.server.held)
    for key in [("Encounter", f"e{number}") for number in range(left + 1, 6)]:
        del filled.server.held[key]
    filled.world.clock.turn(hours=1)
    (pulled,) = filled.world.lake.pull()
    assert f"{5 - left} of its rows would be withdrawn, which is more than the {left} that it holds" in pulled.error
    assert not filled.world.lake.storage.scan("bronze.ehr_visits").collect()["is_deleted"].any()
    (pulled,) = filled.world.lake.pull(keys=True)
    assert (pulled.error, pulled.rows) == (None, 5)
    filled.server.held.update(whole)
    filled.world.clock.turn(hours=1)
    filled.pull()
    assert filled.visits("visit_type") == [(f"e{number}", "finished") for number in range(1, 6)]


@pytest.mark.parametrize("key", [RSA, P384], ids=["RS384", "ES384"])
def test_a_backend_service_signs_in_with_its_key(tmp_path, key):
    with fhir_world_in(tmp_path, key) as fhir:
        fhir.server.put(encounter())
        assert fhir.pull() == 1
        fhir.server.keys = {"lake-client": RSA.public_key() if key is P384 else P384.public_key()}
        fhir.server.tokens.clear()
        (pulled,) = fhir.world.lake.pull()
        assert pulled.error == "visits: sign-in: the server gives no token (invalid_client)."


def test_an_open_server_needs_no_sign_in_and_files_may_need_no_token(tmp_path):
    with fhir_world_in(tmp_path, None) as fhir:
        fhir.server.put(encounter())
        assert fhir.pull() == 1
        assert fhir.server.asked["token"] == 0


def test_a_token_is_not_shown_where_none_is_asked_for(filled):
    filled.server.signed_files = False
    assert filled.pull() == 5


@pytest.mark.parametrize(("level", "rows"), [("patient", 5), ("Group/g1", 2), ("system", 5)])
def test_an_export_is_of_the_system_of_patients_or_of_a_group(filled, level, rows):
    filled.server.groups["g1"] = {"p1", "p4"}
    filled.declare(export=level)
    assert filled.pull() == rows


def test_a_server_that_takes_no_get_is_asked_by_post(filled):
    filled.server.gets = False
    assert filled.pull() == 5
    filled.world.clock.turn(days=2)
    filled.server.put(encounter(6))
    assert filled.pull() == 1


def test_the_mark_is_in_the_commit_of_its_rows(filled):
    filled.pull()
    newest = commits(filled.world.lake.storage.open("bronze.ehr_visits"), -1)[-1]
    assert (newest.rows_added, newest.metadata["source"]["cursor"]) == (5, "2026-03-10T12:00:00+00:00")
    (planned,) = filled.world.lake.plan_pull()
    assert (planned.since, planned.error) == ("2026-03-09T12:00:00Z", None)
    assert filled.world.lake.status()["sources"][0]["cursor"] == "2026-03-10T12:00:00+00:00"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"types": ("Patient", "Encounter")}, "the server has no Claim, ExplanationOfBenefit, Practitioner"),
        ({"version": "3.0.2"}, "no FHIR R4"),
        ({"exports": False}, "does not say that it exports in bulk"),
        ({"keys": {}}, "gives no token"),
        ({}, None),
    ],
)
def test_a_check_tells_what_does_not_fit_before_any_resource_is_read(filled, change, said):
    from carti_lake.pull.pull import check

    for name, value in change.items():
        setattr(filled.server, name, value)
    (source,) = filled.world.lake.sources()
    found = check(filled.world.lake.storage, source, filled.world.lake.edge)
    assert (found is None) if said is None else (said in found)
    assert filled.server.asked["kick-off"] == 0


def test_views_are_compared_with_the_feed_before_anything_is_asked(filled):
    path = filled.world.folder / "visits.toml"
    text = path.read_text("utf-8")
    for before, after, said in (
        ("AS claim_paid,", "AS payed,", 'column "claim_paid" is missing'),
        ("e.start AS visit_date", "e.id = 'x' AS visit_date", 'the column "visit_date" is of type Boolean'),
        ("FROM seen AS e", "FROM nobody AS e", "no SQL over encounter, patient"),
    ):
        path.write_text(text.replace(before, after), "utf-8")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("httpx.Client.send", lambda *_, **__: pytest.fail("the server is asked"))
            if "FROM" in before:
                with pytest.raises(SourceError, match=said):
                    filled.world.lake.pull()
            else:
                (pulled,) = filled.world.lake.pull()
                assert said in pulled.error


def test_a_value_that_the_query_cannot_take_is_told_without_it(filled):
    path = filled.world.folder / "visits.toml"
    path.write_text(path.read_text("utf-8").replace("TRY_CAST", "CAST"), "utf-8")
    filled.server.put(patient(2, birthDate="MRN-marked-4711"))
    (pulled,) = filled.world.lake.pull()
    assert "a value does not fit what the query makes of it (InvalidOperationError)" in pulled.error
    assert "4711" not in pulled.error


def test_nothing_is_asked_in_clear_text(filled):
    filled.declare(
        client="lake-client", key="env:FHIR_KEY", token_endpoint="http://tokens.example/token", scope="system/*.rs"
    )
    (pulled,) = filled.world.lake.pull()
    assert pulled.error == "visits: a FHIR server is asked by https:// only."


def test_a_folder_of_exported_files_comes_to_the_same_in_any_order(filled, tmp_path):
    import os

    drop = tmp_path / "drop"
    old = {"lastUpdated": "2026-01-01T00:00:00Z"}
    new = {"lastUpdated": "2026-01-02T00:00:00Z"}
    filled.declare(folder=drop)
    newer = write_lines(drop / "encounter.1.ndjson", encounter(1, meta=new), encounter(2, meta=new))
    write_lines(drop / "patient.ndjson", patient(1), patient(2))
    assert filled.pull() == 2
    assert filled.pull() == 0
    older = write_lines(
        drop / "encounter.2.ndjson", encounter(1, status="planned", meta=old, period={"start": "1999-01-01"})
    )
    os.utime(newer, (0, 0))
    assert filled.pull() == 0, "what is older changes nothing"
    deletion = {"resourceType": "Bundle", "meta": {"lastUpdated": "2026-01-03T00:00:00Z"}, "type": "transaction"}
    write_lines(drop / "gone.ndjson", {**deletion, "entry": [{"request": {"method": "DELETE", "url": "Encounter/e2"}}]})
    assert filled.pull() == 1
    assert filled.visits() == [("e1",)]
    assert older.exists()


def test_a_file_that_is_no_export_is_named_by_its_line(filled, tmp_path):
    drop = tmp_path / "drop"
    filled.declare(folder=drop)
    path = write_lines(drop / "encounter.ndjson", encounter(1), encounter(2))
    path.write_text(path.read_text("utf-8")[:-40], "utf-8")
    (pulled,) = filled.world.lake.pull()
    assert "encounter.ndjson, line 2: the line is no JSON" in pulled.error
    write_lines(path, encounter(1), patient(1))
    (pulled,) = filled.world.lake.pull()
    assert "holds Encounter, Patient" in pulled.error
