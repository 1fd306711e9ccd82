"""How the service's own pages look: one frame for all of them, of this site's parts alone, and no script."""

from html import escape

from starlette.responses import HTMLResponse

from carti_lake.outlets.theme import coloured

#: A page is what this site sends and nothing more: no script at all, no frame, no form to elsewhere.
CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
SAFE = {"Content-Security-Policy": CSP, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}

STYLE = coloured("""
:root {
  color-scheme: light dark; @DAY@
  font: 16px/1.5 "Liberation Sans", Arial, sans-serif; color: var(--ink); background: var(--paper);
}
@media (prefers-color-scheme: dark) { :root { @NIGHT@ } }
body { max-width: 68rem; margin: 0 auto; padding: 2rem 1rem }
main.narrow { max-width: 32rem; margin: 12vh auto 0 }
main.narrow form { max-width: 24rem }
h1 { font-size: 1.5rem; margin: 0 0 .25rem }
h2 { font-size: 1.2rem; margin: 2rem 0 .25rem }
p.caption { color: var(--quiet); margin: 0 0 1.5rem }
p.error { color: var(--warm); border-left: 4px solid @ORANGE@; padding-left: .75rem }
label, input, button { display: block; font: inherit }
input { width: 100%; box-sizing: border-box; padding: .5rem; margin: .25rem 0 1rem; border: 1px solid var(--edge) }
button { padding: .5rem 1.25rem; border: 0; background: @BLUE@; color: @PAPER@; cursor: pointer; white-space: nowrap }
header { display: flex; flex-wrap: wrap; gap: 0 1rem; justify-content: space-between; align-items: start }
nav ul { display: flex; flex-wrap: wrap; gap: 0 1.5rem; list-style: none; margin: 0; padding: 0 }
nav a { display: inline-block; padding: .25rem 0 }
table { border-collapse: collapse; width: 100%; margin: 1rem 0 }
th, td {
  text-align: left; vertical-align: top; padding: .375rem .75rem .375rem 0; border-bottom: 1px solid var(--rule)
}
tbody th { font-weight: normal }
th.number, td.number { text-align: right; font-variant-numeric: tabular-nums }
a { color: var(--blue) }
code, pre { font-family: "Liberation Mono", Consolas, monospace; font-size: .9em; overflow-wrap: anywhere }
pre { background: var(--ground); padding: .5rem .75rem; white-space: pre-wrap }
details { border-bottom: 1px solid var(--rule) }
summary { padding: .5rem 0; cursor: pointer }
summary span { color: var(--quiet) }
:focus-visible { outline: 3px solid @AMBER@; outline-offset: 2px }
@media (max-width: 40rem) {
  body { padding: 1rem }
  table, tbody { display: block }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
  tr { display: block; padding: .5rem 0; border-bottom: 1px solid var(--rule) }
  th, td, th.number, td.number { display: flex; justify-content: space-between; gap: 1rem; padding: .125rem 0;
    border: 0; text-align: right; overflow-wrap: anywhere }
  tbody th { display: block; text-align: left; font-weight: bold }
  td::before { content: attr(data-title); color: var(--quiet); text-align: left; overflow-wrap: normal }
}
@media print { nav, button { display: none } body { max-width: none; padding: 0 } }
""")


def page(title: str, body: str, status: int = 200) -> HTMLResponse:
    """A whole page; ``body`` is HTML, its texts escaped by whoever wrote it."""
    return HTMLResponse(
        f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/style.css"></head>
<body>{body}</body></html>""",
        status,
        SAFE,
    )


def links(where: dict[str, str]) -> str:
    """Links by their address; those to files are downloads."""
    items = "".join(
        f'<li><a href="{escape(href)}"{" download" * ("/workbook" in href)}>{escape(words)}</a></li>'
        for href, words in where.items()
    )
    return f'<nav aria-label="Pages"><ul>{items}</ul></nav>'


def table(head: dict[str, bool], rows: list[list[str]], *, identity: str = "") -> str:
    """A table that a phone shows as one block a row; its first column names the row.

    Parameters
    ----------
    head
        Headings, and whether their column holds numbers.
    rows
        Cells as HTML.
    identity
        The table's id.
    """
    looks = [' class="number"' * number for number in head.values()]
    named = "".join(
        f'<th role="columnheader" scope="col"{look}>{escape(title)}</th>'
        for title, look in zip(head, looks, strict=True)
    )
    body = "".join(
        f'<tr role="row"><th role="rowheader" scope="row">{first}</th>'
        + "".join(
            f'<td role="cell" data-title="{escape(title)}"{look}>{cell}</td>'
            for title, look, cell in zip([*head][1:], looks[1:], rest, strict=True)
        )
        + "</tr>"
        for first, *rest in rows
    )
    # Said again as roles: shown as blocks, browsers would take it for no table.
    name = f' id="{identity}"' if identity else ""
    return (
        f'<table role="table"{name}><thead role="rowgroup"><tr role="row">{named}</tr></thead>'
        f'<tbody role="rowgroup">{body}</tbody></table>'
    )
