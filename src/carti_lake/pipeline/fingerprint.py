"""What made a table: a change of declaration, code or key must rebuild it."""

import hashlib
import inspect
import re
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from types import ModuleType

from carti_lake.tables import Table

#: Application transaction under which gold tables record what made them.
MADE_BY = "made_by"
#: Rooms whose code decides what is in a table; declarations of tables are told apart, table by table.
LOGIC = ("pipeline", "metrics", "comparison", "models")
_PACKAGE = __name__.partition(".")[0]
#: An import of the package's own, as the code is formatted; the syntax trees of a hundred modules take 0.1 s a run.
IMPORT = re.compile(rf"^ *from ({_PACKAGE}[\w.]*) import (\([^)]*\)|.*)$", re.MULTILINE)


def fingerprint(modules: Iterable[ModuleType], tables: Iterable[type[Table]], secret: str = "") -> int:
    """A number of 60 bits that changes with the source of the modules and of the tables' declarations."""
    declared = [module for table in tables if (module := inspect.getmodule(table)) is not None]
    sources = [inspect.getsource(module) for module in (*modules, *declared)]
    digest = hashlib.sha256("\0".join([*sources, secret]).encode()).hexdigest()
    return int(digest[:15], 16)


@cache
def code(*names: str) -> tuple[ModuleType, ...]:
    """The modules of that name and all logic that they import, directly or not, in the order of their names."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _imported(name)
    return tuple(import_module(name) for name in sorted(found))


def _imported(name: str) -> set[str]:
    """Modules of :data:`LOGIC` that a module's source imports."""
    modules: set[str] = set()
    for package, names in IMPORT.findall(inspect.getsource(import_module(name)) or ""):
        modules.add(package)
        # What is imported from a package may be a module of it.
        modules |= {f"{package}.{one}" for one in re.findall(r"\w+", names) if _is_module(package, one)}
    rooms = tuple(f"{_PACKAGE}.{room}" for room in LOGIC)
    return {one for one in modules if one.startswith(rooms) and one != __name__}


def _is_module(package: str, name: str) -> bool:
    return package.startswith(_PACKAGE) and isinstance(getattr(import_module(package), name, None), ModuleType)
