"""The key of the patients' pseudonyms, from the environment."""

from collections.abc import Mapping
from pathlib import Path

from carti_lake.store.errors import LakeError


def secret_from(environment: Mapping[str, str]) -> str:
    """Key of the patients' pseudonyms: ``CARTI_LAKE_PATIENT_KEY``, or the file that ``…_FILE`` names; else empty."""
    path = environment.get("CARTI_LAKE_PATIENT_KEY_FILE")
    if path:
        try:
            return Path(path).read_text("utf-8").strip()
        except OSError as error:
            raise LakeError(
                f"CARTI_LAKE_PATIENT_KEY_FILE names {path}, which cannot be read: {error.strerror}."
            ) from error
    return environment.get("CARTI_LAKE_PATIENT_KEY", "")
