"""Metrics over ``gold.readmissions``."""

from carti_lake.metrics.metric import Metric, Sum
from carti_lake.tables.gold import Readmissions

READMISSION_METRICS: tuple[Metric, ...] = (
    Metric(
        "readmission_rate",
        "30-day readmission, oncology (adapted)",
        Readmissions,
        Sum.of("readmissions"),
        Sum.of("index_stays"),
        "CMS/PQM measure 3188",
        good="down",
        proportion=True,
        definition="Cancer stays followed by an unplanned readmission within 30 days, as a share of those with 30 days "
        "of data after the discharge. Index: cancer (C) as principal diagnosis, 18 years or over, discharged alive and "
        "not transferred. Readmission: emergency or urgent, and neither metastatic disease (C77-C79, C7B) nor "
        "radiation, chemotherapy or immunotherapy (Z51.0, Z51.1) as principal diagnosis. Adapted: all payers; "
        "secondary diagnoses and readmissions elsewhere are not delivered.",
    ),
)
