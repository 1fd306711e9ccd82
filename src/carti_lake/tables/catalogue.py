"""The catalogue: what each declaration says, in plain values for the command line and the docs."""

from dataclasses import asdict
from typing import Any

import polars as pl

from carti_lake.tables.checks import DELIVERY_CHECKS
from carti_lake.tables.silver import Entity
from carti_lake.tables.table import Table

_TYPES = {
    pl.String: "text",
    pl.Int64: "integer",
    pl.Float64: "number",
    pl.Boolean: "yes/no",
    pl.Date: "date",
    pl.Datetime: "time (UTC)",
}


def describe(table: type[Table]) -> dict[str, Any]:
    """Everything that is declared of a table.

    Returns
    -------
    dict
        ``name``, ``purpose``, ``key``, ``partition``, ``view_of``, ``columns`` (name, type, unit, required,
        description), ``rules`` and ``findings`` (id and meaning), ``checks`` (id, category, what it does, declared
        thresholds).
    """
    return {
        "name": table.full_name(),
        "purpose": table.purpose(),
        "key": table.key(),
        "partition": table.partition_by,
        "view_of": table.view_of.full_name() if table.view_of else None,
        "columns": [_column(table, name) for name in table.columns()],
        "rules": rules(table),
        "findings": {one.id: f"{one.category.capitalize()}: {one.description}." for one in table.findings()},
        "checks": checks(table),
    }


def _column(table: type[Table], name: str) -> dict[str, Any]:
    declared = table.columns()[name]
    return {
        "name": name,
        "type": type_name(table.dtypes()[name]),
        "unit": table.meta(name).get("unit"),
        "required": bool(table.meta(name).get("required")) or not declared.nullable,
        "description": declared.description,
    }


def type_name(dtype: pl.DataType) -> str:
    """A type in plain words."""
    if isinstance(dtype, pl.Decimal):
        return f"decimal({dtype.precision}, {dtype.scale})"
    return _TYPES.get(dtype.base_type(), str(dtype))


def rules(table: type[Table]) -> dict[str, str]:
    """Ids and meanings of the rules that refuse a row, or keep a mart from being written."""
    found = {}
    for rule, text in table.rule_text().items():
        column, _, kind = rule.partition("|")
        if kind in ("min", "max"):
            bound = getattr(table.columns()[column], kind)
            found[rule] = f"{column} is at {'least' if kind == 'min' else 'most'} {bound}."
        elif not kind:
            found[rule] = text
    if issubclass(table, Entity):
        found["<column>|unreadable"] = "A value that the row needs can be read: a real date, a number, a known code."
        found["<column>|nullability"] = "A required column has a value."
        found["<column>|implausible"] = "A day that the row needs is none that stands for having none."
        found["<column>|icd9"] = "A diagnosis is no ICD-9-CM code."
        found["<column>|mangled"] = "No spreadsheet has rounded an identifier (2.60331E+12)."
        found["<column>|total_row"] = "The row is not a report's total."
        if table.amounts():
            found["currency|foreign"] = "Amounts are US dollars."
    return found


def checks(table: type[Table]) -> list[dict[str, Any]]:
    """What is checked of a table: each check's category, what a failing row meets, and its declared thresholds."""
    refusing, delivered = (list(rules(table)), DELIVERY_CHECKS) if issubclass(table, Entity) else ([], ())
    return [
        {
            "id": rule,
            "category": table.category_of(rule),
            "action": "quarantine" if rule in refusing else "report",
            **asdict(table.declared_thresholds(rule)),
        }
        for rule in (*refusing, *(one.id for one in table.findings()), *delivered)
    ]
