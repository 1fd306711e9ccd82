"""What the models add."""

import dataframely as dy

from carti_lake.tables import fields as f
from carti_lake.tables.gold.provider import Gold


def _probability(description: str) -> dy.Float64:
    return dy.Float64(nullable=True, min=0, max=1, description=description, metadata={"unit": "ratio"})


def _dollars(description: str) -> dy.Float64:
    """What is predicted of a value; none is below zero."""
    return dy.Float64(nullable=True, min=0, description=description, metadata={"unit": "USD"})


class OpportunityPredictions(Gold, table="opportunity_predictions"):
    """Opportunity value by provider: as recorded, as fitted, and as predicted without the provider's own row."""

    provider_id = f.provider_id("Provider", primary_key=True)
    model = f.key("Model")
    opportunity_value = dy.Float64(
        nullable=True,
        description="As recorded in the CRM",
        metadata={"unit": "USD", "of": ("provider_summary.opportunity_value",)},
    )
    predicted = _dollars("Fitted on all providers")
    predicted_without_own_row = _dollars("Leave-one-out: fitted on the other providers")


class OpportunityScores(Gold, table="opportunity_scores"):
    """Win probability and value of every open opportunity; no rows while no model is used."""

    opportunity_id = f.key("Salesforce Opportunity Id")
    provider_id = f.provider_id("Provider whom it is about", nullable=True)
    win_probability = _probability("Calibrated probability that it is won")
    predicted_value = _dollars("Value if it is won")
    expected_value = _dollars("win_probability x predicted_value")
    drivers = f.text("The strongest drivers of the probability, in plain words")
    model_version = f.text("Version of the model")


class ModelMetrics(Gold, table="model_metrics"):
    """How good each model is, beside its baselines, with the number of rows that say so."""

    model = f.key("Model")
    version = f.key("Version of the model; empty for what is fitted anew in every run")
    estimator = f.key("What predicted: the model itself, or a baseline beside it")
    split = f.key("How rows were held out")
    metric = f.key("Measure of error")
    value = dy.Float64(nullable=True, description="Value; null where there are too few rows")
    n = f.count("Rows scored")
    data_release = f.count("Release that it was trained on; null for what is fitted anew in every run", nullable=True)
    note = f.text("What the reader must know before using it")


class Forecasts(Gold, table="forecasts"):
    """Monthly forecasts with intervals by level, as they were made: the newest origin is the current one."""

    level = f.key("network, service_line or provider")
    member = f.key("The service line or provider; network for the network")
    metric = f.key("visits, new_patients, gross_charges, net_cash or referrals")
    origin = dy.Date(primary_key=True, description="Last complete month that it was made from")
    model_version = f.key("Version of the model")
    month = dy.Date(primary_key=True, description="Month forecast")
    forecast = dy.Float64(nullable=True, description="Point forecast; null where there is too little history")
    lower_80 = dy.Float64(nullable=True, description="Lower end of the 80 % interval")
    upper_80 = dy.Float64(nullable=True, description="Upper end of the 80 % interval")
    lower_95 = dy.Float64(nullable=True, description="Lower end of the 95 % interval")
    upper_95 = dy.Float64(nullable=True, description="Upper end of the 95 % interval")
    method = f.text("What made it, before it was made to add up: the model's, or a baseline in its place")


class ForecastAccuracy(Gold, table="forecast_accuracy"):
    """Each past forecast against what came, as it was made."""

    level = f.key("network, service_line or provider")
    member = f.key("The service line or provider; network for the network")
    metric = f.key("What was forecast")
    origin = dy.Date(primary_key=True, description="Last complete month that it was made from")
    model_version = f.key("Version of the model")
    month = dy.Date(primary_key=True, description="Month forecast")
    horizon = f.count("Months ahead: 1 is the month after the origin")
    forecast = dy.Float64(description="Point forecast, as it was made")
    actual = dy.Float64(description="What came, as it is known now")
    absolute_error = dy.Float64(description="|forecast - actual|")
    scaled_error = dy.Float64(
        nullable=True, description="Absolute error over the seasonal naive's mean absolute error before the origin"
    )
    within_80 = f.flag("Whether it came within the 80 % interval")
    within_95 = f.flag("Whether it came within the 95 % interval")


class RiskScores(Gold, table="risk_scores"):
    """Probabilities for open claims, recent discharges and booked appointments; none of a model that is not used."""

    model = f.key("denial, readmission or no_show")
    subject_id = f.key("Claim, stay or appointment")
    provider_id = f.provider_id("Provider", nullable=True)
    subject_date = f.day("Day of service, discharge or appointment", nullable=False)
    probability = _probability(
        "Calibrated probability; of a readmission: that it yet comes by the 30th day after the discharge"
    )
    drivers = f.text("The strongest drivers, in plain words")
    model_version = f.text("Version of the model")
