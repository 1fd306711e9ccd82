"""What is wrong with a record, for the person who reads it: line, column where there is one, and remedy."""

from collections.abc import Sequence


def wrong_fields(line: int, found: int, expected: int, name: str) -> str:
    """A record has more or fewer fields than the header."""
    if found < expected:
        hint = "a line break without quotes, a different separator, a footer, or a transfer that was cut short"
    else:
        hint = "a separator or quote within a field that is not quoted"
    return (
        f"{name}, line {line}: {found} {'field' if found == 1 else 'fields'} where the header has {expected} columns; "
        f"probably {hint}. Mend the line or ask the source for the file again."
    )


def other_header(line: int, first: int, name: str) -> str:
    """Files of other columns, or of another order, were put together."""
    return (
        f"{name}, line {line}: another header, whose columns are not those of line {first}: files of two layouts were "
        "put together. Load them apart."
    )


def stray(line: int, name: str) -> str:
    """A quote is neither around a field nor doubled within one."""
    return (
        f'{name}, line {line}: a quote (") stands before or after the text of a field. Quote the whole field, '
        "and double the quotes within it."
    )


def swallowing(line: int, name: str) -> str:
    """Records stand within quotes."""
    return (
        f"{name}, line {line}: a quote is opened in this record and closed lines later, and the lines between are "
        "records themselves. Close the quote, or double one that belongs to the text."
    )


def unclosed_quote(line: int, name: str) -> str:
    """The file ends within quotes."""
    return (
        f'{name}, line {line}: a quote (") is opened in this record and never closed. Close it, or double a quote that '
        "belongs to the text."
    )


def nul_byte(block: bytes, separator: str, columns: Sequence[str], line: int, name: str) -> str:
    """An octet that no text has."""
    before = block[: block.index(0)]
    start = before.rfind(b"\n") + 1
    column = min(before.count(separator.encode(), start), len(columns) - 1)
    line += 1 + before.count(b"\n")
    return (
        f'{name}, line {line}, column "{columns[column]}": a NUL byte; the file is damaged or not text. Ask the source '
        "for it again."
    )
