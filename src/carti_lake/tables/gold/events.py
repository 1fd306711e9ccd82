"""Which columns count events about people, and how the counts make each other up: what disclosure control reads.

A count of visits, claims, stays, referrals or appointments is a count about patients: each event is somebody's.
"""

from dataclasses import dataclass

from carti_lake.tables.gold.claims import ClaimsActivity, ClaimsAged, ClaimsMonthly, DenialsMonthly
from carti_lake.tables.gold.provider import Gold, ProviderMonthly, ProviderSummary
from carti_lake.tables.gold.readmissions import Readmissions
from carti_lake.tables.gold.referrals import ReferralFlow


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
        Axes on which the columns are about the same events, beside the network as a whole; None for all.
    twice
        Column that counts what two of the parts both count.
    """

    whole: str
    parts: tuple[str, ...] = ()
    axes: tuple[str, ...] | None = None
    twice: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that it names."""
        return (self.whole, *self.parts, *([self.twice] if self.twice else []))


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
    axes
        Axes that it is shown along, beside the network as a whole; None for all that have its columns.
    """

    name: str
    shows: tuple[str, ...]
    splits: tuple[Split, ...]
    under: tuple[str, ...] = ()
    axes: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Axis:
    """A way to divide all events of the network, one published table for each mart that counts them.

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
    few
        Whether members of few events are told of together, as :data:`OTHERS`: names that somebody mistyped among them.
    """

    key: str
    mart: type[Gold]
    table: str
    title: str
    few: bool = False


#: The member that stands for all those that have few events, where an axis puts them together.
OTHERS = "others"

#: What is published of events: the network's totals, and these. Two axes are never crossed.
AXES = (
    Axis("provider_id", ProviderMonthly, "provider_summary", ProviderSummary.purpose()),
    Axis("month", ProviderMonthly, "network_by_month", "The network's sums and rates by month."),
    Axis(
        "service_line",
        ProviderMonthly,
        "network_by_service_line",
        "The network's sums and rates by service line.",
        True,
    ),
    Axis("payer", ClaimsMonthly, "network_by_payer", "The network's claims by payer.", True),
    Axis("month", ClaimsMonthly, "claims_by_month", "The network's claims by month of service."),
    Axis("activity_month", ClaimsActivity, "claims_by_activity_month", "What happened to claims in which month."),
    Axis("denial_reason", DenialsMonthly, "denials_by_reason", "Claims ever denied by the reason of the first.", True),
    Axis("month", ReferralFlow, "referrals_by_month", "The network's referrals by month, and what became of them."),
    Axis("service_line", ReferralFlow, "referrals_by_service_line", "The network's referrals by service line.", True),
    Axis("month", Readmissions, "readmissions_by_month", "Cancer stays and readmissions by month of discharge."),
)
#: Marts of which the network's totals alone are published.
TOTALS: tuple[type[Gold], ...] = (ClaimsAged,)

#: What the network's totals and the axes are summed from.
SUMMED: tuple[type[Gold], ...] = (ProviderSummary, *dict.fromkeys(axis.mart for axis in AXES), *TOTALS)

#: On the axis of providers, referrals made and received are about two roles; on these they are about one referral.
_ONE_REFERRAL = ("month", "service_line")
_LEAKS = ("referrals_made_out_of_network", "referrals_made_lost")
_AGES = ("0_30", "31_60", "61_90", "91_120", "over_120")

#: Of a count's parts, those that readers miss most come first: a small remainder then hides the later ones alone.
FAMILIES = (
    Family("visits", ("visits",), (Split("visits"),)),
    Family("claims", ("claims",), (Split("claims"), Split("visits", ("claims",))), ("visits",)),
    Family("charges", ("gross_charges", "payments_as_delivered"), (Split("claims"),), ("visits", "claims")),
    Family(
        "denied claims",
        ("denied_claims", "denied_charges"),
        (Split("claims", ("denied_claims",)), Split("denied_claims", (), ("denial_reason",))),
        ("claims",),
    ),
    Family(
        "paid claims",
        ("paid_claims", "paid_charges"),
        (Split("claims", ("denied_claims", "paid_claims")),),
        ("claims", "denied claims"),
    ),
    Family(
        "open claims",
        ("pending_claims", "pending_charges", "reversed_claims", "reversed_charges"),
        (Split("claims", ("denied_claims", "paid_claims", "pending_claims")),),
        ("claims", "denied claims", "paid claims"),
    ),
    Family("payments", ("payments",), (Split("claims", ("paid_claims",)),), ("claims",)),
    Family(
        "contractual adjustments",
        ("contractual_claims", "contractual_charges", "contractual_adjustments", "contractual_payments"),
        (Split("paid_claims", ("contractual_claims",)),),
        ("paid claims",),
    ),
    Family(
        "submitted claims",
        ("submitted_claims", "submitted_charges"),
        (Split("submitted_claims", (), ("activity_month",)), Split("claims", ("submitted_claims",), ())),
        ("claims",),
        ("activity_month",),
    ),
    Family(
        "initial denials",
        ("initially_denied_claims", "initially_denied_charges"),
        (
            Split("initially_denied_claims", (), ("activity_month", "denial_reason")),
            Split("claims", ("initially_denied_claims",)),
            Split("initially_denied_claims", ("denied_claims",)),
        ),
        ("claims", "denied claims"),
    ),
    Family(
        "overturned denials",
        ("overturned_claims", "overturned_charges"),
        (
            Split("initially_denied_claims", ("denied_claims", "overturned_claims")),
            Split("paid_claims", ("overturned_claims",)),
            Split("claims", ("paid_claims", "initially_denied_claims"), twice="overturned_claims"),
        ),
        ("claims", "denied claims", "paid claims", "initial denials"),
    ),
    Family(
        "aged claims",
        (
            *("open_claims", "open_charges", "dated_charges"),
            *(f"{what}_{age}" for what in ("claims", "charges") for age in _AGES),
        ),
        (
            Split("claims", ("denied_claims", "paid_claims", "open_claims"), ()),
            Split("pending_claims", ("open_claims",), ()),
            Split("open_claims", tuple(f"claims_{age}" for age in _AGES), ()),
        ),
        ("claims", "denied claims", "paid claims", "open claims"),
        (),
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
    Family(
        "index stays",
        ("index_stays",),
        (Split("index_stays", (), ("month",)), Split("stays", ("index_stays",), ())),
        ("stays",),
    ),
    Family("readmissions", ("readmissions",), (Split("index_stays", ("readmissions",)),), ("index stays",)),
    Family(
        "referrals made",
        ("referrals_made", "referrals"),
        (Split("referrals_made"), Split("referrals_made", ("referrals",))),
    ),
    Family(
        "referrals received",
        ("referrals_received",),
        (Split("referrals_received"), Split("referrals_made", ("referrals_received",), _ONE_REFERRAL)),
        ("referrals made",),
    ),
    Family(
        "leaks",
        (*_LEAKS, "out_of_network", "never_completed"),
        (
            Split("referrals_made", _LEAKS),
            Split(_LEAKS[0], ("out_of_network",)),
            Split(_LEAKS[1], ("never_completed",)),
        ),
        ("referrals made",),
    ),
    Family(
        "referrals completed",
        ("referrals_completed", "completed_in_network"),
        (
            Split("referrals_received", ("referrals_completed",)),
            Split("referrals_made", (*_LEAKS, "referrals_completed"), _ONE_REFERRAL),
            Split("referrals_completed", ("completed_in_network",)),
        ),
        ("referrals made", "referrals received", "leaks"),
    ),
    Family(
        "first visits",
        ("first_visits", "days_to_first_visit"),
        (
            Split("referrals_made", ("first_visits",), ()),
            Split("referrals_made", ("first_visits", _LEAKS[1]), ()),
        ),
        ("referrals made", "leaks"),
        (),
    ),
    Family("appointments", ("appointments",), (Split("appointments"),)),
    Family("no-shows", ("no_shows",), (Split("appointments", ("no_shows",)),), ("appointments",)),
)


def kinds() -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Of each kind of event (visits, stays, referrals, appointments) the wholes, and every column that tells of it."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    of: dict[str, str] = {}
    for family in FAMILIES:
        of[family.name] = of[family.under[0]] if family.under else family.name
        wholes, columns = found.setdefault(of[family.name], ([], []))
        wholes += () if family.under else family.shows
        columns += family.shows
    return [(tuple(wholes), tuple(columns)) for wholes, columns in found.values()]


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
