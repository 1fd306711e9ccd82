"""Where the work of a run is done: one verb, a function of a task for each of several tasks."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


class Map(Protocol):
    """Works out a function of each task, wherever that may be.

    A function of a module, with what is bound to it by ``functools.partial``, is sent to where it runs. It may be
    asked again of the same task: what it wrote counts only by what it returns.
    """

    def __call__(self, function: Callable[[Task], Result], tasks: Sequence[Task], /) -> list[Result]:
        """The results in the order of the tasks."""
        ...


def here(function: Callable[[Task], Result], tasks: Sequence[Task], /) -> list[Result]:
    """One task after the other in this process: each uses all processors already."""
    return [function(task) for task in tasks]
