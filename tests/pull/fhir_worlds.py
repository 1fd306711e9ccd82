"""A lake that pulls from a FHIR server, and resources that are right in all elements that its views ask for."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.doubles.fhir import FhirServer, Resource, served
from tests.pull.conftest import World, world_in

EXAMPLES = Path(__file__).resolve().parents[2] / "docs/sources/fhir"
NPI = "http://hl7.org/fhir/sid/us-npi"
CLIENT = "lake-client"


def pem(key: Any) -> str:
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


#: Made once: an RSA key takes a while.
RSA, P384 = rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1())


def encounter(number: int = 1, practitioner: int = 1, **changes: Any) -> Resource:
    return {
        "resourceType": "Encounter",
        "id": f"e{number}",
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": {"reference": f"Patient/p{number}"},
        "participant": [{"individual": {"reference": f"Practitioner/d{practitioner}"}}],
        "period": {"start": "2026-02-03T09:00:00-05:00"},
        **changes,
    }


def patient(number: int = 1, **changes: Any) -> Resource:
    return {"resourceType": "Patient", "id": f"p{number}", "birthDate": "1960-05-01", **changes}


def practitioner(number: int = 1, npi: str = "1234567893", family: str = "Lee", **changes: Any) -> Resource:
    return {
        "resourceType": "Practitioner",
        "id": f"d{number}",
        "identifier": [{"system": "urn:other", "value": "x"}, {"system": NPI, "value": npi}],
        "name": [{"given": ["Ann"], "family": family}],
        **changes,
    }


def claim(number: int = 1, billed: float = 100.0, **changes: Any) -> Resource:
    return {
        "resourceType": "Claim",
        "id": f"c{number}",
        "status": "active",
        "use": "claim",
        "created": "2026-02-04",
        "insurer": {"display": "Acme Health"},
        "diagnosis": [
            {
                "sequence": 1,
                "diagnosisCodeableConcept": {
                    "coding": [
                        {"system": "http://snomed.info/sct", "code": "254637007"},
                        {"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "C34.90"},
                    ]
                },
            }
        ],
        "item": [
            {
                "sequence": 1,
                "encounter": [{"reference": f"Encounter/e{number}"}],
                "productOrService": {
                    "coding": [
                        {"system": "http://loinc.org", "code": "36643-5"},
                        {"system": "http://www.ama-assn.org/go/cpt", "code": "99213"},
                    ]
                },
            }
        ],
        "total": {"value": billed},
        **changes,
    }


@dataclass
class FhirWorld:
    """A lake, a FHIR server, and how long the lake has waited for it."""

    world: World
    server: FhirServer
    waits: list[float] = field(default_factory=list)

    def declare(self, name: str = "visits", folder: Path | None = None, **said: Any) -> None:
        """The visits, as the examples of the docs declare them; from the server, or from a folder."""
        into = self.world.folder
        shutil.copytree(EXAMPLES / "views", into / "views", dirs_exist_ok=True)
        text = (EXAMPLES / "visits.toml").read_text("utf-8")
        address = f"{self.server.base}/fhir" if folder is None else folder.as_posix()
        lines = [f'address = "{address}"'] + [f'{key} = "{value}"' for key, value in said.items()]
        if folder is None and self.server.keys and "client" not in said:
            lines += [f'client = "{CLIENT}"', 'key = "env:FHIR_KEY"']
        (into / f"{name}.toml").write_text(text.replace('address = "../../../data/fhir"', "\n".join(lines)), "utf-8")

    def pull(self) -> int:
        (pulled,) = self.world.lake.pull()
        assert pulled.error is None, pulled.error
        return pulled.rows

    def visits(self, *columns: str) -> list[tuple[Any, ...]]:
        """What bronze holds of each visit, as delivered last, withdrawn ones left out."""
        return newest(self.world, *columns)


def newest(world: World, *columns: str) -> list[tuple[Any, ...]]:
    rows = world.lake.storage.scan("bronze.ehr_visits").sort("extract_date", "delivered_at", "row_number")
    last = rows.group_by("visit_id", maintain_order=True).last().filter(pl.col("is_deleted").fill_null(False).not_())
    return sorted(last.select("visit_id", *columns).collect().rows())


@contextmanager
def fhir_world_in(folder: Path, key: Any = RSA) -> Iterator[FhirWorld]:
    world = world_in(folder)
    world.folder.mkdir(parents=True)
    with served(FhirServer(world.clock, {CLIENT: key.public_key()} if key else {})) as server:
        made = FhirWorld(world, server)
        world.lake.environment.update({"FHIR_KEY": pem(key)} if key else {})
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("carti_lake.lake.time", SimpleNamespace(sleep=made.waits.append))
            made.declare()
            yield made


def write_lines(path: Path, *resources: Resource) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(one) + "\n" for one in resources), "utf-8", newline="\n")
    return path
