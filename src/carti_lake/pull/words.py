"""What goes wrong in a database, in words of ours: its own may quote rows, or the password."""

import re

import polars as pl
import pyarrow as pa

#: What a database's code for an error means: the SQL standard's, the more exact ones first.
SQLSTATES = {
    "42P01": "there is no such table",
    "42S02": "there is no such table",
    "42S22": "there is no such column",
    "42S21": "two of its columns have one name",
    "42702": "a name in it is that of two columns",
    "42703": "there is no such column",
    "42501": "its user may not read that",
    "72000": "the database no longer has the rows as they were when reading began: let it keep UNDO_RETENTION longer, "
    "or read less of it at a time",
    "72N01": "the database is older than Oracle 12.1, or wants its own network encryption or an old kind of password, "
    "which this driver does not speak: connect by TLS (?protocol=tcps), and let the password be set anew",
    "08T01": "the server's certificate is signed by none that this machine trusts: install the certificate of who "
    "signed it, or say hostname_in_certificate or server_certificate in the address",
    "28": "the database refuses the user or the password",
    "3D": "there is no such database",
    "42N01": "the query is no SQL that this database knows, or names what its user may not use; SQL Server reads it "
    "within another, where it may have neither ORDER BY nor WITH",
    "42": "the query is no SQL that this database knows",
    "25001": "another database that the query names does not allow snapshot isolation",
    "22": "a value does not fit what the query makes of it",
    "57014": "the query was cancelled",
    "08": "the connection broke",
}
#: MySQL's numbers, whose SQLSTATE says less.
NUMBERS = {
    **dict.fromkeys((1044, 1045, 1698), "28000"),
    **dict.fromkeys((1142, 1143, 1370), "42501"),
    **dict.fromkeys((1049,), "3D000"),
    **dict.fromkeys((1146,), "42P01"),
    **dict.fromkeys((1054,), "42703"),
    **dict.fromkeys((1064, 1140, 1055), "42000"),
    **dict.fromkeys((2003, 2006, 2013), "08000"),
    **dict.fromkeys((1317, 1969, 3024), "57014"),
}
#: Oracle's and its driver's.
ORACLE = {
    **dict.fromkeys(("ORA-01005", "ORA-01017", "ORA-01045", "ORA-28000", "ORA-28001", "DPY-4001"), "28000"),
    **dict.fromkeys(("ORA-00942", "ORA-04043"), "42P01"),
    "ORA-00904": "42703",
    "ORA-00918": "42702",
    **dict.fromkeys(("ORA-01031", "ORA-01039", "ORA-41900"), "42501"),
    **dict.fromkeys(("ORA-12505", "ORA-12514", "DPY-6001", "DPY-6003"), "3D000"),
    **dict.fromkeys(
        ("ORA-01426", "ORA-01476", "ORA-01722", "ORA-01830", "ORA-01843", "ORA-01858", "ORA-01861"), "22000"
    ),
    "ORA-01013": "57014",
    "ORA-01555": "72000",
    **dict.fromkeys(("DPY-3001", "DPY-3010", "DPY-3015"), "72N01"),
    **dict.fromkeys(("ORA-03113", "ORA-03114", "ORA-12170", "ORA-12537", "ORA-12541", "ORA-12547"), "08000"),
    **dict.fromkeys(("DPY-1001", "DPY-4011", "DPY-4024", "DPY-6000", "DPY-6002", "DPY-6005"), "08000"),
    **dict.fromkeys(
        ("ORA-00900", "ORA-00903", "ORA-00905", "ORA-00907", "ORA-00911", "ORA-00921", "ORA-00923"), "42000"
    ),
    **dict.fromkeys(("ORA-00933", "ORA-00936", "ORA-00979", "ORA-01756", "ORA-03048", "ORA-03049"), "42000"),
}
#: What SQL Server's driver calls an SQLSTATE, which it does not give by itself; then what the server says in English.
SQLSERVER = {
    r"Base table or view not found": "42P01",
    r"Column not found": "42703",
    r"Column already exists": "42S21",
    r"certificate verify failed|certificate chain|self.signed": "08T01",
    r"Invalid authorization specification": "28000",
    r"Invalid catalog name|Cannot open database": "3D000",
    r"permission was denied": "42501",
    r"Ambiguous column name": "42702",
    r"Snapshot isolation transaction failed": "25001",
    r"Syntax error or access violation": "42N01",
    r"Invalid datetime format|Datetime field overflow|Division by zero": "22000",
    r"Numeric value out of range|Invalid character value": "22000",
    r"unable to establish connection|Communication link|[Tt]imeout expired|Server rejected|Connection fail": "08000",
}
#: The same for those that have words instead of codes.
PHRASES = {
    r"Could not decode to UTF-8": "a text in it is not in UTF-8",
    r"no such table|Table with name .* does not exist": SQLSTATES["42P01"],
    r"no such column|Referenced column .* not found": SQLSTATES["42703"],
    r"syntax error|incomplete input|Parser Error": SQLSTATES["42"],
    r"unable to open|No such file|mode: database does not exist": "there is no such file",
    r"invalid input syntax|out of range|division by zero|Conversion Error": SQLSTATES["22"],
    r"locked|lock on file": "another process holds the file",
    r"not a database|not a valid DuckDB": "the file is no such database",
    r"connect": "the database does not answer, or refuses the user, the password or the database's name",
}


def is_of_a_database(error: BaseException) -> bool:
    """Whether a driver raised it, or the stream that a driver gives."""
    modules = {kind.__module__.split(".")[0].lstrip("_") for kind in type(error).__mro__}
    return bool(modules & {"duckdb", "mssql_python", "oracledb", "psycopg", "pymysql", "sqlite3"}) or isinstance(
        error, pa.ArrowException | OSError | pl.exceptions.PolarsError
    )


def reason(error: Exception) -> str:
    """What went wrong, with the kind and the code by which the database's own log tells more."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    said = str(error)
    number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    code = getattr(error, "sqlstate", None) or ""
    means = NUMBERS.get(number, code)
    if "Driver Error: " in said:
        means = next((state for words, state in SQLSERVER.items() if re.search(words, said)), "")
    elif not means and (of_oracle := re.search(r"\b(ORA|DPY)-\d{4,5}\b", said)):
        code = of_oracle[0]
        means = ORACLE.get(code, code)
    found = next((words for start, words in SQLSTATES.items() if means.startswith(start)), None)
    if not means:
        found = next((words for phrase, words in PHRASES.items() if re.search(phrase, said, re.I)), None)
    kind = "SQLSTATE " if code[:3] not in ("", "ORA", "DPY") else ""
    named = f"{type(error).__name__}{f', {kind}{code}' if code else f', number {number}' if number else ''}"
    return f"{found} ({named})" if found else f"the database failed ({named}); its own log says why"
