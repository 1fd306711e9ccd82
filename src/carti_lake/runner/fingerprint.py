"""What made a table: a change of declaration, code or key must rebuild it."""

import hashlib
import inspect
from collections.abc import Iterable
from types import ModuleType

from carti_lake.tables import Table

#: Application transaction under which gold tables record what made them.
MADE_BY = "made_by"


def fingerprint(modules: Iterable[ModuleType], tables: Iterable[type[Table]], secret: str = "") -> int:
    """A number of 60 bits that changes with the source of the modules and of the tables' declarations."""
    declared = [module for table in tables if (module := inspect.getmodule(table)) is not None]
    sources = [inspect.getsource(module) for module in (*modules, *declared)]
    digest = hashlib.sha256("\0".join([*sources, secret]).encode()).hexdigest()
    return int(digest[:15], 16)
