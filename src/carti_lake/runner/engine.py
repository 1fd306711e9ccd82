"""Where the work of a run is done: one verb, a function of a task for each of several tasks."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

from carti_lake.store.log import transaction

if TYPE_CHECKING:
    from deltalake import DeltaTable

Task = TypeVar("Task")
Result = TypeVar("Result")


class Map(Protocol):
    """Works out a function of each task, wherever that may be.

    A function of a module, with what is bound to it by ``functools.partial``, is sent to where it runs. It may be
    asked again of the same task: what it wrote counts only by what it returns.
    """

    #: Under which name the log tells of it.
    __name__: str

    def __call__(self, function: Callable[[Task], Result], tasks: Sequence[Task], /) -> list[Result]:
        """The results in the order of the tasks."""
        ...


def here(function: Callable[[Task], Result], tasks: Sequence[Task], /) -> list[Result]:
    """One task after the other in this process: each uses all processors already."""
    return [function(task) for task in tasks]


#: The engines that there are, by name.
HERE, SPARK = here.__name__, "spark"


def made_on(engine: Map, handle: "DeltaTable") -> dict[str, int]:
    """The application transaction that says, in the commit that makes a table anew, where that was worked out."""
    return {_mark(engine.__name__): handle.version() + 1}


def maker(handle: "DeltaTable") -> str | None:
    """Name of the engine that made the table anew last; None where none said so."""
    said = {name: transaction(handle, _mark(name)) or 0 for name in (HERE, SPARK)}
    last = max(said, key=lambda name: said[name])
    return last if said[last] else None


def _mark(name: str) -> str:
    return f"made on {name}"
