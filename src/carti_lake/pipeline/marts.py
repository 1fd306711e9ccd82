"""Every mart, found where it is declared: each module of ``pipeline/gold`` is imported, none is listed."""

import pkgutil
from graphlib import TopologicalSorter
from importlib import import_module

from carti_lake.pipeline import gold
from carti_lake.pipeline.fingerprint import code, fingerprint
from carti_lake.pipeline.mart import REGISTERED, Mart
from carti_lake.tables import Table


def _found() -> tuple[Mart, ...]:
    """The registered marts, each after those that it reads."""
    for module in pkgutil.iter_modules(gold.__path__, f"{gold.__name__}."):
        import_module(module.name)
    by_table = {table.full_name(): place for place, mart in enumerate(REGISTERED) for table in mart.tables}
    reads = {
        place: {by_table[name] for name in mart.inputs if name in by_table} for place, mart in enumerate(REGISTERED)
    }
    return tuple(REGISTERED[place] for place in TopologicalSorter(reads).static_order())


MARTS: tuple[Mart, ...] = _found()
BUILT: tuple[type[Table], ...] = tuple(table for mart in MARTS for table in mart.tables)


def made_by(mart: Mart) -> int:
    """Fingerprint of the code and the declarations that make the mart today."""
    return fingerprint(code(mart.make.__module__), mart.tables)
