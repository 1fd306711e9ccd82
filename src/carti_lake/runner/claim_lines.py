"""What claim lines come to, brought up to date with the lines and with where their visits stand."""

from carti_lake.pipeline.mart import Mart
from carti_lake.pipeline.silver.claim_lines import claims_of_lines
from carti_lake.runner.engine import Map
from carti_lake.runner.marts import update_mart
from carti_lake.store.storage import Storage
from carti_lake.tables.silver import ClaimLines, ClaimsOfLines, Visits

#: Made as marts are, but part of silver, which marts read.
OF_LINES = Mart(
    (ClaimsOfLines,), (ClaimLines.full_name(), Visits.full_name()), claims_of_lines, about=ClaimLines.full_name()
)


def update_claims_of_lines(storage: Storage, engine: Map, *, full: bool) -> list[str]:
    """Bring ``silver.claims_of_lines`` up to date; returns it where it changed. Nothing is read without claim lines."""
    return update_mart(storage, OF_LINES, engine, full=full)
