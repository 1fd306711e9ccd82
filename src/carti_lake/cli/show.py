"""What verbs print: tables for people, JSON for programs, progress for those who wait."""

import contextlib
import dataclasses
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

#: Wide enough that nothing is cut where the output goes to a file or another program.
UNLIMITED = 10_000
NOTHING = "—"
#: A longer command does not push the others' explanations to the right.
LONG_COMMAND = 60
#: Longer texts are broken where the screen is narrow; shorter ones, numbers and dates never.
SHORT_TEXT = 36
#: Blanks between columns.
GAP = 2


def screen() -> "Console":
    """Where results go."""
    return _console(stderr=False)


def aside() -> "Console":
    """Where progress, warnings and errors go."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> "Console":
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else UNLIMITED, highlight=False)


def complain(message: str) -> None:
    """Print an error."""
    from rich.text import Text

    aside().print(Text.assemble(("Error: ", "bold red"), message), soft_wrap=True)


def warn(message: str) -> None:
    """Print a warning, beside the results."""
    from rich.text import Text

    aside().print(Text(message, "yellow"), soft_wrap=True)


def say(message: str, style: str = "") -> None:
    """Print a line as it is, without reading markup in it."""
    from rich.text import Text

    screen().print(Text(message, style), soft_wrap=True)


def next_steps(*steps: tuple[str, str]) -> None:
    """Print what to do next: commands, and what each gives."""
    from rich.text import Text

    width = max((len(command) for command, _ in steps if len(command) <= LONG_COMMAND), default=0)
    for place, (command, gives) in enumerate(steps):
        lead = "Next:" if place == 0 else "     "
        screen().print(Text.assemble((f"{lead} ", "dim"), command.ljust(width), (f"  {gives}", "dim")), soft_wrap=True)


def as_json(value: Any) -> None:
    """Print a value as JSON."""
    print(json.dumps(value, indent=2, default=_plain, ensure_ascii=False))


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    return str(value)


def cell(value: Any) -> str:
    """A value as people read it."""
    match value:
        case None:
            return NOTHING
        case bool():
            return "yes" if value else "no"
        case int():
            # Hashes are no amounts.
            return f"{value:,}" if abs(value) < 10**12 else str(value)
        case float():
            return f"{value:,.2f}" if abs(value) >= 100 else f"{value:.4g}"
        case Decimal():
            return f"{value:z,.2f}"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M}"
        case list() | tuple() | set():
            return ", ".join(cell(one) for one in value)
        case _:
            return str(value)


def grid(
    columns: Mapping[str, str] | Sequence[str], rows: Sequence[Sequence[Any]], title: str | None = None
) -> "Table":
    """A table of values.

    Parameters
    ----------
    columns
        Headers, or headers with the style of their column.
    rows
        Values in the order of the columns; numbers stand to the right.
    title
        Above the table.
    """
    from rich import box
    from rich.table import Table

    table = Table(
        box=box.SIMPLE_HEAD,
        title=title,
        title_justify="left",
        title_style="bold",
        pad_edge=False,
        padding=(0, GAP - 1, 0, 0),
    )
    styles = columns if isinstance(columns, Mapping) else dict.fromkeys(columns, "")
    widths = [
        max([*map(len, name.splitlines()), *(len(cell(row[place])) for row in rows)])
        for place, name in enumerate(styles)
    ]
    # Short values stay whole, unless even so the table is wider than the screen.
    fits = sum(min(width, SHORT_TEXT) + GAP for width in widths) < screen().width
    for place, (name, style) in enumerate(styles.items()):
        numeric = any(isinstance(row[place], int | float | Decimal) for row in rows)
        whole = fits and widths[place] <= SHORT_TEXT
        table.add_column(name, style=style, justify="right" if numeric else "left", overflow="fold", no_wrap=whole)
    for row in zip(*(_texts(column) for column in zip(*rows, strict=True)), strict=True):
        table.add_row(*row)
    return table


def _texts(values: Sequence[Any]) -> "list[Text]":
    from rich.text import Text

    # Years alone are shown without separators.
    years = all(isinstance(value, int) and 1900 <= value <= 2100 for value in values)
    return [value if isinstance(value, Text) else Text(str(value) if years else cell(value)) for value in values]


def frame_grid(frame: "pl.DataFrame") -> None:
    """Print rows of a frame; columns that the screen is too narrow for are named below."""
    console = screen()
    rows = frame.rows()
    shown: list[str] = []
    used = 0
    for place, name in enumerate(frame.columns):
        used += GAP + max([len(name), *(len(cell(row[place])) for row in rows)])
        if shown and used > console.width:
            break
        shown.append(name)
    console.print(grid(shown, frame.select(shown).rows()))
    hidden = frame.columns[len(shown) :]
    if hidden:
        say(f"Not shown for want of room: {', '.join(hidden)}. Select fewer columns, or --format csv.", "dim")


@contextlib.contextmanager
def steps(label: str) -> Iterator[Callable[[str], None]]:
    """Show what is being done, on a terminal; yields the function to tell it."""
    console = aside()
    if not console.is_terminal:
        yield lambda step: None
        return
    from rich.markup import escape

    with console.status(escape(label)) as status:
        yield lambda step: status.update(f"{escape(label)} · [dim]{escape(step)}[/dim]")


@contextlib.contextmanager
def bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show how much is done of how much, on a terminal; yields the function to tell it."""
    console = aside()
    if not console.is_terminal:
        yield lambda done, total: None
        return
    from rich.progress import Progress

    with Progress(console=console, transient=True) as progress:
        task = progress.add_task(label, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
