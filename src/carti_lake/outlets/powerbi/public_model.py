"""The model for the public: the network whole, and along one axis at a time, as it is published. Two are never crossed.

A number that is hidden is blank, and so is each sum that it is part of: never a sum of those that are shown.
"""

from collections.abc import Iterator

from carti_lake.disclosure import SMALLEST_CELL
from carti_lake.metrics import METRICS, Metric
from carti_lake.metrics.formula import dax
from carti_lake.outlets.powerbi.measures import (
    HEADLINES,
    MODELLED,
    TEXT,
    Measure,
    headlines,
    mixed,
    months_shown,
    of_metric,
    short,
)
from carti_lake.outlets.powerbi.model import (
    Model,
    date_table,
    dimension_table,
    fact_table,
    relationships_of,
    release_table,
)
from carti_lake.outlets.powerbi.names import TABLES, WHY_BLANK, column_name
from carti_lake.outlets.published.star import AXIS_FACTS, DIMENSIONS, NETWORK, Fact
from carti_lake.tables.gold import Gold, ProviderMonthly, ProviderSummary
from carti_lake.tables.gold.events import MADE_FROM

#: Of the providers' sums that the summary calls otherwise than the months do: by the months' names.
_IN_SUMMARY = {made[0]: name for name, made in MADE_FROM.items() if len(made) == 1}
#: The axis of months that headline numbers are of.
BY_MONTH = "network_by_month"


def public_model() -> Model:
    """The model of what the public may have; a function of the declarations alone. Without roles: all see the same."""
    facts, made = public_facts(), public_measures()
    used = [one for one in DIMENSIONS if any(one is way.to for fact in facts for way in fact.references)]
    tables = (
        *(fact_table(fact, made) for fact in facts),
        *map(dimension_table, used),
        date_table(),
        release_table(made),
    )
    description = "The network's numbers of one audited release, along one axis at a time; small counts are suppressed."
    return Model(description, tables, tuple(relationships_of(facts)), (), "public")


def public_facts() -> list[Fact]:
    """The published axes of which there is a metric."""
    return [fact for fact in AXIS_FACTS if any(True for _ in _metrics(fact))]


def public_measures() -> list[Measure]:
    """Every measure of the model."""
    facts = public_facts()
    used = dict.fromkeys(TABLES[way.to.name] for fact in facts for way in fact.references)
    return [
        *(
            of_metric(metric, TABLES[fact.name], along(name, fact.name), _whole(metric, fact))
            for fact in facts
            for name, metric in _metrics(fact)
        ),
        *(one for name in HEADLINES for one in headlines(METRICS[name], along(name, BY_MONTH), TABLES[BY_MONTH])),
        *(_why_blank(fact) for fact in facts),
        months_shown(),
        mixed([TABLES["dim_date"], *used, *(TABLES[one.name] for one in facts)]),
    ]


def along(name: str, table: str) -> str:
    """The name of the measure of a metric in a published table: of the network as a whole it is the metric's own."""
    title = short(MODELLED[name]).removesuffix(", by payer").removesuffix(", by reason")
    return title if table == NETWORK else f"{title}, {TABLES[table].lower()}"


def _told(metric: Metric, fact: Fact) -> bool:
    """Whether the table holds all that the metric is made of."""
    if metric.mart is not _mart(fact) or metric.window is not None:
        return False
    adds_up = {*metric.mart.key()} <= {*metric.additive_over()}
    return adds_up and {_named(fact, name) for name in (*metric.inputs(), *metric.cases)} <= {*fact.numbers}


def _mart(fact: Fact) -> type[Gold]:
    """The mart whose metrics the table has: of providers it is the monthly one, whose sums the summary holds."""
    return ProviderMonthly if fact.mart is ProviderSummary else fact.mart


def _named(fact: Fact, column: str) -> str:
    return _IN_SUMMARY.get(column, column) if fact.mart is ProviderSummary else column


def _whole(metric: Metric, fact: Fact) -> str:
    """The metric's DAX where no number that it is made of is hidden; a rate asks for 11 cases, as elsewhere."""

    def named(table: str, column: str) -> str:
        return _column(fact, _named(fact, column))

    read = dict.fromkeys(named("", one) for one in metric.inputs())
    conditions = [f"{' + '.join(f'COUNTBLANK({one})' for one in read)} = 0"]
    if metric.denominator is not None and metric.cases:
        cases = " + ".join(f"SUM({named('', one)})" for one in metric.cases)
        conditions.append(f"{cases} >= {SMALLEST_CELL}")
    return f"IF({' && '.join(conditions)}, {dax(metric, named)})"


def _column(fact: Fact, column: str) -> str:
    return f"'{TABLES[fact.name]}'[{column_name(fact.name, column)}]"


def _why_blank(fact: Fact) -> Measure:
    """A sentence where the table has no row under what is chosen, or a number of one is hidden; else nothing."""
    table = TABLES[fact.name]
    read = dict.fromkeys(_column(fact, _named(fact, name)) for _, one in _metrics(fact) for name in one.inputs())
    hidden = " + ".join(f"COUNTBLANK({one})" for one in read)
    return Measure(
        table,
        WHY_BLANK[table],
        f"IF(ISEMPTY('{table}'), \"Nothing here under what is chosen\", IF({hidden} > 0, "
        '"Blank: what tells of 1 to 10 people, or lets others be worked out, and sums of it"))',
        TEXT,
        "About",
        "Why a number of this table is blank; blank itself where none is.",
    )


def _metrics(fact: Fact) -> Iterator[tuple[str, Metric]]:
    """The metrics that the table tells of, by id."""
    return ((name, one) for name, one in MODELLED.items() if _told(one, fact))
