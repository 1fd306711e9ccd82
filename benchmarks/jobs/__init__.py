"""The whole job, extract files to provider summary, once per tool; each module is run as a process of its own.

The job: of each visit the newest valid delivery, invalid rows left out (a day that does not exist, an amount that is no
number), currency text read as an amount, provider names normalised. What a job keeps is its kind:

``summary``
    the 17 columns that the original project's provider summary has without its prediction; ``provider_name`` is the
    normalised name.
``visits``
    the current visits as well: one row per visit with every delivered column, date and amounts typed.
``everything``
    what a lake keeps, as plain Parquet: every delivered row with a hash; the current visits, codes in one spelling, a
    folder a month; the summary and the gold tables of visits and their claims (:data:`GOLD_TABLES`), whose first
    denials come from the deliveries that a newer one has replaced. The definitions are the package's own
    (``carti_lake.tables.gold``); ``sql/`` tells them to DuckDB and Spark. A provider's id is the normalised name.

The lake keeps all that always, and more: refused rows with reasons, every other table, history, audits and a release.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path

KINDS = ("summary", "visits", "everything")
FEEDS = ("ehr_visits", "sg2_patient_flow", "salesforce_crm")
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
#: What ``everything`` keeps of gold, each table as ``<name>.parquet`` or a folder of that name.
GOLD_TABLES = (
    "provider_monthly",
    "provider_summary",
    "claims_monthly",
    "denials_monthly",
    "claims_activity",
    "claims_lag",
    "claims_open",
)
#: Columns of the visits' extract that the summary follows from; the others are read only where the visits are kept.
NEEDED = ("visit_id", "visit_date", "provider_name", "claim_amount", "claim_paid", "claim_status")
#: Columns of the extracts whose words are codes: one spelling each, lower case words joined by underscores.
CODED = ("service_line", "payer", "denial_reason")
#: Normalising a name: patterns and what replaces each, after lower case and before trimming.
NAME_STEPS = (
    (r"[.'`]", ""),
    (r"\b(dr|doctor|prof|mr|mrs|ms|md|do|np|aprn|pa|pac|phd|facp|facs|frcp|mph|msn|rn|jr|sr|ii|iii|iv)\b", " "),
    (r"^\s*([^,]+?)\s*,\s*([^,]+?)\s*$", r"\2 \1"),
    (r"[^a-z0-9]+", " "),
)
#: Normalising a code: the same, but for underscores at its ends.
CODE_STEPS = ((r"[^a-z0-9]+", "_"), (r"^_+|_+$", ""))


def name_key(name: str) -> str:
    """A provider's name without title, case, order and punctuation."""
    return _stepped(name, NAME_STEPS).strip()


def code(word: str) -> str:
    """A code in the one spelling of it."""
    return _stepped(word, CODE_STEPS)


def query(name: str) -> str:
    """The SQL of a table or of a step on the way there."""
    return (Path(__file__).parent / "sql" / f"{name}.sql").read_text()


def visit_files(extracts: Path) -> list[str]:
    """The visits' extracts, oldest first: the order in which they were delivered."""
    return sorted(str(path) for path in extracts.glob("ehr_visits_*.csv"))


def other_files(extracts: Path) -> tuple[str, str]:
    """The extract of stays, and the CRM's."""
    return str(next(extracts.glob("sg2_patient_flow_*.csv"))), str(next(extracts.glob("salesforce_crm_*.csv")))


def main(job: Callable[[Path, Path, str], None]) -> None:
    """Run a job as the command line says: extracts, output, and its kind."""
    extracts, output, kind = sys.argv[1:]
    Path(output).mkdir(parents=True, exist_ok=True)
    job(Path(extracts), Path(output), kind)


def _stepped(text: str, steps: tuple[tuple[str, str], ...]) -> str:
    text = text.lower()
    for pattern, replacement in steps:
        text = re.sub(pattern, replacement, text)
    return text
