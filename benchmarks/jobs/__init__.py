"""The whole job, extract files to provider summary, once per tool; each module is run as a process of its own.

The job: of each visit the newest valid delivery, invalid rows left out (a day that does not exist, an amount that is no
number), currency text read as an amount, provider names normalised; then the 17 columns that the original project's
provider summary has without its prediction. ``provider_name`` is the normalised name.

Asked to keep the visits, a job also writes what it has in hand halfway: one row per visit with every delivered column,
date and amounts typed. The lake always keeps them, and every delivered row besides.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path

#: Output of every job, in this order.
SUMMARY = (
    "provider_name",
    "total_patients",
    "avg_length_of_stay",
    "avg_satisfaction",
    "avg_cost",
    "contact_count",
    "deals_value",
    "opportunity_value",
    "marketing_cost",
    "pipeline_stage",
    "total_visits",
    "total_claim_amount",
    "total_claim_paid",
    "denial_rate",
    "roi",
    "value_per_patient",
    "claim_collection_rate",
)
#: Columns of the visits' extract that the summary follows from; the others are read only where the visits are kept.
NEEDED = ("visit_id", "visit_date", "provider_name", "claim_amount", "claim_paid", "claim_status")
#: Normalising a name: patterns and what replaces each, after lower case and before trimming.
NAME_STEPS = (
    (r"[.'`]", ""),
    (r"\b(dr|doctor|prof|mr|mrs|ms|md|do|np|aprn|pa|pac|phd|facp|facs|frcp|mph|msn|rn|jr|sr|ii|iii|iv)\b", " "),
    (r"^\s*([^,]+?)\s*,\s*([^,]+?)\s*$", r"\2 \1"),
    (r"[^a-z0-9]+", " "),
)


def name_key(name: str) -> str:
    """A provider's name without title, case, order and punctuation."""
    text = name.lower()
    for pattern, replacement in NAME_STEPS:
        text = re.sub(pattern, replacement, text)
    return text.strip()


def visit_files(extracts: Path) -> list[str]:
    """The visits' extracts, oldest first: the order in which they were delivered."""
    return sorted(str(path) for path in extracts.glob("ehr_visits_*.csv"))


def other_files(extracts: Path) -> tuple[str, str]:
    """The extract of stays, and the CRM's."""
    return str(next(extracts.glob("sg2_patient_flow_*.csv"))), str(next(extracts.glob("salesforce_crm_*.csv")))


def main(job: Callable[[Path, Path, bool], None]) -> None:
    """Run a job as the command line says: extracts, output, and what is kept: ``summary`` or ``visits`` as well."""
    extracts, output, what = sys.argv[1:]
    Path(output).mkdir(parents=True, exist_ok=True)
    job(Path(extracts), Path(output), what == "visits")
