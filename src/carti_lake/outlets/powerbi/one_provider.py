"""The pages about one provider: the one that a right click leads to, and the one that shows where a pointer rests."""

from carti_lake.outlets.powerbi.fields import LINE, MONTH, PAYER, PROVIDER, RENDERING, measure
from carti_lake.outlets.powerbi.layout import HEAD, LOWER, UPPER, Page, cell, figures, page
from carti_lake.outlets.powerbi.visuals import Place, Visual

#: Names of the pages.
DRILL, TIP = "one_provider", "provider_tip"
_TIP_SIZE = (320, 240)
_KEY = ("visits", "payments", "leakage_rate", "remittance_denial_rate")


def drill_through() -> Page:
    """A provider by month, service line, payer and partner."""
    made = page(
        DRILL,
        "One provider",
        (MONTH, LINE),
        figures(
            "Visits, payments, leakage, denials, no-shows and experience of the provider.",
            *(measure(name) for name in (*_KEY, "no_show_rate", "top_box_rate")),
        ),
        Visual(
            "provider_by_month",
            "lineChart",
            cell(UPPER, 0, 2),
            "Line chart of the provider's visits by month.",
            {"Category": [MONTH], "Y": [measure("visits", "Visits")]},
            "Visits by month",
        ),
        Visual(
            "provider_by_line",
            "clusteredBarChart",
            cell(UPPER, 1, 2),
            "Bars of the provider's visits by service line.",
            {"Category": [LINE], "Y": [measure("visits", "Visits")]},
            "Visits by service line",
        ),
        Visual(
            "provider_by_payer",
            "tableEx",
            cell(LOWER, 0, 2),
            "Table of the provider's payers with claims, denial rate and payments.",
            {
                "Values": [
                    PAYER,
                    measure("claims_monthly.claims", "Claims"),
                    measure("claims_monthly.remittance_denial_rate", "Denial rate"),
                    measure("claims_monthly.payments", "Payments"),
                ]
            },
            "Payers",
        ),
        Visual(
            "provider_refers_to",
            "tableEx",
            cell(LOWER, 1, 2),
            "Table of those whom the provider refers to, with referrals and leakage.",
            {
                "Values": [
                    RENDERING,
                    measure("referral_flow.referrals", "Referrals"),
                    measure("referral_leakage", "Leakage"),
                ]
            },
            "Refers to",
        ),
    )
    _, *others = made.visuals
    who = Visual("who", "tableEx", cell(HEAD, 2, 12, 6), "The provider that the page is about.", {"Values": [PROVIDER]})
    back = Visual(
        "back",
        "actionButton",
        cell(HEAD, 0, 12, 2),
        "Button: back to the page before.",
        {},
        objects={"icon": [{"properties": {"shapeType": {"expr": {"Literal": {"Value": "'back'"}}}}}]},
        link="Back",
    )
    return Page(made.name, made.title, (back, who, *others), "Drillthrough", PROVIDER)


def tip() -> Page:
    """A provider's key figures in a few lines."""
    shown = Visual(
        "provider_in_short",
        "cardVisual",
        Place(8, 8, _TIP_SIZE[0] - 16, _TIP_SIZE[1] - 16),
        "Visits, payments, leakage and denials of the provider.",
        {"Data": [measure(name) for name in _KEY]},
    )
    return Page(TIP, "Provider in short", (shown,), "Tooltip", PROVIDER, _TIP_SIZE)
