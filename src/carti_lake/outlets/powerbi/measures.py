"""The model's measures: those of the metric registry, and what they need beside them to be read."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from carti_lake.disclosure import SMALLEST_CELL
from carti_lake.metrics import METRICS, PROVIDER_RATES, Metric, Sum
from carti_lake.metrics.formula import dax
from carti_lake.metrics.sums import sum_of
from carti_lake.outlets.history import needed
from carti_lake.outlets.powerbi.names import (
    DATE,
    RELEASE,
    ROLE_TABLES,
    TABLES,
    WHY_EMPTY,
    column_name,
    in_model,
    words,
)
from carti_lake.outlets.published.star import DIMENSIONS, FACTS
from carti_lake.tables.gold import (
    ClaimsMonthly,
    DataQuality,
    DenialsMonthly,
    Forecasts,
    Gold,
    MarketingMonthly,
    MarketingRoi,
    ProviderComparison,
    ReferralFlow,
)

PERCENT, WHOLE, DOLLARS, DECIMAL = "#,0.0%;-#,0.0%;#,0.0%", "#,0", r"\$#,0;(\$#,0);\$#,0", "#,0.0"
#: How a measure that is a text is written: as it is.
TEXT = "@"
#: Number format and display folder by unit.
_FORMATS = {
    "ratio": (PERCENT, "Rates"),
    "count": (WHOLE, "Counts"),
    "USD": (DOLLARS, "Dollars"),
    "days": (DECIMAL, "Days and points"),
    "points": (DECIMAL, "Days and points"),
}
#: Why a table has no row at all, where that is not for want of a delivery.
WHY = {
    "Forecasts": "no model is trained, or its data were not enough",
    "Provider Comparison": "no provider has the cases that a comparison needs",
}
#: Metrics that head the report.
HEADLINES = ("visits", "gross_charges", "payments", "referrals_made", "leakage_rate", "remittance_denial_rate")


@dataclass(frozen=True)
class Measure:
    """A measure of the model.

    Attributes
    ----------
    table
        The model's table that it stands in.
    name, description
        For people; the name is the only one of the model.
    expression
        DAX.
    format
        Number format.
    folder
        Display folder.
    """

    table: str
    name: str
    expression: str
    format: str
    folder: str
    description: str


#: Rates that pages show by payer.
_BY_PAYER = ("remittance_denial_rate", "gross_collection_rate", "net_collection_rate")


def _extra() -> Iterator[Metric]:
    """Sums and rates that the report needs over marts that the registry has no metric of."""
    yield from (
        replace(rate, title=f"{rate.title}, by payer", mart=ClaimsMonthly)
        for rate in PROVIDER_RATES
        if rate.id in _BY_PAYER
    )
    yield sum_of(ClaimsMonthly, "claims", title="Claims, by payer")
    yield sum_of(ClaimsMonthly, "gross_charges", title="Gross charges, by payer")
    yield sum_of(ClaimsMonthly, "payments", title="Payments on paid claims, by payer")
    yield sum_of(DenialsMonthly, "initially_denied_charges", title="Charges of claims ever denied, by reason")
    yield sum_of(DenialsMonthly, "overturned_charges", title="Charges of denials overturned, by reason")
    yield sum_of(ReferralFlow, "referrals", title="Referrals, all outcomes")
    yield sum_of(ReferralFlow, "out_of_network", title="Referrals seen out of network")
    yield sum_of(ReferralFlow, "never_completed", title="Referrals never completed")
    yield sum_of(ReferralFlow, "still_open", title="Referrals still open")
    yield sum_of(ReferralFlow, "realised_cash", title="Cash of referred visits")
    yield sum_of(MarketingRoi, "actual_cost", title="Actual cost of campaigns")
    yield sum_of(MarketingRoi, "won_value", title="Value that campaigns won")
    yield sum_of(MarketingMonthly, "realised_cash", title="Cash credited, by month")
    yield sum_of(DataQuality, "failed", title="Rows that fail a check")
    yield Metric(
        "failing_share",
        "Share of rows that fail a check",
        DataQuality,
        Sum.of("failed"),
        Sum.of("checked"),
        "ours",
        good="down",
        definition="Rows that fail, as a share of the rows that the checks are about.",
    )


#: By id: every metric that the model holds as a measure; those that no feed can deliver are left out.
MODELLED = {
    **{name: one for name, one in METRICS.items() if one.missing is None},
    **{f"{one.mart.short_name}.{one.id}": one for one in _extra()},
}


def short(metric: Metric) -> str:
    """The title without the reasons of its adaptation, which the description has."""
    return re.sub(r" \(((?:adapted|original definition|as delivered)[^:)]*)[^)]*\)", r" (\1)", metric.title)


def _names() -> dict[str, str]:
    often = Counter(short(one).lower() for one in MODELLED.values())
    return {
        name: short(one) if often[short(one).lower()] == 1 else f"{short(one)}, {words(one.mart.short_name).lower()}"
        for name, one in MODELLED.items()
    }


#: By id: the measure's name.
NAMES = _names()


def measures() -> list[Measure]:
    """Every measure of the model."""
    return [
        *(_of(name, one) for name, one in MODELLED.items()),
        *(
            one
            for name in HEADLINES
            for one in headlines(METRICS[name], NAMES[name], TABLES[METRICS[name].mart.short_name])
        ),
        months_shown(),
        *(_why_empty(name) for name in WHY_EMPTY),
        *(_single(Forecasts, name, "Forecast") for name in ("forecast", "lower_95", "upper_95")),
        *(_single(ProviderComparison, name, "Compared") for name in _compared()),
        mixed(
            [TABLES[one] for one in ("dim_date", "security_map", *(one.name for one in (*DIMENSIONS, *FACTS)))]
            + [*ROLE_TABLES.values()]
        ),
    ]


def _of(name: str, metric: Metric) -> Measure:
    return of_metric(metric, TABLES[metric.mart.short_name], NAMES[name], _of_enough(metric))


def of_metric(metric: Metric, table: str, name: str, expression: str) -> Measure:
    """The metric as a measure of a table, with its format and definition."""
    format_, folder = _FORMATS[metric.unit]
    said = f"{metric.meaning.rstrip('.')}. Source: {metric.source}."
    return Measure(table, name, expression, format_, folder, said)


def _of_enough(metric: Metric) -> str:
    """The metric's DAX; a rate on fewer than 11 cases is blank, as in the other outlets."""
    written = dax(metric, in_model)
    if metric.denominator is None or metric.window is not None or not metric.cases:
        return written
    cases = " + ".join(f"SUM({in_model(metric.mart.short_name, name)})" for name in metric.cases)
    return f"IF({cases} >= {SMALLEST_CELL}, {written})"


