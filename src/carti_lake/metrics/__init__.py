"""The metric registry: each metric declared once, as a sum or a ratio of sums, with its definition's source."""

from carti_lake.metrics.claims import CLAIMS_METRICS
from carti_lake.metrics.crm import CRM_RATES, CRM_SUMS
from carti_lake.metrics.marketing import MARKETING_METRICS
from carti_lake.metrics.metric import FORMATS, Metric, Sum
from carti_lake.metrics.provider import PROVIDER_RATES, PROVIDER_SUMS
from carti_lake.metrics.readmission import READMISSION_METRICS
from carti_lake.metrics.referral import REFERRAL_METRICS
from carti_lake.metrics.undelivered import UNDELIVERED

_DECLARED: tuple[Metric, ...] = (
    *PROVIDER_RATES,
    *CRM_RATES,
    *READMISSION_METRICS,
    *REFERRAL_METRICS,
    *MARKETING_METRICS,
    *CLAIMS_METRICS,
    *UNDELIVERED,
    *PROVIDER_SUMS,
    *CRM_SUMS,
)
#: Every metric, by id.
METRICS: dict[str, Metric] = {metric.id: metric for metric in _DECLARED}

__all__ = [
    "CRM_RATES",
    "FORMATS",
    "METRICS",
    "PROVIDER_RATES",
    "Metric",
    "Sum",
    "UnknownMetricError",
    "find_metric",
]


class UnknownMetricError(KeyError):
    """An id that no declared metric has."""

    def __str__(self) -> str:
        return str(self.args[0])


def find_metric(metric_id: str) -> Metric:
    """The metric of that id.

    Raises
    ------
    UnknownMetricError
        With the ids that come closest.
    """
    from difflib import get_close_matches

    if metric_id in METRICS:
        return METRICS[metric_id]
    near = get_close_matches(metric_id, METRICS, n=3)
    hint = f" Did you mean {', '.join(near)}?" if near else " `carti-lake metrics` lists them."
    raise UnknownMetricError(f"There is no metric {metric_id!r}.{hint}")
