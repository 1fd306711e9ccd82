"""The declarations that are shipped for FHIR, over resources of every kind that they ask for."""

import shutil

import pytest

from tests.pull.conftest import World
from tests.pull.fhir_worlds import EXAMPLES, NPI, encounter, practitioner, write_lines

CODES = {"cpt": "http://www.ama-assn.org/go/cpt", "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm"}


def amount(code: str, value: float) -> dict[str, object]:
    return {"category": {"coding": [{"code": code}]}, "amount": {"value": value}}


@pytest.fixture
def examples(world: World, tmp_path) -> World:
    """A folder of exported files, and every declaration over it."""
    drop = tmp_path / "drop"
    shutil.copytree(EXAMPLES, world.folder)
    for path in world.folder.glob("*.toml"):
        path.write_text(path.read_text("utf-8").replace("../../../data/fhir", drop.as_posix()), "utf-8")
    doctor = {"reference": "https://fhir.example/r4/Practitioner/d1"}
    write_lines(drop / "encounter.ndjson", encounter())
    write_lines(drop / "practitioner.ndjson", practitioner())
    role = {"resourceType": "PractitionerRole", "id": "r1", "practitioner": doctor, "specialty": [{"text": "Oncology"}]}
    write_lines(drop / "role.ndjson", role)
    write_lines(
        drop / "appointment.ndjson",
        {
            "resourceType": "Appointment",
            "id": "a1",
            "status": "noshow",
            "start": "2026-02-03T09:00:00-05:00",
            "created": "2026-01-20",
            "participant": [{"actor": {"reference": "Patient/p1"}}, {"actor": doctor}],
        },
    )
    write_lines(
        drop / "request.ndjson",
        {
            "resourceType": "ServiceRequest",
            "id": "s1",
            "status": "active",
            "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "3457005"}]}],
            "code": {"text": "Lung"},
            "authoredOn": "2026-02-01",
            "subject": {"reference": "Patient/p1"},
            "requester": {"identifier": {"system": NPI, "value": "1003000126"}, "display": "Bo Chan"},
            "performer": [doctor],
        },
        {"resourceType": "ServiceRequest", "id": "s2", "status": "active", "category": [{"text": "Lab"}]},
    )
    write_lines(
        drop / "administration.ndjson",
        {
            "resourceType": "MedicationAdministration",
            "id": "m1",
            "status": "completed",
            "medicationReference": {"reference": "Medication/x"},
            "subject": {"reference": "Patient/p1"},
            "context": {"reference": "Encounter/e1"},
            "effectiveDateTime": "2026-02-03",
            "performer": [{"actor": doctor}],
            "dosage": {"dose": {"value": 2.5, "unit": "mg"}},
        },
    )
    drug = {
        "coding": [{"system": "urn:other", "code": "9"}, {"system": CODES["rxnorm"], "code": "583214"}],
        "text": "Taxol",
    }
    write_lines(drop / "medication.ndjson", {"resourceType": "Medication", "id": "x", "code": drug})
    write_lines(
        drop / "benefit.ndjson",
        {
            "resourceType": "ExplanationOfBenefit",
            "id": "b1",
            "status": "active",
            "use": "claim",
            "outcome": "complete",
            "created": "2026-02-20",
            "claim": {"reference": "Claim/c1"},
            "payment": {"amount": {"value": 60.5}, "date": "2026-02-25"},
            "total": [amount("submitted", 100), amount("eligible", 80), amount("benefit", 60.5)],
            "item": [
                {
                    "sequence": number,
                    "encounter": [{"reference": "Encounter/e1"}],
                    "productOrService": {"coding": [{"system": CODES["cpt"], "code": code}]},
                    "adjudication": [amount("submitted", billed), amount("benefit", paid)],
                }
                for number, code, billed, paid in ((1, "99213", 70, 40.5), (2, "71250", 30, 20))
            ],
        },
    )
    return world


def test_every_declaration_fills_its_feed(examples):
    pulled = {one.source: (one.rows, one.error) for one in examples.lake.pull()}
    assert pulled == {
        "appointments": (1, None),
        "claim_lines": (2, None),
        "medications": (1, None),
        "providers": (1, None),
        "referrals": (1, None),
        "visits": (1, None),
    }

    def row(feed: str) -> dict[str, object]:
        return examples.lake.storage.scan(f"bronze.{feed}").collect().to_dicts()[0]

    appointment = row("ehr_appointments")
    assert (appointment["patient_id"], appointment["appointment_status"]) == ("p1", "No-show")
    assert (appointment["provider_name"], appointment["provider_npi"]) == ("Ann Lee", "1234567893")
    referral = row("salesforce_referrals")
    assert (referral["referring_provider_name"], referral["referring_provider_npi"]) == ("Bo Chan", "1003000126")
    assert (referral["rendering_provider_name"], referral["referral_status"]) == ("Ann Lee", "New")
    medication = row("ehr_medications")
    assert (medication["drug_code"], medication["drug_name"], medication["dose"]) == ("583214", "Taxol", 2.5)
    assert (medication["visit_id"], medication["provider_npi"]) == ("e1", "1234567893")
    assert (row("providers")["npi"], row("providers")["specialty"]) == ("1234567893", "Oncology")
    visit = row("ehr_visits")
    assert (visit["claim_id"], visit["claim_amount"], visit["allowed_amount"]) == ("c1", 100.0, 80.0)
    assert (visit["claim_paid"], visit["claim_status"], visit["procedure_code"]) == (60.5, "Paid", "99213")
    lines = examples.lake.storage.scan("bronze.ehr_claim_lines").sort("line_number").collect().to_dicts()
    assert [(one["procedure_code"], one["billed_amount"], one["paid_amount"]) for one in lines] == [
        ("99213", 70.0, 40.5),
        ("71250", 30.0, 20.0),
    ]
