"""Cells of a sheet without a value though something stands in them: errors, and formulas that were never computed."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

#: What a workbook shows for each error that its reader names.
ERRORS = {
    "Div0": "#DIV/0!",
    "GettingData": "#GETTING_DATA",
    "NA": "#N/A",
    "Name": "#NAME?",
    "Null": "#NULL!",
    "Num": "#NUM!",
    "Ref": "#REF!",
    "Value": "#VALUE!",
}
FORMULA = re.compile(rb"<(\w+:)?f[ />]")
CHUNK = 1 << 20

#: Row and column in what was read of the sheet, from 0, to what stands in the cell.
Cells = dict[tuple[int, int], str]


def errors(sheet: Any) -> Cells:
    """The error cells (``#REF!``) of a sheet that was loaded as text."""
    _, found = sheet.to_arrow_with_errors()
    cells = {}
    for one in found.errors if found else ():
        name = re.search(r"Error\((\w+)\)", one.detail)
        if name:
            cells[one.offset_position] = ERRORS.get(name[1], f"#{name[1].upper()}!")
    return cells


def uncomputed(path: Path, sheet: str, skip_rows: int) -> Cells:
    """The formulas (``=A1+B1``) of a sheet of an XLSX file that have no value beside them, below the skipped rows.

    Files written by programs have these: a formula gets its value when Excel opens and saves the file.
    """
    if not zipfile.is_zipfile(path):
        return {}
    with zipfile.ZipFile(path) as archive:
        part = _part(archive, sheet)
        if part is None or not _holds(archive, part, FORMULA):
            return {}
        cells, first = _formulas(archive, part)
    return {
        (row - skip_rows, column - first): f"={text}"
        for row, column, text in cells
        if row >= skip_rows and column >= first
    }


def _part(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """The archive's part that holds a sheet."""
    try:
        book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
        relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    except (KeyError, ElementTree.ParseError):
        return None
    targets = {one.get("Id"): one.get("Target", "") for one in relations}
    for one in book.iter():
        if one.tag.endswith("}sheet") and one.get("name") == sheet:
            target = next((targets.get(value) for name, value in one.items() if name.endswith("}id")), None)
            part = "" if target is None else target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
            return part if part in archive.namelist() else None
    return None


def _chunks(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    with archive.open(part) as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _holds(archive: zipfile.ZipFile, part: str, pattern: re.Pattern[bytes]) -> bool:
    tail = b""
    for chunk in _chunks(archive, part):
        if pattern.search(tail + chunk):
            return True
        tail = chunk[-64:]
    return False


def _formulas(archive: zipfile.ZipFile, part: str) -> tuple[list[tuple[int, int, str]], int]:
    """Row, column and text of each formula without a value, and the sheet's first column with a value; from 0."""
    found: list[tuple[int, int, str]] = []
    first = 1 << 20
    place, kind = "", ""
    texts: dict[str, str] = {}
    inside = ""

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal place, kind, inside
        tag = tag.rpartition(":")[2]
        if tag == "c":
            place, kind = attributes.get("r", ""), attributes.get("t", "")
            texts.clear()
        elif tag in ("f", "v", "t"):
            inside = tag
            texts[tag] = texts.get(tag, "")

    def text(content: str) -> None:
        if inside:
            texts[inside] += content

    def end(tag: str) -> None:
        nonlocal first, inside
        tag = tag.rpartition(":")[2]
        if tag == inside:
            inside = ""
        if tag != "c" or not (cell := re.fullmatch(r"([A-Z]+)(\d+)", place)):
            return
        column = 0
        for letter in cell[1]:
            column = column * 26 + ord(letter) - ord("A") + 1
        if texts.get("v") or texts.get("t"):
            first = min(first, column - 1)
        elif "f" in texts and kind != "str":
            found.append((int(cell[2]) - 1, column - 1, texts["f"]))

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.CharacterDataHandler, parser.EndElementHandler = start, text, end
    for chunk in _chunks(archive, part):
        parser.Parse(chunk)
    return found, first
