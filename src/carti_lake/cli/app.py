"""The program itself: its verbs by name, and how it ends."""

import os
import re
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

#: Set to see the traceback of an unexpected error; it may quote rows, so it is never shown unasked.
DEBUG = "CARTI_LAKE_DEBUG"
FAILED, WRONG_USAGE = 1, 2
#: Beyond those of `store.errors.FAULTS`.
BUSY = 10

#: Verbs in the order of use.
VERBS = (
    *("demo", "generate", "map", "load", "source", "pull", "run", "daily", "status"),
    *("tables", "metrics"),
    *("query", "history", "diff", "explain", "compare", "quality", "quarantine"),
    *("release", "model", "charts", "dashboard", "workbook", "report", "publish", "powerbi", "audience", "disclosures"),
    "publications",
    *("access", "key", "audit", "serve", "optimize", "vacuum", "verify", "repair", "backup", "restore", "upgrade"),
)


class _InOrderOfUse(TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(super().list_commands(ctx), key=VERBS.index)


app = typer.Typer(
    name="carti-lake",
    cls=_InOrderOfUse,
    help="Extracts of SG2, Salesforce and the EHR in, one audited release out.",
    epilog="Start with `carti-lake demo`. Every verb has --help.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    # Plain help starts twice as fast as rich help.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


@app.callback(invoke_without_command=True)
def version(version: bool = typer.Option(False, "--version", is_eager=True, help="Print the version.")) -> None:
    """Extracts of SG2, Salesforce and the EHR in, one audited release out."""
    if version:
        from carti_lake import __version__

        typer.echo(__version__)
        raise typer.Exit


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command line and exit: 0 success, 1 a failed audit or load, 2 wrong usage, else `store.errors.FAULTS`."""
    try:
        app(args=arguments, prog_name="carti-lake")
    except Exception as error:
        sys.exit(_ended(error))
    except BaseException as error:
        # A damaged data file panics inside the reader, past every `except Exception`.
        if type(error).__name__ != "PanicException":
            raise
        sys.exit(_ended(error))


def _ended(error: BaseException) -> int:
    """Say what went wrong, for the person who reads it; returns the exit code."""
    from carti_lake.cli.show import complain
    from carti_lake.metrics import UnknownMetricError
    from carti_lake.models.catalogue import UnknownModelError
    from carti_lake.pull.declaration import UnknownSourceError
    from carti_lake.sources.batches import UnknownFeedError
    from carti_lake.sources.extract import ExtractError
    from carti_lake.store.errors import NetworkError, fault
    from carti_lake.tables import UnknownTableError

    if os.environ.get(DEBUG):
        traceback.print_exception(error)
    if isinstance(
        error, UnknownTableError | UnknownFeedError | UnknownMetricError | UnknownModelError | UnknownSourceError
    ):
        complain(str(error))
        return WRONG_USAGE
    if isinstance(error, ExtractError):
        complain(str(error))
    elif (known := fault(error, _place(error))) is not None:
        complain(str(known))
        return known.exit_code
    elif isinstance(error, ModuleNotFoundError):
        complain(f"This needs the package {error.name}: pip install 'carti_lake[all]'.")
    elif isinstance(error, OSError) and error.strerror:
        complain(f"{error.filename or 'A file'}: {error.strerror}.")
    elif isinstance(error, OSError):
        said = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", str(error)).split())[:300]
        complain(f"The storage does not answer ({said}). Check its address, the credentials, and the network.")
        return NetworkError.exit_code
    else:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        complain(
            f"Unexpected {type(error).__name__} in {os.path.basename(frame.filename)}, line {frame.lineno}. "
            f"{DEBUG}=1 shows the traceback, which may quote rows: do not share it unread."
        )
    return FAILED


def _place(error: BaseException) -> str:
    """Where a fault that no verb foresaw has happened, as far as the error tells."""
    return str(getattr(error, "filename", None) or "The storage")
