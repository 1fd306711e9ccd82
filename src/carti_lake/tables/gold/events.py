"""Which columns count events about people, and how the counts make each other up: what disclosure control reads.

A count of visits, claims, stays, referrals or appointments is a count about patients: each event is somebody's.
"""

from dataclasses import dataclass

from carti_lake.tables.gold.claims import ClaimsMonthly
from carti_lake.tables.gold.dimensions import DimProvider
from carti_lake.tables.gold.provider import Gold, ProviderMonthly, ProviderSummary


@dataclass(frozen=True)
class Split:
    """A count, and the counts that divide it: whoever knows them all knows the remainder as well.

    Attributes
    ----------
    whole
        Column that counts the events.
    parts
        Columns that count some of them, no event twice; none where the count stands for itself.
    axes
        Axes on which the columns are about the same events; None for all.
    """

    whole: str
    parts: tuple[str, ...] = ()
    axes: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Family:
    """Columns that are shown or hidden together.

    Attributes
    ----------
    name
        In plain words.
    shows
        The columns.
    splits
        The counts that can be read off them, remainders included: none of them may be from 1 to 10.
    under
        Families without which it is not shown: those of its wholes, so that it never tells of a cell what they hide.
    """

    name: str
    shows: tuple[str, ...]
    splits: tuple[Split, ...]
    under: tuple[str, ...] = ()


@dataclass(frozen=True)
class Axis:
    """A way to divide all events of the network, one published table each.

    Attributes
    ----------
    key
        Column whose values divide them.
    mart
        Gold table that is added up along it.
    table
        Name of the published table.
    title
        What it holds.
    """

    key: str
    mart: type[Gold]
    table: str
    title: str


#: What is published of events: the network's totals, and these. Two axes are never crossed.
AXES = (
    Axis("provider_id", ProviderMonthly, "provider_summary", ProviderSummary.purpose()),
    Axis("month", ProviderMonthly, "network_by_month", "The network's sums and rates by month."),
    Axis("service_line", ProviderMonthly, "network_by_service_line", "The network's sums and rates by service line."),
    Axis("payer", ClaimsMonthly, "network_by_payer", "The network's claims by payer."),
)

#: What the network's totals and the axes are summed from.
SUMMED: tuple[type[Gold], ...] = (ProviderSummary, *dict.fromkeys(axis.mart for axis in AXES))
#: What a later release's publication is compared with, and what a viewer's part of that is made from.
COMPARED = frozenset({DimProvider.full_name(), *(table.full_name() for table in SUMMED)})

#: On the axis of providers, referrals made and received are about two roles; on these they are about one referral.
_ONE_REFERRAL = ("month", "service_line")
_OUTCOMES = ("referrals_made_out_of_network", "referrals_made_lost")

FAMILIES = (
    Family("visits", ("visits",), (Split("visits"),)),
    Family("claims", ("claims",), (Split("claims"), Split("visits", ("claims",))), ("visits",)),
    Family("charges", ("gross_charges", "payments_as_delivered"), (Split("claims"),), ("visits", "claims")),
    Family(
        "claim status",
        ("paid_claims", "denied_claims", "pending_claims", "paid_charges", "denied_charges"),
        (Split("claims", ("paid_claims", "denied_claims", "pending_claims")),),
        ("claims",),
    ),
    Family("payments", ("payments",), (Split("claims", ("paid_claims",)),), ("claims",)),
    Family(
        "contractual adjustments",
        ("contractual_claims", "contractual_charges", "contractual_adjustments", "contractual_payments"),
        (Split("paid_claims", ("contractual_claims",)),),
        ("claim status",),
    ),
    Family("stays", ("stays",), (Split("stays"),)),
    Family("patients", ("total_patients",), (Split("total_patients"), Split("stays", ("total_patients",))), ("stays",)),
    Family(
        "length of stay",
        ("length_of_stay_count", "length_of_stay_days"),
        (Split("stays", ("length_of_stay_count",)),),
        ("stays",),
    ),
    Family(
        "satisfaction",
        ("satisfaction_count", "satisfaction_sum"),
        (Split("stays", ("satisfaction_count",)),),
        ("stays",),
    ),
    Family("top box", ("top_box_count",), (Split("satisfaction_count", ("top_box_count",)),), ("satisfaction",)),
    Family(
        "treatment cost",
        ("treatment_cost_count", "treatment_cost"),
        (Split("stays", ("treatment_cost_count",)),),
        ("stays",),
    ),
    Family("referrals made", ("referrals_made",), (Split("referrals_made"),)),
    Family(
        "referrals received",
        ("referrals_received",),
        (Split("referrals_received"), Split("referrals_made", ("referrals_received",), _ONE_REFERRAL)),
        ("referrals made",),
    ),
    Family(
        "referral outcomes",
        (*_OUTCOMES, "referrals_completed"),
        (
            Split("referrals_made", _OUTCOMES),
            Split("referrals_received", ("referrals_completed",)),
            Split("referrals_made", (*_OUTCOMES, "referrals_completed"), _ONE_REFERRAL),
        ),
        ("referrals made", "referrals received"),
    ),
    Family("appointments", ("appointments",), (Split("appointments"),)),
    Family("no-shows", ("no_shows",), (Split("appointments", ("no_shows",)),), ("appointments",)),
)

#: Columns of ``provider_summary`` that show columns of the marts under another name, or made from them.
MADE_FROM: dict[str, tuple[str, ...]] = {
    "total_visits": ("visits",),
    "total_claim_amount": ("gross_charges",),
    "total_claim_paid": ("payments_as_delivered",),
    "adjudicated_charges": ("paid_charges", "denied_charges"),
}

#: Silver tables that name no patient: the directory, contacts, deals and campaigns. A column that says (``of=``) that
#: it is made from these alone may be published as it is; any other tells of people, one that says nothing too.
OF_BUSINESS = frozenset({"providers", "crm_accounts", "opportunities", "campaigns"})
#: Tables whose rows are single claims, stays or appointments: no outlet ever shows them.
OF_PATIENTS = frozenset({"risk_scores"})
