"""What our writer has in common with a project that Microsoft's own serializer writes back unchanged."""

import re
from pathlib import Path

import pytest

from carti_lake.outlets.powerbi.project import project_files

FILES = project_files()
#: Order in which the serializer writes the properties of a column or a measure.
ORDER = (
    *("dataType", "isHidden", "isKey", "formatString", "isAvailableInMdx", "displayFolder", "lineageTag"),
    *("dataCategory", "summarizeBy", "sourceColumn", "sortByColumn"),
)


def theirs(shared: Path, name: str) -> str:
    return (shared / "powerbi/skeleton/ProviderInsights.SemanticModel/definition" / name).read_text("utf-8")


def ours(name: str) -> str:
    return FILES[f"CartiLake.SemanticModel/definition/{name}"]


@pytest.mark.parametrize("name", ["database.tmdl", "cultures/en-US.tmdl"])
def test_files_without_names_are_the_same(shared: Path, name: str) -> None:
    assert ours(name) == theirs(shared, name)


def form(text: str) -> list[str]:
    """Lines with names, texts and ids left out: what remains is the grammar."""
    return [
        re.sub(r"(?<=[:=] ).*|'[^']*'|(?<=^table )\w+|(?<=column )\w+|(?<=level )\w+", "", line)
        for line in text.splitlines()
    ]


@pytest.mark.parametrize("name", ["Date", "Security Map"])
def test_every_kind_of_line_of_a_table_is_one_of_theirs(shared: Path, name: str) -> None:
    known = {line for table in ("Date", "Security Map") for line in form(theirs(shared, f"tables/{table}.tmdl"))}
    mine = [line for line in form(ours(f"tables/{name}.tmdl")) if not line.startswith(("///", "\t///", "\t\t\t\t"))]
    assert [line for line in mine if line not in known] == []


def test_properties_stand_in_the_serializers_order() -> None:
    found = 0
    for name, text in FILES.items():
        for block in re.split(r"\n\n", text) if "/tables/" in name else []:
            properties = re.findall(r"^\t\t(\w+)(?::.*)?$", block, re.M)
            places = [ORDER.index(one) for one in properties if one in ORDER]
            assert places == sorted(places)
            found += len(places)
    assert found > 1000
