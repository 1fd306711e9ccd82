"""Metrics that people ask for and that no feed can deliver: null, and why."""

from carti_lake.metrics.metric import Metric, Sum
from carti_lake.tables.gold import ClaimsMonthly

UNDELIVERED: tuple[Metric, ...] = (
    Metric(
        "clean_claim_rate",
        "Clean claim rate",
        ClaimsMonthly,
        Sum.of(),
        None,
        "HFMA MAP CL-1",
        definition="Claims that pass all edits without manual touch, as a share of the claims accepted into billing.",
        missing="no feed delivers the results of claim edits or who touched a claim before it was submitted; an "
        "extract of the claim scrubber's log would",
    ),
    Metric(
        "net_days_in_ar",
        "Net days in A/R",
        ClaimsMonthly,
        Sum.of(),
        None,
        "HFMA MAP keys; of the organisation as a whole only",
        unit="days",
        good="down",
        definition="Net accounts receivable, in days of average daily net patient service revenue.",
        missing="no feed delivers the balance of net accounts receivable or net patient service revenue; an extract of "
        "the general ledger would",
    ),
)
