"""The report's pages: five as the dashboard has them, and two about one provider; what each visual shows, and where."""

from carti_lake.metrics import METRICS
from carti_lake.outlets.powerbi.fields import (
    CAMPAIGN,
    CHECK,
    COMPARED,
    FORECAST_OF,
    LEVEL,
    LINE,
    MONTH,
    ORIGIN,
    PAYER,
    PROVIDER,
    REASON,
    RENDERING,
    head,
    measure,
)
from carti_lake.outlets.powerbi.layout import BOTH, LOWER, UPPER, Page, cell, figures, page
from carti_lake.outlets.powerbi.one_provider import TIP, drill_through, tip
from carti_lake.outlets.powerbi.overview import overview
from carti_lake.outlets.powerbi.visuals import Field, Visual, meaning


def _forecast(name: str, label: str) -> Field:
    return Field("Forecasts", name, True, label)


def _compared(name: str, label: str) -> Field:
    return Field("Provider Comparison", f"Compared: {name}", True, label)


_BAND = (
    _forecast("Forecast", "Forecast"),
    _forecast("Forecast: lower 95 %", "Lower end, 95 %"),
    _forecast("Forecast: upper 95 %", "Upper end, 95 %"),
)


def pages() -> tuple[Page, ...]:
    """The five pages, and those that a mark of them leads to."""
    return (_overview(), _referrals(), _providers(), _claims(), _marketing(), drill_through(), tip())


def _overview() -> Page:
    return overview(
        (MONTH, LINE, PROVIDER),
        head,
        measure,
        Visual(
            "visits_by_month",
            "lineChart",
            cell(UPPER, 0, 3, 2),
            "Line chart of visits by month, and the network's forecast with its 95 % interval.",
            {"Category": [MONTH], "Y": [measure("visits", "Visits"), *_BAND]},
            "Visits by month, and the network's forecast",
            ((FORECAST_OF, METRICS["visits"].title), (LEVEL, "network")),
        ),
        Visual(
            "visits_by_line",
            "clusteredBarChart",
            cell(LOWER, 1, 3),
            "Bars of visits by service line.",
            {"Category": [LINE], "Y": [measure("visits")]},
            "Visits by service line",
        ),
    )


def _referrals() -> Page:
    flow = "referral_flow."
    outcomes = {
        measure("own_cases", "Completed in network"): "completed",
        measure(f"{flow}out_of_network", "Out of network"): "out of network",
        measure(f"{flow}never_completed", "Never completed"): "never completed",
        measure(f"{flow}still_open", "Still open"): "open",
    }
    return page(
        "referrals",
        "Referrals and leakage",
        (MONTH, LINE, PROVIDER),
        figures(
            "Referrals, leakage in volume and in dollars, keepage, and days to the first visit.",
            measure(f"{flow}referrals", "Referrals"),
            measure("referral_leakage"),
            measure("referral_leakage_dollars"),
            measure("leaked_value"),
            measure("referral_keepage", "Keepage"),
            measure("mean_days_to_first_visit"),
        ),
        Visual(
            "outcomes_by_month",
            "stackedColumnChart",
            cell(UPPER, 0, 2),
            "Stacked columns of what became of the referrals of each month.",
            {"Category": [MONTH], "Y": [*outcomes]},
            "What became of referrals, by month made",
            objects=meaning(outcomes),
        ),
        Visual(
            "leakage_by_line",
            "clusteredBarChart",
            cell(UPPER, 1, 2),
            "Bars of the share of referrals that leaked, by service line.",
            {"Category": [LINE], "Y": [measure("referral_leakage")]},
            "Leakage by service line",
        ),
        Visual(
            "from_and_to",
            "tableEx",
            cell(LOWER, 0, 3, 2),
            "Table of referring and rendering providers with their referrals, leakage and cash.",
            {
                "Values": [
                    Field("Provider", "Provider", label="Referring provider"),
                    RENDERING,
                    measure(f"{flow}referrals", "Referrals"),
                    measure("referral_leakage", "Leakage"),
                    measure("leaked_value", "Leaked dollars"),
                    measure(f"{flow}realised_cash", "Cash so far"),
                ]
            },
            "Who refers to whom",
            tip=TIP,
        ),
        Visual(
            "cases_by_origin",
            "clusteredBarChart",
            cell(LOWER, 2, 3),
            "Bars of referrals completed in network by the first three digits of the patient's ZIP code.",
            {"Category": [ORIGIN], "Y": [measure("own_cases")]},
            "Own cases by origin (ZIP3)",
        ),
    )


def _providers() -> Page:
    return page(
        "providers",
        "Providers",
        (MONTH, LINE, PROVIDER, COMPARED),
        figures(
            "Visits, stays, experience, length of stay, no-shows and readmissions of the chosen providers.",
            *(
                measure(name)
                for name in (
                    *("visits", "stays", "top_box_rate", "avg_length_of_stay", "no_show_rate", "readmission_rate"),
                )
            ),
        ),
        Visual(
            "provider_figures",
            "tableEx",
            cell(BOTH, 0, 2),
            "Table of providers with visits, payments, denial and collection rates, leakage, stays and won deals.",
            {
                "Values": [
                    PROVIDER,
                    Field("Provider", "Specialty"),
                    measure("visits", "Visits"),
                    measure("payments", "Payments"),
                    measure("remittance_denial_rate", "Denial rate"),
                    measure("gross_collection_rate", "Gross collection"),
                    measure("leakage_rate", "Leakage"),
                    measure("stays", "Stays"),
                    measure("win_rate", "Win rate"),
                ]
            },
            "Providers",
            tip=TIP,
        ),
        Visual(
            "comparison",
            "tableEx",
            cell(BOTH, 1, 2),
            "Table of providers with their rate on the chosen metric, its 95 % interval, the shrunk rate and the rank "
            "with its interval.",
            {
                "Values": [
                    PROVIDER,
                    COMPARED,
                    _compared("n", "Cases"),
                    _compared("rate", "Rate"),
                    _compared("lower 95 %", "Lower, 95 %"),
                    _compared("upper 95 %", "Upper, 95 %"),
                    _compared("shrunk rate", "Shrunk rate"),
                    _compared("network rate", "Network"),
                    _compared("rank", "Rank"),
                    _compared("rank low", "Rank from"),
                    _compared("rank high", "Rank to"),
                ]
            },
            "Compared fairly: twelve months, whatever month is chosen",
            tip=TIP,
        ),
    )


