"""The report's pages for the public: what the whole network tells by month, line, provider, payer and reason."""

from carti_lake.metrics import METRICS
from carti_lake.outlets.powerbi.fields import LINE, MONTH, PAYER, PROVIDER, REASON
from carti_lake.outlets.powerbi.layout import BOTH, LOWER, UPPER, Page, cell, figures, page
from carti_lake.outlets.powerbi.measures import headline
from carti_lake.outlets.powerbi.names import TABLES
from carti_lake.outlets.powerbi.overview import overview
from carti_lake.outlets.powerbi.public_model import BY_MONTH, along
from carti_lake.outlets.powerbi.visuals import Field, Visual, meaning
from carti_lake.outlets.published.star import NETWORK

#: Two axes are never crossed: what is no month's stays as it is, whatever month is chosen.
_ALWAYS = ", all months together"
_BY_LINE, _BY_PROVIDER, _BY_PAYER = "network_by_service_line", "network_by_provider", "network_by_payer"
_REFERRALS, _LINES_REFERRALS, _DENIALS = "referrals_by_month", "referrals_by_service_line", "denials_by_reason"
_CLAIMS = "claims_by_month"


def public_pages() -> tuple[Page, ...]:
    """Overview, referrals, providers, claims."""
    return (_overview(), _referrals(), _providers(), _claims())


def _of(name: str, table: str, label: str | None = None) -> Field:
    return Field(TABLES[table], along(name, table), True, label)


def _head(name: str, part: str = "") -> Field:
    return Field(TABLES[BY_MONTH], f"{headline(name)}{part}", True, METRICS[name].title)


def _overview() -> Page:
    return overview(
        (MONTH,),
        _head,
        lambda name: _of(name, BY_MONTH),
        Visual(
            "visits_by_month",
            "lineChart",
            cell(UPPER, 0, 3, 2),
            "Line chart of visits by month.",
            {"Category": [MONTH], "Y": [_of("visits", BY_MONTH, "Visits")]},
            "Visits by month",
        ),
        Visual(
            "visits_by_line",
            "clusteredBarChart",
            cell(LOWER, 1, 3),
            "Bars of visits by service line, over all months.",
            {"Category": [LINE], "Y": [_of("visits", _BY_LINE)]},
            f"Visits by service line{_ALWAYS}",
        ),
    )


def _referrals() -> Page:
    flow = "referral_flow."
    outcomes = {
        _of("own_cases", _REFERRALS, "Completed in network"): "completed",
        _of(f"{flow}out_of_network", _REFERRALS, "Out of network"): "out of network",
        _of(f"{flow}never_completed", _REFERRALS, "Never completed"): "never completed",
    }
    return page(
        "referrals",
        "Referrals and leakage",
        (MONTH,),
        figures(
            "Referrals made, leakage, referrals received and keepage of the whole network, over all months.",
            *(_of(name, NETWORK) for name in ("referrals_made", "leakage_rate", "referrals_received", "keepage_rate")),
        ),
        Visual(
            "outcomes_by_month",
            "stackedColumnChart",
            cell(BOTH, 0, 2),
            "Stacked columns of what became of the referrals of each month.",
            {"Category": [MONTH], "Y": [*outcomes]},
            "What became of referrals, by month made",
            objects=meaning(outcomes),
        ),
        Visual(
            "leakage_by_line",
            "clusteredBarChart",
            cell(BOTH, 1, 2),
            "Bars of the share of referrals that leaked, by service line, over all months.",
            {"Category": [LINE], "Y": [_of("referral_leakage", _LINES_REFERRALS)]},
            f"Leakage by service line{_ALWAYS}",
        ),
    )


def _providers() -> Page:
    shown = {
        "visits": "Visits",
        "payments": "Payments",
        "remittance_denial_rate": "Denial rate",
        "net_collection_rate": "Net collection",
        "leakage_rate": "Leakage",
        "keepage_rate": "Keepage",
        "stays": "Stays",
        "top_box_rate": "Top box",
        "no_show_rate": "No-shows",
    }
    return page(
        "providers",
        "Providers, all months together",
        (PROVIDER,),
        figures(
            "Visits, stays, experience, length of stay and no-shows of the whole network, over all months.",
            *(_of(name, NETWORK) for name in ("visits", "stays", "top_box_rate", "avg_length_of_stay", "no_show_rate")),
        ),
        Visual(
            "provider_figures",
            "tableEx",
            cell(BOTH, 0, 1),
            "Table of providers with visits, payments, denial and collection rates, leakage, stays and no-shows.",
            {
                "Values": [
                    PROVIDER,
                    Field("Provider", "Specialty"),
                    *(_of(name, _BY_PROVIDER, label) for name, label in shown.items()),
                ]
            },
            f"Providers{_ALWAYS}",
        ),
    )


def _claims() -> Page:
    claims, denials = "claims_monthly.", "denials_monthly."
    fates = {
        _of(f"{denials}initially_denied_charges", _DENIALS, "Denied"): "denied",
        _of(f"{denials}overturned_charges", _DENIALS, "Overturned"): "paid",
    }
    return page(
        "claims",
        "Claims and denials",
        (MONTH,),
        figures(
            "Claims, denial and collection rates of the whole network, over all months.",
            *(
                _of(name, NETWORK)
                for name in ("claims", "remittance_denial_rate", "gross_collection_rate", "net_collection_rate")
                if name in METRICS
            ),
        ),
        Visual(
            "rates_by_month",
            "lineChart",
            cell(UPPER, 0, 2),
            "Line of the remittance denial rate by month of service.",
            {"Category": [MONTH], "Y": [_of(f"{claims}remittance_denial_rate", _CLAIMS, "Remittance denial rate")]},
            "Denial rate by month of service; the newest months are not settled yet",
        ),
        Visual(
            "rates_by_payer",
            "clusteredBarChart",
            cell(UPPER, 1, 2),
            "Bars of the remittance denial rate by payer, over all months.",
            {"Category": [PAYER], "Y": [_of(f"{claims}remittance_denial_rate", _BY_PAYER, "Remittance denial rate")]},
            f"Denial rate by payer{_ALWAYS}",
        ),
        Visual(
            "denials_by_reason",
            "clusteredBarChart",
            cell(LOWER, 0, 2),
            "Bars of the charges of claims ever denied, and of those overturned, by reason, over all months.",
            {"Category": [REASON], "Y": [*fates]},
            f"Charges denied and overturned, by reason{_ALWAYS}",
            objects=meaning(fates),
        ),
        Visual(
            "payers",
            "tableEx",
            cell(LOWER, 1, 2),
            "Table of payers with claims, charges, payments and net collection, over all months.",
            {
                "Values": [
                    PAYER,
                    _of(f"{claims}claims", _BY_PAYER, "Claims"),
                    _of(f"{claims}gross_charges", _BY_PAYER, "Charges"),
                    _of(f"{claims}payments", _BY_PAYER, "Payments"),
                    _of(f"{claims}net_collection_rate", _BY_PAYER, "Net collection"),
                ]
            },
            f"Payers{_ALWAYS}",
        ),
    )
