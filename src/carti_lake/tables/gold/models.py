"""What the models add."""

import dataframely as dy

from carti_lake.tables import fields as f
from carti_lake.tables.gold.provider import Gold


class OpportunityPredictions(Gold, table="opportunity_predictions"):
    """Opportunity value by provider: as recorded, as fitted, and as predicted without the provider's own row."""

    provider_id = f.provider_id("Provider", primary_key=True)
    model = f.key("Model")
    opportunity_value = dy.Float64(nullable=True, description="As recorded in the CRM", metadata={"unit": "USD"})
    predicted = dy.Float64(nullable=True, description="Fitted on all providers", metadata={"unit": "USD"})
    predicted_without_own_row = dy.Float64(
        nullable=True, description="Leave-one-out: fitted on the other providers", metadata={"unit": "USD"}
    )


class ModelMetrics(Gold, table="model_metrics"):
    """How good each model is, with the number of rows that say so."""

    model = f.key("Model")
    split = f.key("How rows were held out")
    metric = f.key("Measure of error")
    value = dy.Float64(nullable=True, description="Value; null where there are too few rows")
    n = f.count("Rows scored")
    note = f.text("What the reader must know before using it")


class Forecasts(Gold, table="forecasts"):
    """Monthly forecasts with intervals, by level."""

    level = f.key("network, provider or service line")
    member = f.key("The provider or service line")
    metric = f.key("What is forecast")
    month = dy.Date(primary_key=True, description="Month forecast")
    origin = f.day("Month that the forecast was made from", nullable=False)
    forecast = dy.Float64(description="Point forecast")
    lower_80 = dy.Float64(description="Lower end of the 80 % interval")
    upper_80 = dy.Float64(description="Upper end of the 80 % interval")
    lower_95 = dy.Float64(description="Lower end of the 95 % interval")
    upper_95 = dy.Float64(description="Upper end of the 95 % interval")


class RiskScores(Gold, table="risk_scores"):
    """Probabilities for open claims, recent discharges and booked appointments."""

    model = f.key("denial, readmission or no_show")
    subject_id = f.key("Claim, stay or appointment")
    provider_id = f.provider_id("Provider")
    probability = dy.Float64(nullable=True, min=0, max=1, description="Calibrated probability")
    drivers = f.text("The strongest drivers, in plain words")
