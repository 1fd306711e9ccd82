"""The columns and measures that the report's pages show."""

from carti_lake.metrics import METRICS
from carti_lake.outlets.powerbi.measures import MODELLED, NAMES, headline
from carti_lake.outlets.powerbi.names import DATE, TABLES
from carti_lake.outlets.powerbi.visuals import Field


def measure(name: str, label: str | None = None) -> Field:
    """A metric's measure."""
    return Field(TABLES[MODELLED[name].mart.short_name], NAMES[name], True, label)


def head(name: str, part: str = "", label: str | None = None) -> Field:
    """A headline number, or the part of it: its change, or what still moves."""
    return Field(TABLES[METRICS[name].mart.short_name], f"{headline(name)}{part}", True, label or METRICS[name].title)


MONTH = Field(DATE, "Month Year", label="Month")
PROVIDER, RENDERING = Field("Provider", "Provider"), Field("Rendering Provider", "Rendering Provider")
LINE, PAYER, REASON = (
    Field("Service Line", "Service Line"),
    Field("Payer", "Payer"),
    Field("Denial Reason", "Denial Reason"),
)
ORIGIN, CAMPAIGN, CHECK = Field("Origin", "Origin"), Field("Campaign", "Campaign"), Field("Check", "Check")
LEVEL, FORECAST_OF = Field("Forecasts", "Level"), Field("Forecasts", "Metric")
COMPARED = Field("Provider Comparison", "Metric")
