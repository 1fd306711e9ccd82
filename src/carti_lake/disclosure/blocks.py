"""Which cells may be shown, so that no count from 1 to 10 can be worked out: pure arithmetic on small arrays.

Along an axis (providers, months, …) the cells divide the network's total. The hidden ones form one block, and all that
a reader can work out of them is the block's sum: the total less the cells that are shown. Whoever has earlier
publications too has their cells and blocks, and is taken to know which cells have not changed since (ADR 0068).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

#: The smallest count of people that may be shown, zero aside (CMS cell-size policy).
SMALLEST_CELL = 11

Counts = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Then:
    """The same cells in an earlier publication.

    Attributes
    ----------
    counts
        Cells x classes, as they were.
    shown
        Cells that it showed.
    known
        For each group of :class:`Cells` the cells whose whole it showed.
    """

    counts: Counts
    shown: Flags
    known: tuple[Flags, ...]


@dataclass(frozen=True)
class Cells:
    """What a family of columns tells of each cell of an axis.

    Attributes
    ----------
    counts
        Cells x classes: every count that can be read off the columns, remainders included.
    whole
        Classes that are a count by itself: a hidden one of them is known to be above zero.
    groups
        For each split its classes, and the cells whose whole, that these make up, is shown.
    open
        Cells that nothing else keeps hidden: their parents are shown.
    earlier
        The publications that readers may have, by number.
    """

    counts: Counts
    whole: tuple[int, ...]
    groups: tuple[tuple[list[int], Flags], ...]
    open: Flags
    earlier: Mapping[int, Then] = field(default_factory=dict)


def small(counts: Counts) -> Flags:
    """Whether a count, or a change of one, is from 1 to 10 in size."""
    found: Flags = (counts != 0) & (np.abs(counts) < SMALLEST_CELL)
    return found


def safe(cells: Cells) -> Flags:
    """Cells whose counts are all zero or above 10, as are their changes since each time that they were shown."""
    unsafe = small(cells.counts).any(axis=1)
    for then in cells.earlier.values():
        unsafe |= then.shown & small(cells.counts - then.counts).any(axis=1)
    return np.asarray(~unsafe, dtype=bool)


def protect(network: Cells | None, axes: Mapping[str, tuple[Cells, Cells | None]]) -> tuple[bool, dict[str, Flags]]:
    """Whether the network's total may be shown, and which cells of each axis.

    Parameters
    ----------
    network
        The total: one cell. None where the columns do not add up to one.
    axes
        For each axis its cells, and the total in the same classes.

    Returns
    -------
    tuple
        The total's flag, and flags by axis. The sum of what is hidden along an axis is then safe as well.
    """
    shown = {axis: cells.open & safe(cells) for axis, (cells, _) in axes.items()}
    total_shown = network is not None and bool((network.open & safe(network))[0])
    # A total that was hidden, and is known to be what it was, would tell what it was.
    if network is not None:
        moved = ((then.counts != network.counts).any() or then.shown[0] for then in network.earlier.values())
        total_shown &= all(moved)
    settled = False
    while not settled:
        settled = True
        for axis, (cells, total) in axes.items():
            while total is not None and (breaches := list(_breaches(cells, total, shown[axis], total_shown))):
                covering = np.sum(breaches, axis=0)
                if covering.any():
                    shown[axis][_least_missed(cells, covering)] = False
                elif total_shown:
                    # Nothing is left that could cover for the block: then its sum must not be known.
                    total_shown, settled = False, False
                    break
                else:
                    break
    return total_shown, shown


def _breaches(cells: Cells, total: Cells, shown: Flags, total_shown: bool) -> Iterator[Flags]:
    """For each count that could be worked out, the shown cells of which one must be hidden as well."""
    left = total.counts[0] - cells.counts[shown].sum(axis=0)
    if total_shown:
        risky = _risky(cells.whole, cells.counts[~shown], left)
        yield from _covered(risky, cells.counts, shown)
    else:
        yield from _to_keep_the_total(cells, total, shown, left)
    carried = any(then.shown[0] and (then.counts == total.counts).all() for then in total.earlier.values())
    for number, then in cells.earlier.items():
        known = left if total_shown or carried else None
        yield from _since(cells, total, shown, known, then, total.earlier[number])


def _since(
    cells: Cells, total: Cells, shown: Flags, left: Counts | None, then: Then, total_then: Then
) -> Iterator[Flags]:
    """What two publications tell together. A cell that has not changed, and is shown in one of them, is known in both.

    Parameters
    ----------
    left
        Sum of the hidden cells; None where it is not known.
    """
    rests = (cells.counts == then.counts).all(axis=1)
    moves = cells.counts - then.counts
    hidden, was = ~shown & ~(rests & then.shown), ~then.shown & ~(rests & shown)
    left_then = total_then.counts[0] - then.counts[~was].sum(axis=0) if total_then.shown[0] else None
    if left is not None:
        left = left - cells.counts[~shown & ~hidden].sum(axis=0)
        # What is carried over from then leaves a smaller block.
        risky = _risky(cells.whole, cells.counts[hidden], left)
        yield from _covered(risky, cells.counts, shown & ~(rests & then.shown))
    if left_then is not None and _risky(cells.whole, then.counts[was], left_then).any():
        yield from _some(shown & rests & ~then.shown)
    if left is not None and left_then is not None and hidden.any() and was.any():
        # One block within the other, at rest: the rest of the larger one is known.
        if not (hidden & ~(was & rests)).any():
            if _risky(cells.whole, then.counts[was & ~hidden], left_then - cells.counts[hidden].sum(axis=0)).any():
                yield from _some(shown & ~rests)
        elif not (was & ~(hidden & rests)).any():
            risky = _risky(cells.whole, cells.counts[hidden & ~was], left - then.counts[was].sum(axis=0))
            yield from _covered(risky, cells.counts, shown & ~rests)
    if (hidden & was).any():
        if left is not None and left_then is not None:
            moved = small((total.counts - total_then.counts)[0] - moves[~(hidden | was)].sum(axis=0))
            yield from _covered(moved, moves, shown)
    else:
        if left_then is not None and small(cells.counts[was].sum(axis=0) - left_then).any():
            yield from _some(shown & was)
        if left is not None:
            yield from _covered(small(left - then.counts[hidden].sum(axis=0)), moves, shown)
    for (group, known), known_then in zip(cells.groups, then.known, strict=True):
        restless = small(moves[:, group]).any(axis=1)
        # Where all of a block is of one class, each cell's count of it is the cell's whole.
        if left is not None and (hidden & known & restless).any() and np.count_nonzero(left[group]) <= 1:
            yield from _some(shown & (cells.counts[:, group] != 0).any(axis=1))
        if left_then is not None and np.count_nonzero(left_then[group]) <= 1:
            yield from _some(shown & was & known_then & restless)


def _risky(whole: tuple[int, ...], members: Counts, sums: Counts) -> Flags:
    """Classes whose sum over a block is small, or tells each member's count."""
    risky = small(sums)
    for one in whole:
        few = int((members[:, one] > 0).sum())
        # Hidden counts are known to be at least 1 and may be guessed to be at most 10: then these sums tell them all.
        risky[one] |= few > 0 and int(sums[one]) in (few, few * (SMALLEST_CELL - 1))
    return risky


def _covered(risky: Flags, counts: Counts, among: Flags) -> Iterator[Flags]:
    """The cells that add to a risky class: each of them covers for the block."""
    if risky.any():
        yield among & (counts[:, risky] != 0).any(axis=1)


def _some(among: Flags) -> Iterator[Flags]:
    if among.any():
        yield among


def _to_keep_the_total(cells: Cells, total: Cells, shown: Flags, hidden: Counts) -> Iterator[Flags]:
    """Cells of which one must be hidden, so that the cells do not add up to a total that is hidden."""
    counts = total.counts[0]
    unsafe = (counts != 0) & small(counts)
    for then in total.earlier.values():
        unsafe |= (counts != 0) & small(counts - then.counts[0])
    needed = unsafe if unsafe.any() else np.arange(counts.size) == np.argmax(counts)
    bare = needed & (hidden == 0) & (counts != 0)
    if bare.any():
        yield from _some(shown & (cells.counts[:, bare] != 0).any(axis=1))


def _least_missed(cells: Cells, covering: npt.NDArray[np.int64]) -> int:
    """Of the cells that cover for most, the smallest."""
    rows = np.flatnonzero(covering == covering.max())
    return int(rows[np.argmin(np.abs(cells.counts[rows]).sum(axis=1))])
