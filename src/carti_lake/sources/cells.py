"""Cells of a sheet that are not what their value says: errors, formulas never computed, amounts in other currencies."""

import contextlib
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
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
#: The sign of a number format: ``[$€-407]``, ``[$JPY]``; the locale alone, ``[$-409]``, is none.
SIGN = re.compile(r"\[\$([^\]-]+)[^\]]*\]|([€£¥₹₽₩₪₺฿₫₴₦])")
DOLLARS = ("$", "US$", "USD")
NOUGHTS = re.compile(r"0{2,}")
#: Number formats that every workbook has, by their number: those that say more than how many figures there are.
BUILT_IN: dict[str | None, str] = {"9": "0%", "10": "0.00%"}

#: What is told of a cell.
Said = TypeVar("Said")
#: Row and column in what was read of the sheet, from 0, to what stands in the cell.
Cells = dict[tuple[int, int], str]
#: The same to the cell's number format and number.
Shown = dict[tuple[int, int], tuple[str, str]]


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

    def formula(attributes: Mapping[str, str], texts: Mapping[str, str]) -> str | None:
        return f"={texts['f']}" if "f" in texts and attributes.get("t") != "str" and not _says(texts) else None

    with _opened(path, sheet) as (archive, part):
        if archive is None or not _holds(archive, part, FORMULA):
            return {}
        return _below(skip_rows, *_cells(archive, part, formula))


def shown(path: Path, sheet: str, skip_rows: int) -> Shown:
    """The numbers of a sheet of an XLSX file that it shows as something else, each with its format."""
    with _opened(path, sheet) as (archive, part):
        codes = {} if archive is None else {style: code for style, code in _styles(archive).items() if _tells(code)}
        if archive is None or not codes:
            return {}

        def number(attributes: Mapping[str, str], texts: Mapping[str, str]) -> tuple[str, str] | None:
            code = codes.get(attributes.get("s", ""))
            return (code, texts["v"]) if code and attributes.get("t", "n") == "n" and texts.get("v") else None

        return _below(skip_rows, *_cells(archive, part, number))


def in_other_currencies(numbers: Shown) -> Cells:
    """Those that are shown in another currency than dollars, with its sign."""
    return {place: f"{sign} {number}" for place, (code, number) in numbers.items() if (sign := _sign(code))}


def in_percent(numbers: Shown) -> Cells:
    """Those that are shown as percent, with the sign."""
    return {place: f"{float(number) * 100:g} %" for place, (code, number) in numbers.items() if "%" in code}


def with_noughts(numbers: Shown) -> Cells:
    """Whole numbers that are shown with noughts before them, as ZIP codes."""
    return {
        place: number.zfill(len(code))
        for place, (code, number) in numbers.items()
        if NOUGHTS.fullmatch(code) and number.isdecimal()
    }


def _tells(code: str) -> bool:
    """Whether a number format says more than how many figures there are."""
    return bool(_sign(code)) or "%" in code or NOUGHTS.fullmatch(code) is not None


def counts_from_1904(path: Path) -> bool:
    """Whether the days of an XLSX file are counted from 1904, as on Macs, and not from 1900."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        book = archive.read("xl/workbook.xml") if "xl/workbook.xml" in archive.namelist() else b""
    return re.search(rb"""date1904=["'](?:1|true)["']""", book) is not None


def _sign(code: str) -> str | None:
    """The sign of the currency that a number format shows, where that is not the dollar's."""
    found = SIGN.search(code)
    text = "" if found is None else (found[1] or found[2]).strip()
    return None if text in ("", *DOLLARS) else text


def _styles(archive: zipfile.ZipFile) -> dict[str, str]:
    """By number of a style, its number format, of those that the workbook or :data:`BUILT_IN` names."""
    try:
        styles = ElementTree.fromstring(archive.read("xl/styles.xml"))
    except (KeyError, ElementTree.ParseError):
        return {}
    formats = {**BUILT_IN, **{one.get("numFmtId"): one.get("formatCode", "") for one in styles.findall(".//{*}numFmt")}}
    cells = styles.find("{*}cellXfs")
    numbers = [] if cells is None else [style.get("numFmtId") for style in cells]
    return {str(place): found for place, number in enumerate(numbers) if (found := formats.get(number))}


@contextlib.contextmanager
def _opened(path: Path, sheet: str) -> Iterator[tuple[zipfile.ZipFile | None, str]]:
    """The archive and its part that holds the sheet; None where the file is of another kind."""
    if not zipfile.is_zipfile(path):
        yield None, ""
        return
    with zipfile.ZipFile(path) as archive:
        part = _part(archive, sheet)
        yield (None, "") if part is None else (archive, part)


def _below(skip_rows: int, cells: Sequence[tuple[int, int, Said]], first: int) -> dict[tuple[int, int], Said]:
    return {
        (row - skip_rows, column - first): said for row, column, said in cells if row >= skip_rows and column >= first
    }


def _says(texts: Mapping[str, str]) -> bool:
    return bool(texts.get("v") or texts.get("t"))


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


def _cells(
    archive: zipfile.ZipFile, part: str, of: Callable[[Mapping[str, str], Mapping[str, str]], Said | None]
) -> tuple[list[tuple[int, int, Said]], int]:
    """Row, column and what is told of each cell of which anything is, and the first column with a value; from 0.

    ``of`` tells it by the cell's attributes and the texts of its parts.
    """
    found: list[tuple[int, int, Said]] = []
    first = 1 << 20
    cell_of: dict[str, str] = {}
    texts: dict[str, str] = {}
    inside = ""

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal cell_of, inside
        tag = tag.rpartition(":")[2]
        if tag == "c":
            cell_of = attributes
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
        if tag != "c" or not (cell := re.fullmatch(r"([A-Z]+)(\d+)", cell_of.get("r", ""))):
            return
        column = 0
        for letter in cell[1]:
            column = column * 26 + ord(letter) - ord("A") + 1
        if _says(texts):
            first = min(first, column - 1)
        if (told := of(cell_of, texts)) is not None:
            found.append((int(cell[2]) - 1, column - 1, told))

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.CharacterDataHandler, parser.EndElementHandler = start, text, end
    for chunk in _chunks(archive, part):
        parser.Parse(chunk)
    return found, first