def _why_empty(table: str) -> Measure:
    """A sentence where no row of a table is left by what is chosen, else nothing."""
    never = f"Nothing here: {WHY.get(table, 'no row of it was delivered')}, or your role may not see it"
    chosen = "Nothing here under what is chosen"
    return Measure(
        table,
        WHY_EMPTY[table],
        f"IF(ISEMPTY('{table}'), IF(ISEMPTY(ALL('{table}')), \"{never}\", \"{chosen}\"))",
        TEXT,
        "About",
        "Why a visual of this table shows nothing; blank where it shows something.",
    )


def headline(name: str) -> str:
    """The name of the measure of a headline number."""
    return f"{NAMES[name]}, headline"


def headlines(metric: Metric, base: str, table: str) -> Iterator[Measure]:
    """A metric over those of the chosen months that stay, its change, and apart the months that still move.

    Without a choice of months it is of the newest period, as in the other outlets.

    Parameters
    ----------
    metric
        Which.
    base
        The measure of it that months are chosen for.
    table
        The table that holds them.
    """
    name = metric.id
    month, newest = f"'{DATE}'[Month Start]", f"'{DATE}'[Newest Period] = TRUE()"
    stays = ", ".join(f"'{DATE}'[{words(one)}] = TRUE()" for one in needed(metric))
    chosen = (
        f"VAR AnyChosen = ISCROSSFILTERED('{DATE}') VAR NewestMonths = CALCULATETABLE(VALUES({month}), {newest}) "
        f"VAR KnownMonths = CALCULATETABLE(VALUES({month}), {stays}) "
        f"VAR ChosenMonths = FILTER(VALUES({month}), AnyChosen || {month} IN NewestMonths) "
        "VAR StayingMonths = INTERSECT(ChosenMonths, KnownMonths) "
        "VAR MonthsChosen = COUNTROWS(ChosenMonths) VAR MovingMonths = EXCEPT(ChosenMonths, StayingMonths) "
    )

    def of(condition: str) -> str:
        return f"CALCULATE([{base}], REMOVEFILTERS('{DATE}'), {condition})"

    value = of(f"{month} IN StayingMonths")
    # What nobody delivered is no growth since: as in the other outlets, all months before must be of the same source.
    nothing = f"ISBLANK([{base}])" if metric.denominator else f"[{base}] = 0"
    begun = f"VAR BegunMonths = FILTER(ALL({month}), NOT({nothing})) VAR FirstBegun = MINX(BegunMonths, {month}) "
    reaches = f"NOT ISBLANK(FirstBegun) && EDATE(MINX(ChosenMonths, {month}), -MonthsChosen) >= FirstBegun"
    before = f"IF({reaches}, {of(f'EDATE({month}, MonthsChosen) IN StayingMonths')})"
    moving = of(f"{month} IN MovingMonths")
    if metric.denominator:
        change, unit = "IF(NOT ISBLANK(ThisValue) && NOT ISBLANK(ValueBefore), ThisValue - ValueBefore)", "in points"
    else:
        change, unit = "IF(NOT ISBLANK(ThisValue), DIVIDE(ThisValue - ValueBefore, ValueBefore))", "in percent"
    format_ = _FORMATS[metric.unit][0]
    folder, said = "Headlines", short(metric)
    yield Measure(
        table,
        headline(name),
        f"{chosen}RETURN {value}",
        format_,
        folder,
        f"{said} over those of the chosen months (else of the newest period) whose numbers will not move any more.",
    )
    yield Measure(
        table,
        f"{headline(name)}, change",
        f"{chosen}{begun}VAR ThisValue = {value} VAR ValueBefore = {before} RETURN {change}",
        PERCENT,
        folder,
        f"{said}: the headline number against the same months one period before, {unit}.",
    )
    yield Measure(
        table,
        f"{headline(name)}, still moving",
        f"{chosen}RETURN {moving}",
        format_,
        folder,
        f"{said} over those of the chosen months whose numbers will still move: not part of the headline number.",
    )


