"""The star schema that leaves the lake, declared once: dimensions, and the marts that join to them."""

from dataclasses import dataclass
from functools import cached_property

from carti_lake.disclosure import of_people
from carti_lake.metrics import METRICS
from carti_lake.tables.gold import (
    ClaimsActivity,
    ClaimsAged,
    ClaimsMaturity,
    ClaimsMonthly,
    DataQuality,
    DenialsMonthly,
    DimProvider,
    DimServiceLine,
    Forecasts,
    Gold,
    MarketingMonthly,
    MarketingRoi,
    ProviderComparison,
    ProviderMonthly,
    ProviderSummary,
    Readmissions,
    ReferralFlow,
)
from carti_lake.tables.gold.events import AXES, FAMILIES
from carti_lake.tables.gold.marketing import NONE
from carti_lake.tables.gold.referrals import UNKNOWN

#: Key of the member that stands for "unknown" in every dimension.
UNKNOWN_KEY = -1


@dataclass(frozen=True)
class Dimension:
    """What facts are sliced by: a row per member, and one for the unknown.

    Attributes
    ----------
    name
        Of the published table.
    title
        One member, in words.
    key
        Surrogate key: 1, 2, … in the order of the members, -1 for the unknown one.
    declared
        Gold table whose declaration describes the columns.
    natural
        Columns that identify a member in gold.
    label
        Column that people read, without two members of one spelling.
    attributes
        Further columns of ``declared``; the label is among them, or is made from ``natural``.
    unknown
        What gold says where the member is not known.
    """

    name: str
    title: str
    key: str
    declared: type[Gold]
    natural: tuple[str, ...]
    label: str
    attributes: tuple[str, ...] = ()
    unknown: str = UNKNOWN


