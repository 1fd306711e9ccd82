"""The metric registry: each metric declared once, as a sum or a ratio of sums, with its definition's source."""

from carti_lake.metrics.claims import CLAIMS_METRICS
from carti_lake.metrics.metric import Metric, Sum
from carti_lake.metrics.provider import CRM_RATES, PROVIDER_RATES

#: Every metric, by id.
METRICS: dict[str, Metric] = {metric.id: metric for metric in (*PROVIDER_RATES, *CRM_RATES, *CLAIMS_METRICS)}

__all__ = ["CLAIMS_METRICS", "CRM_RATES", "METRICS", "PROVIDER_RATES", "Metric", "Sum"]
