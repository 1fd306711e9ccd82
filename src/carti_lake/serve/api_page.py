"""The API in words, made from its OpenAPI document: one page of this site's own parts, readable without a program."""

import re
from collections.abc import Mapping
from html import escape
from typing import Any

from carti_lake.serve.page import links, table

Document = Mapping[str, Any]

#: Longer lists of allowed values are the row's columns, which stand below.
MOST_VALUES = 12


def api_page(document: Document) -> str:
    """Every operation by topic: how to ask it, with what, and what its rows hold."""
    topics: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            topics.setdefault(operation["tags"][0], []).append(_operation(document, method.upper(), path, operation))
    body = "".join(f"<h2>{escape(_sentence(topic))}</h2>{''.join(found)}" for topic, found in topics.items())
    about = document["info"]
    where = links({"/": "First page", "/files": "Files", "/openapi.json": "The same for programs (OpenAPI)"})
    return f"""<header><div><h1>The API of {escape(about["title"])}</h1>
<p class="caption">Version {escape(about["version"])}</p></div></header>{where}<main>{_words(about["description"])}
<pre>curl -H "X-API-Key: …" https://…/v1/summary?limit=10</pre>{body}</main>"""


def _operation(document: Document, method: str, path: str, operation: Document) -> str:
    asked = [
        [
            f"<code>{escape(one['name'])}</code>{'' if not one.get('required') else ' (required)'}",
            _kind(one["schema"]),
            _words(one.get("description", "")),
        ]
        for one in operation.get("parameters", [])
    ]
    sent = _fields(document, operation.get("requestBody", {}).get("content", {}))
    content = operation["responses"]["200"].get("content", {})
    formats = ", ".join(f"<code>{escape(name)}</code>" for name in sorted(content))
    parts = [
        _words(operation.get("description", "")),
        _titled("Ask with", {"Parameter": False, "Values": False, "Meaning": False}, asked),
        _titled("Send", {"Field": False, "Values": False, "Meaning": False}, sent),
        f"<p>Answers as {formats}.</p>" if formats else "",
        _titled("Each row", {"Column": False, "Values": False, "Meaning": False}, _fields(document, content)),
    ]
    title = escape(_sentence(str(operation["summary"])))
    asks = f"<code>{method} {escape(path)}</code>"
    return f"<details><summary>{asks} <span>{title}</span></summary>{''.join(parts)}</details>"


def _fields(document: Document, content: Document) -> list[list[str]]:
    """What a body holds: of its rows where it has any, else of itself."""
    schema = _resolved(document, content.get("application/json", {}).get("schema", {}))
    rows = schema.get("items", schema.get("properties", {}).get("rows", {}).get("items"))
    held = schema if rows is None else _resolved(document, rows)
    return [
        [f"<code>{escape(name)}</code>", _kind(_resolved(document, one)), _words(one.get("description", ""))]
        for name, one in held.get("properties", {}).items()
    ]


def _resolved(document: Document, schema: Document) -> Document:
    """The schema that a reference names."""
    if "$ref" not in schema:
        return schema
    named: Document = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return {**named, **schema}


def _kind(schema: Document) -> str:
    """The values that a schema allows, in words."""
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"] if one.get("type") != "null")
    if schema.get("type") == "array":
        return f"any of: {_kind(schema.get('items', {}))}"
    values = schema.get("enum", [])
    if values:
        return "names of columns" if len(values) > MOST_VALUES else ", ".join(escape(str(one)) for one in values)
    least, most = schema.get("minimum"), schema.get("maximum")
    span = f", {least} to {most}" if least is not None and most is not None else ""
    return escape(str(schema.get("format") or schema.get("type") or "object")) + span


def _titled(title: str, head: dict[str, bool], rows: list[list[str]]) -> str:
    return f"<h3>{title}</h3>{table(head, rows)}" if rows else ""


def _words(text: str) -> str:
    """Paragraphs, with what stands between backticks as code."""
    said = (re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(one)) for one in text.strip().split("\n\n") if one)
    return "".join(f"<p>{one}</p>" for one in said)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