def _claims() -> Page:
    claims, denials = "claims_monthly.", "denials_monthly."
    fates = {
        measure(f"{denials}initially_denied_charges", "Denied"): "denied",
        measure(f"{denials}overturned_charges", "Overturned"): "paid",
    }
    return page(
        "claims",
        "Claims and denials",
        (MONTH, LINE, PROVIDER, PAYER),
        figures(
            "Claims, denial and collection rates, overturned denials, old receivables.",
            measure(f"{claims}claims", "Claims"),
            measure(f"{claims}remittance_denial_rate", "Remittance denial rate"),
            measure("initial_denial_share"),
            measure("overturn_rate"),
            measure(f"{claims}gross_collection_rate", "Gross collection rate"),
            measure("aged_receivables_rate"),
        ),
        Visual(
            "rates_by_month",
            "lineChart",
            cell(UPPER, 0, 2),
            "Lines of the initial denial rate and of the maturity of each month's claims, provisional under 90 %.",
            {"Category": [MONTH], "Y": [measure("initial_denial_rate"), measure("claim_maturity")]},
            "Initial denials by month; claim maturity under 90 % is provisional",
        ),
        Visual(
            "rates_by_payer",
            "clusteredBarChart",
            cell(UPPER, 1, 2),
            "Bars of the remittance denial rate by payer.",
            {"Category": [PAYER], "Y": [measure(f"{claims}remittance_denial_rate", "Remittance denial rate")]},
            "Denial rate by payer",
        ),
        Visual(
            "denials_by_reason",
            "clusteredBarChart",
            cell(LOWER, 0, 2),
            "Bars of the charges of claims ever denied, and of those overturned, by reason.",
            {"Category": [REASON], "Y": [*fates]},
            "Charges denied and overturned, by reason",
            objects=meaning(fates),
        ),
        Visual(
            "payers",
            "tableEx",
            cell(LOWER, 1, 2),
            "Table of payers with claims, charges, payments, collection rates and old receivables.",
            {
                "Values": [
                    PAYER,
                    measure(f"{claims}claims", "Claims"),
                    measure(f"{claims}gross_charges", "Charges"),
                    measure(f"{claims}payments", "Payments"),
                    measure(f"{claims}net_collection_rate", "Net collection"),
                    measure("aged_receivables_rate", "Over 90 days"),
                ]
            },
            "Payers",
        ),
    )


def _marketing() -> Page:
    returns = {
        measure("roi_as_delivered"): "as delivered",
        measure("campaign_roi"): "closed-won",
        measure("realised_roi"): "realised",
    }
    roi, monthly, quality = "marketing_roi.", "marketing_monthly.", "data_quality."
    return page(
        "marketing",
        "Marketing, forecast, quality",
        (MONTH, LINE, CAMPAIGN, FORECAST_OF),
        figures(
            "Cost of campaigns, what they won and brought, and the three returns on it.",
            measure(f"{roi}actual_cost", "Actual cost"),
            measure(f"{roi}won_value", "Won"),
            measure("campaign_cash", "Cash brought"),
            measure("roi_as_delivered", "ROI as delivered"),
            measure("campaign_roi", "ROI closed-won"),
            measure("realised_roi", "ROI realised"),
        ),
        Visual(
            "returns_by_campaign",
            "clusteredBarChart",
            cell(UPPER, 0, 2),
            "Bars of each campaign's return: as delivered, closed-won and realised.",
            {"Category": [CAMPAIGN], "Y": [*returns]},
            "Return of campaigns",
            objects=meaning(returns),
        ),
        Visual(
            "credited_by_month",
            "clusteredColumnChart",
            cell(UPPER, 1, 2),
            "Columns of the cash that is credited to campaigns by month.",
            {"Category": [MONTH], "Y": [measure(f"{monthly}realised_cash", "Cash")]},
            "Cash credited to campaigns, by month",
        ),
        Visual(
            "forecasts",
            "lineChart",
            cell(LOWER, 0, 2),
            "Line of the network's forecast of the chosen metric by month, with its 95 % interval.",
            {"Category": [MONTH], "Y": _BAND},
            "The network's forecast of the chosen metric",
            ((LEVEL, "network"),),
        ),
        Visual(
            "checks",
            "tableEx",
            cell(LOWER, 1, 2),
            "Table of the checks of data quality with the rows that fail them.",
            {
                "Values": [
                    CHECK,
                    Field("Check", "Category"),
                    Field("Check", "Severity"),
                    measure(f"{quality}failed", "Rows that fail"),
                    measure(f"{quality}failing_share", "Share"),
                ]
            },
            "Data quality",
        ),
    )