def _compared() -> tuple[str, ...]:
    """The numbers of a comparison that pages show: all but the cases counted, which the rate is of."""
    (numbers,) = (fact.numbers for fact in FACTS if fact.mart is ProviderComparison)
    return tuple(name for name in numbers if name != "numerator")


def _single(mart: type[Gold], name: str, kind: str) -> Measure:
    """A number that does not add up: shown where it is about one row, else blank."""
    table = mart.short_name
    unit = mart.meta(name).get("unit")
    format_ = {"ratio": PERCENT, "count": WHOLE}.get(unit or "", DECIMAL)
    label = re.sub(r" (\d+)$", r" \1 %", words(name).capitalize())
    return Measure(
        TABLES[table],
        kind if name == kind.lower() else f"{kind}: {label.lower()}",
        f"IF(COUNTROWS('{TABLES[table]}') = 1, SUM({in_model(table, name)}))",
        format_,
        kind,
        f"{mart.columns()[name].description}. Blank where more than one row is meant, since it does not add up.",
    )


def months_shown() -> Measure:
    """The months that the headline numbers are chosen from, in words."""
    newest = f"CALCULATE({{}}('{DATE}'[Month Start]), '{DATE}'[Newest Period])"
    ends = (f"IF(ISCROSSFILTERED('{DATE}'), {of}('{DATE}'[Month Start]), {newest.format(of)})" for of in ("MIN", "MAX"))
    written = ' & " to " & '.join(f'FORMAT({end}, "mmm yyyy")' for end in ends)
    return Measure(
        RELEASE,
        "Months of the Headlines",
        f'{written} & "; those that still move are left out"',
        TEXT,
        "About",
        "The chosen months, else the newest period; headline numbers are of those whose numbers move no more.",
    )


def mixed(others: Sequence[str]) -> Measure:
    """How many of the tables were loaded from another release than the table that says which release it is."""
    column = column_name("release", "release")
    terms = [f"IF(COALESCE(MAX('{name}'[{column}]), ShownRelease) = ShownRelease, 0, 1)" for name in others]
    return Measure(
        RELEASE,
        "Tables of Another Release",
        f"VAR ShownRelease = MAX('{RELEASE}'[{column}]) RETURN {' + '.join(terms)}",
        WHOLE,
        "About",
        "Tables that were loaded from another release than the one named here: not 0 means that a new release was "
        "published during the refresh. Refresh again.",
    )
