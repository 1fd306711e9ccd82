"""Write the pages that follow from the code: ``python docs/generate.py``, or ``make docs``."""

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from carti_lake.cli.app import BUSY, VERBS, main
from carti_lake.metrics import METRICS
from carti_lake.metrics.catalogue import describe_metric
from carti_lake.pipeline.marts import BUILT
from carti_lake.store.errors import FAULTS
from carti_lake.tables import GOLD, QUARANTINE, TABLES
from carti_lake.tables.catalogue import describe
from carti_lake.tables.gold import DataQuality, Reconciliation

HERE = Path(__file__).parent
#: Gold tables that no mart makes, but what commits and checks say.
OF_QUALITY = (DataQuality, Reconciliation)
INNER_VERBS = {
    "source": ("list", "check", "add"),
    "release": ("list", "show", "lock", "unlock"),
    "quality": ("report", "set"),
}


def cli_page() -> str:
    """``docs/cli.md``: the help of every verb."""
    lines = [
        "# The command line",
        "",
        "Made from the program's own help by `make docs`.",
        "",
        "Every verb takes `--lake` (or `CARTI_LAKE`; default `./lake`), prints a table for people, or JSON with "
        "`--json`, and exits with one of these:",
        "",
        "| exit code | what it says |",
        "| --- | --- |",
        "| 0 | done |",
        "| 1 | a failed audit, a refused extract, or what the message says |",
        "| 2 | wrong usage |",
        *(f"| {one.exit_code} | {(one.__doc__ or '').strip()} |" for one in FAULTS),
        f"| {BUSY} | `daily`: another is active; nothing was done |",
        "",
        "Each message of 3 and above names the place and the remedy; what was acknowledged before stands.",
    ]
    for verb in ("", *VERBS):
        lines += ["", f"## carti-lake {verb}".rstrip(), "", "```text", _help(verb), "```"]
        for inner in INNER_VERBS.get(verb, ()):
            lines += ["", f"### carti-lake {verb} {inner}", "", "```text", _help(verb, inner), "```"]
    return "\n".join(lines) + "\n"


def _help(*verb: str) -> str:
    printed = io.StringIO()
    arguments = [*(word for word in verb if word), "--help"]
    with (
        mock.patch.dict(os.environ, {"COLUMNS": "112"}),
        contextlib.redirect_stdout(printed),
        contextlib.suppress(SystemExit),
    ):
        main(arguments)
    return printed.getvalue().strip()


def tables_page() -> str:
    """``docs/tables.md``: every declared table with its columns, rules and findings."""
    lines = ["# The tables", "", "Made from the declarations in `src/carti_lake/tables/` by `make docs`.", ""]
    lines += ["| table | what it is |", "| --- | --- |"]
    lines += [f"| {_link(name)} | {_cell(table.purpose())} |" for name, table in TABLES.items()]
    for table in TABLES.values():
        lines += ["", *_table(describe(table))]
    return "\n".join(lines) + "\n"


def _table(table: dict[str, Any]) -> Iterator[str]:
    name = table["name"]
    yield from (f"## {name}", "", table["purpose"])
    if name in {one.full_name() for one in GOLD.values()} - {one.full_name() for one in (*BUILT, *OF_QUALITY)}:
        yield from ("", "Declared; no step fills it yet.")
    facts = {"Key": ", ".join(table["key"]), "Partitioned by": table["partition"], "A view of": table["view_of"]}
    if any(facts.values()):
        yield from ("", " · ".join(f"{label}: {value}" for label, value in facts.items() if value))
    if name in {one.full_name() for one in QUARANTINE.values()}:
        yield from ("", "Columns: those of its feed, and `key_hash` and `rules`.")
        return
    yield from ("", "| column | type | unit | required | description |", "| --- | --- | --- | --- | --- |")
    for column in table["columns"]:
        required = "yes" if column["required"] else ""
        values = (f"`{column['name']}`", column["type"], column["unit"], required, column["description"])
        yield "| " + " | ".join(_cell(value) for value in values) + " |"
    for title, texts in (("rule", table["rules"]), ("finding", table["findings"])):
        if texts:
            yield from ("", f"| {title} | meaning |", "| --- | --- |")
            yield from (f"| {_cell(f'`{name}`')} | {_cell(text)} |" for name, text in texts.items())
    if table["checks"]:
        headers = ("check", "category", "a failing row", "warns from", "blocks from", "and rows")
        yield from ("", f"| {' | '.join(headers)} |", "| --- " * len(headers) + "|")
        for one in table["checks"]:
            shares = ["never" if one[name] is None else f"{one[name]:.0%}" for name in ("warn", "block")]
            values = (f"`{one['id']}`", one["category"], one["action"], *shares, f"{one['fewest']:,}")
            yield "| " + " | ".join(_cell(value) for value in values) + " |"


def _link(name: str) -> str:
    return f"[{name}](#{name.replace('.', '')})"


def _cell(value: str | None) -> str:
    return (value or "").replace("|", "\\|")


def metrics_page() -> str:
    """``docs/metrics.md``: every metric with its definition, formula and source."""
    described = [describe_metric(metric) for metric in METRICS.values()]
    lines = ["# The metrics", "", "Made from the registry in `src/carti_lake/metrics/` by `make docs`.", ""]
    lines += ["| metric | what it is | unit | better | source |", "| --- | --- | --- | --- | --- |"]
    for one in described:
        values = (f"[{one['id']}](#{one['id']})", one["title"], one["unit"], one["good"], one["source"])
        lines.append("| " + " | ".join(_cell(value) for value in values) + " |")
    for one in described:
        lines += ["", *_metric(one)]
    return "\n".join(lines) + "\n"


def _metric(metric: dict[str, Any]) -> Iterator[str]:
    yield from (f"## {metric['id']}", "", f"**{metric['title']}.** {metric['definition']}", "")
    if metric["missing"]:
        yield f"Null: {metric['missing']}."
        return
    facts = {
        "Formula": metric["formula"],
        "Columns": f"`{metric['columns']}` of `{metric['mart']}`",
        "Its sums add up over": ", ".join(metric["additive_over"]) or "nothing: it counts distinct patients",
        "Cases (n)": " + ".join(metric["cases"]),
        "Made from": ", ".join(metric["made_from"]),
        "Used in": ", ".join(metric["used_in"]),
        "DAX": f"`{metric['dax']}`",
    }
    yield from (f"- {label}: {value}" for label, value in facts.items() if value)


PAGES = {"cli.md": cli_page, "tables.md": tables_page, "metrics.md": metrics_page}

if __name__ == "__main__":
    for file, page in PAGES.items():
        (HERE / file).write_text(page(), encoding="utf-8")