@dataclass(frozen=True)
class Reference:
    """A fact's way to a dimension.

    Attributes
    ----------
    to
        The dimension.
    column
        Column of the mart, where it is called otherwise than the dimension's own.
    role
        What the member is to the fact, where a fact names two of one dimension.
    """

    to: Dimension
    column: str | None = None
    role: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the mart that name the member."""
        return self.to.natural if self.column is None else (self.column,)

    @property
    def key(self) -> str:
        """The fact's column with the dimension's key."""
        return self.to.key if self.column is None else f"{self.column.removesuffix('_id')}_key"


@dataclass(frozen=True)
class Fact:
    """A mart as it is published: keys, the month, and columns that add up.

    Attributes
    ----------
    mart
        Gold table that declares it.
    references
        Its dimensions.
    month
        Column that joins to the dates; None where it is about no month.
    texts
        Columns that stay as they are, and tell its rows apart.
    chosen
        Its numbers; else those of the mart that add up.
    table
        Name, where it is not the mart's.
    """

    mart: type[Gold]
    references: tuple[Reference, ...] = ()
    month: str | None = None
    texts: tuple[str, ...] = ()
    chosen: tuple[str, ...] | None = None
    table: str | None = None

    @property
    def name(self) -> str:
        """Of the published table."""
        return self.table or self.mart.short_name

    @cached_property
    def numbers(self) -> tuple[str, ...]:
        """Columns of the mart that are published as numbers."""
        return additive(self.mart) if self.chosen is None else self.chosen


def additive(mart: type[Gold]) -> tuple[str, ...]:
    """Columns whose sums mean something at any grain: counts and amounts, and what a metric sums; no rate."""
    summed = summed_by_metrics(mart)
    return tuple(
        name
        for name, dtype in mart.dtypes().items()
        if name in summed
        or ("unit" in mart.meta(name) and not mart.meta(name).get("distinct") and not dtype.is_float())
    )


def summed_by_metrics(mart: type[Gold]) -> tuple[str, ...]:
    """Columns of the mart that a metric of the registry reads."""
    return tuple(dict.fromkeys(name for one in METRICS.values() if one.mart is mart for name in one.inputs()))


PROVIDER = Dimension(
    "dim_provider",
    "provider",
    "provider_key",
    DimProvider,
    ("provider_id",),
    "provider_name",
    tuple(name for name in DimProvider.columns() if name != "provider_id"),
)
SERVICE_LINE = Dimension(
    "dim_service_line", "service line", "service_line_key", DimServiceLine, ("service_line",), "title", ("title",)
)
PAYER = Dimension("dim_payer", "payer", "payer_key", ClaimsMonthly, ("payer",), "payer_name")
DENIAL_REASON = Dimension(
    "dim_denial_reason",
    "denial reason",
    "denial_reason_key",
    DenialsMonthly,
    ("denial_reason",),
    "denial_reason_name",
)
ORIGIN = Dimension("dim_origin", "origin", "origin_key", ReferralFlow, ("origin_zip3",), "origin_name")
CAMPAIGN = Dimension(
    "dim_campaign",
    "campaign",
    "campaign_key",
    MarketingRoi,
    ("campaign_id",),
    "campaign_name",
    ("campaign_name", "campaign_type", "status", "start_date", "end_date"),
    NONE,
)
CHECK = Dimension(
    "dim_check",
    "check",
    "check_key",
    DataQuality,
    ("table_name", "rule"),
    "check_name",
    ("category", "severity", "description"),
)
DIMENSIONS = (PROVIDER, SERVICE_LINE, PAYER, DENIAL_REASON, ORIGIN, CAMPAIGN, CHECK)

_PROVIDER, _SERVICE_LINE, _PAYER = Reference(PROVIDER), Reference(SERVICE_LINE), Reference(PAYER)
_CLAIMS = (_PROVIDER, _PAYER, _SERVICE_LINE)

#: The facts of the star. Those whose marts cross two axes leave the lake with full counts only (ADR 0019).
FACTS = (
    Fact(ProviderMonthly, (_PROVIDER, _SERVICE_LINE), "month"),
    Fact(Readmissions, (_PROVIDER, _SERVICE_LINE), "month"),
    Fact(
        ReferralFlow,
        (
            Reference(PROVIDER, "referring_provider_id"),
            Reference(PROVIDER, "rendering_provider_id", role="rendering provider"),
            Reference(ORIGIN),
            _SERVICE_LINE,
        ),
        "month",
    ),
    Fact(ClaimsMonthly, _CLAIMS, "month"),
    Fact(DenialsMonthly, (*_CLAIMS, Reference(DENIAL_REASON)), "month"),
    Fact(ClaimsActivity, _CLAIMS, "activity_month"),
    Fact(ClaimsMaturity, (), "month"),
    Fact(ClaimsAged, _CLAIMS),
    Fact(ProviderSummary, (_PROVIDER,), chosen=summed_by_metrics(ProviderSummary)),
    Fact(
        ProviderComparison,
        (_PROVIDER,),
        texts=("metric",),
        chosen=(
            *("numerator", "n", "rate", "lower_95", "upper_95", "network_rate", "shrunk_rate"),
            *("rank", "rank_low", "rank_high"),
        ),
    ),
    Fact(MarketingRoi, (Reference(CAMPAIGN), _SERVICE_LINE)),
    Fact(MarketingMonthly, (Reference(CAMPAIGN),), "month"),
    Fact(
        Forecasts,
        (_PROVIDER, _SERVICE_LINE),
        "month",
        ("level", "metric", "method"),
        ("forecast", "lower_80", "upper_80", "lower_95", "upper_95"),
    ),
    Fact(DataQuality, (Reference(CHECK),), "month"),
)

#: The network's sums, whole and along each axis by itself: what is published of events without full counts.
NETWORK = "network"
_BY_AXIS = {
    "provider_id": _PROVIDER,
    "service_line": _SERVICE_LINE,
    "payer": _PAYER,
    "denial_reason": Reference(DENIAL_REASON),
}


def _axis(mart: type[Gold], table: str, key: str | None = None) -> Fact:
    numbers = tuple(name for name in additive(mart) if of_people(mart, name))
    along = [family for family in FAMILIES if key is None or family.axes is None or key in family.axes]
    told = {column for family in along for column in family.shows}
    chosen = numbers if mart is ProviderSummary else tuple(name for name in numbers if name in told)
    references = (_BY_AXIS[key],) if key in _BY_AXIS else ()
    return Fact(mart, references, key if key and key.endswith("month") else None, (), chosen, table)


AXIS_FACTS = (
    _axis(ProviderMonthly, NETWORK),
    _axis(ProviderSummary, "network_by_provider", "provider_id"),
    *(_axis(axis.mart, axis.table, axis.key) for axis in AXES if axis.key != "provider_id"),
)
