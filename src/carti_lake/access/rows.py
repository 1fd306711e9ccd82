"""Which rows of a table a viewer sees: read off the table's declaration."""

import polars as pl

from carti_lake.access.viewer import Viewer
from carti_lake.tables import Table
from carti_lake.tables.gold import ForecastAccuracy, Forecasts, ProviderComparison
from carti_lake.tables.gold.events import OF_PATIENTS

PROVIDER, LINE = "provider_id", "service_line"
#: What stands for no provider, and so hides nobody.
NOBODY = "unknown"
#: Tables whose rows tell of other providers than those that they name: limits, ranks, and sums that must add up.
MIXED = frozenset({ProviderComparison.short_name, Forecasts.short_name, ForecastAccuracy.short_name})


def provider_columns(table: type[Table]) -> list[str]:
    """Columns that name a provider."""
    return [name for name in table.columns() if name.endswith(PROVIDER)]


def row_filter(table: type[Table], viewer: Viewer) -> pl.Expr | None:
    """Condition of the rows that the viewer sees; None where no row may be seen.

    A row is seen if every provider and the service line that it names are seen. A table that does not name what the
    viewer is limited by is not seen at all, nor is one whose rows tell of other providers as well.

    Parameters
    ----------
    table
        Of silver or gold.
    viewer
        Who reads.
    """
    if table.short_name in OF_PATIENTS:
        return None
    if viewer.unrestricted:
        return pl.lit(True)
    if table.short_name in MIXED:
        return None
    conditions = [pl.lit(True)]
    if viewer.providers is not None:
        named = provider_columns(table)
        if not named:
            return None
        seen = [*sorted(viewer.providers), NOBODY]
        conditions += [pl.col(name).is_in(seen).fill_null(True) for name in named]
        # A row that names nobody is nobody's.
        conditions.append(pl.any_horizontal(pl.col(name).is_in(seen[:-1]).fill_null(False) for name in named))
    if viewer.service_lines is not None:
        if LINE not in table.columns():
            return None
        conditions.append(pl.col(LINE).is_in(sorted(viewer.service_lines)).fill_null(False))
    return pl.all_horizontal(conditions)
