"""Every gold table, by name."""

from carti_lake.tables.gold.claims import (
    ClaimsActivity,
    ClaimsAged,
    ClaimsLag,
    ClaimsMaturity,
    ClaimsMonthly,
    ClaimsOpen,
    DenialsMonthly,
)
from carti_lake.tables.gold.comparison import ProviderComparison
from carti_lake.tables.gold.dimensions import DimDate, DimProvider, DimServiceLine
from carti_lake.tables.gold.marketing import MarketingMonthly, MarketingRoi
from carti_lake.tables.gold.models import (
    ForecastAccuracy,
    Forecasts,
    ModelMetrics,
    OpportunityPredictions,
    OpportunityScores,
    RiskScores,
)
from carti_lake.tables.gold.provider import Gold, ProviderMonthly, ProviderSummary
from carti_lake.tables.gold.quality import DataQuality, Reconciliation
from carti_lake.tables.gold.readmissions import Readmissions
from carti_lake.tables.gold.referrals import ReferralDays, ReferralFlow, ReferralRevenue

GOLD: dict[str, type[Gold]] = {
    table.short_name: table
    for table in (
        ProviderSummary,
        ProviderMonthly,
        ProviderComparison,
        ReferralFlow,
        ReferralDays,
        ReferralRevenue,
        MarketingRoi,
        MarketingMonthly,
        ClaimsMonthly,
        DenialsMonthly,
        ClaimsActivity,
        ClaimsLag,
        ClaimsMaturity,
        ClaimsOpen,
        ClaimsAged,
        Readmissions,
        Forecasts,
        ForecastAccuracy,
        OpportunityPredictions,
        OpportunityScores,
        RiskScores,
        ModelMetrics,
        DataQuality,
        Reconciliation,
        DimProvider,
        DimDate,
        DimServiceLine,
    )
}

__all__ = [
    "GOLD",
    "ClaimsActivity",
    "ClaimsAged",
    "ClaimsLag",
    "ClaimsMaturity",
    "ClaimsMonthly",
    "ClaimsOpen",
    "DataQuality",
    "DenialsMonthly",
    "DimDate",
    "DimProvider",
    "DimServiceLine",
    "ForecastAccuracy",
    "Forecasts",
    "Gold",
    "MarketingMonthly",
    "MarketingRoi",
    "ModelMetrics",
    "OpportunityPredictions",
    "OpportunityScores",
    "ProviderComparison",
    "ProviderMonthly",
    "ProviderSummary",
    "Readmissions",
    "Reconciliation",
    "ReferralDays",
    "ReferralFlow",
    "ReferralRevenue",
    "RiskScores",
]
