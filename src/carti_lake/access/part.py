"""What of a publication a viewer of some providers or service lines reads: their own rows, as everybody has them."""

from dataclasses import replace

import polars as pl

from carti_lake.access.rows import LINE, PROVIDER
from carti_lake.access.viewer import Viewer
from carti_lake.disclosure import Publication
from carti_lake.metrics import PROVIDER_RATES
from carti_lake.pipeline.gold.dimensions import dim_service_line
from carti_lake.tables.gold import DimProvider, DimServiceLine, OpportunityPredictions, ProviderSummary
from carti_lake.tables.gold.events import AXES, MADE_FROM

#: Tables that tell a provider's rows apart.
OF_PROVIDERS = (ProviderSummary, DimProvider, OpportunityPredictions)


def part(whole: Publication, viewer: Viewer) -> Publication:
    """The viewer's own rows of a publication, their sum in place of the network's, and the network's averages in words.

    Nothing is made from what is not published: a publication hides nobody, so anybody may have its averages.

    Parameters
    ----------
    whole
        What everybody may read of the release.
    viewer
        Who is limited to some providers, some service lines, or both: then nothing is told, since axes are not crossed.
    """
    both = viewer.providers is not None and viewer.service_lines is not None
    key, seen = (LINE, viewer.service_lines) if viewer.providers is None else (PROVIDER, viewer.providers)
    own = pl.col(key).is_in([] if both or seen is None else sorted(seen))
    of = [one.table for one in AXES if one.key == key] if key == LINE else [one.short_name for one in OF_PROVIDERS]
    tables = {name: whole.tables[name].filter(own) for name in of if name in whole.tables}
    first = tables.get(next(one.table for one in AXES if one.key == key))
    # A sum without those that are told of with others would pass for a sum of all.
    apart = whole.told is not None and not whole.told.pooled.get(key, frozenset()).isdisjoint(seen or ())
    network = whole.network.clear() if first is None else _sum(first, whole.network, all_told=not apart)
    if key == LINE and first is not None:
        tables[DimServiceLine.short_name] = dim_service_line(first.lazy()).collect()
    return replace(whole, tables=tables, network=network, notes=(*whole.notes, averages(whole.network)), told=None)


def averages(network: pl.DataFrame) -> str:
    """The network's published rates in one sentence, to stand beside somebody's own."""
    said = []
    for rate in PROVIDER_RATES:
        value = network[rate.id].item() if rate.id in network.columns else None
        if value is not None and rate.unit == "ratio":
            said.append(f"{rate.title.partition(' (')[0]} {value:.1%}")
    return f"The whole network, from the publication for everybody: {'; '.join(said) or 'nothing that may be told'}."


def _sum(rows: pl.DataFrame, network: pl.DataFrame, all_told: bool) -> pl.DataFrame:
    """The rows' sums under the network's names; null where one of them is hidden, or not told of by itself."""
    plain = {new[0]: old for old, new in MADE_FROM.items() if len(new) == 1}
    rows = rows.with_columns(pl.col(old).alias(new) for new, old in plain.items() if old in rows.columns)
    sums = [name for name in network.columns[1:] if name in rows.columns and not rows.schema[name].is_float()]
    hidden = {name: pl.col(name).is_null().any() | (pl.len() == 0) | (not all_told) for name in sums}
    made = rows.select(pl.when(~hidden[name]).then(pl.col(name).sum()).alias(name) for name in sums)
    rates = [rate for rate in PROVIDER_RATES if {*rate.summed()} <= {*sums} and rate.id in network.columns]
    known = made.select(
        pl.when(pl.all_horizontal(pl.col(rate.summed()).is_not_null())).then(rate.expression()).alias(rate.id)
        for rate in rates
    )
    return network.clear(1).with_columns(*made, *known).cast(network.schema)
