"""The dashboard's page: views, numbers, program and looks in one file that needs nothing else."""

import json
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any

from carti_lake.outlets.charts.shown import Shown
from carti_lake.outlets.dashboard import views
from carti_lake.outlets.dashboard.contents import contents
from carti_lake.outlets.dashboard.encode import encoded
from carti_lake.outlets.theme import coloured

if TYPE_CHECKING:
    import altair as alt

#: The cards by where they stand: id, title, what is seen in it, and what a click does, which paper leaves out.
TOP = (
    (
        "trend",
        "Patient volume by month",
        "The months outside of the chosen period are pale.",
        "Choose a headline number above to see its months; click a month to look at it alone.",
    ),
)
LEFT = (
    (
        "ranking",
        "Provider ranking",
        "Best first. Where an interval holds the average, the provider may be as good as any.",
    ),
    (
        "leakage",
        "Referral leakage by service line",
        "Referrals seen out of network or never completed, as a share of all made.",
    ),
    ("flow", "Referral flow", "From who refers (left) to who sees the patient (right).", "Click a dot to see its own."),
)
RIGHT = (
    ("payers", "Denials by payer", "Best first. The payer's denials among the claims that it has answered."),
    (
        "denials",
        "Why claims are denied",
        "Billed charges of claims ever denied, by the reason of the first denial, and what became of them.",
    ),
    (
        "returns",
        "Marketing ROI, three ways",
        "The same campaigns by value of all deals, of won deals, and by cash received.",
    ),
    (
        "checks",
        "Data quality: checks by table",
        "How many checks each table passes.",
        "Click a table to see its checks by month below.",
    ),
)
BOTTOM = (
    (
        "quality",
        "Data quality: failing rows by month",
        "Colour: the share of rows that fails.",
    ),
)


#: The page's own script, in the order in which its parts build on each other.
SCRIPTS = (
    *("cubes.js", "rows.js", "rows_by_topic.js", "page.js", "address.js", "tiles.js", "story.js", "take.js"),
    "behind.js",
    "draw.js",
)


BEHIND = (
    "The rows behind a mark, as the lake's tables by provider, month and service line hold them: double-click it, or "
    "choose Rows in its data table. No row is about a single patient."
)


def page(release: Shown, missing: Mapping[str, str], why: str | None = None) -> str:
    """The whole page as HTML; the same release gives the same text.

    Parameters
    ----------
    release
        One release as it may be shown.
    missing
        Why metrics have no value at all, by id, as :func:`carti_lake.metrics.value.undelivered` says it.
    why
        Why the network's numbers changed, of :func:`carti_lake.outlets.why.in_words`.
    """
    described, cells, members = contents(release, missing)
    described["why"] = why
    described["cubes"], numbers = encoded(cells, members)
    vega = _vega()
    script = "\n".join(["'use strict';", *map(_own, SCRIPTS)])
    # A click is nothing for paper.
    notes = [f'    <li class="click">{escape(BEHIND)}</li>'] if release.in_full else []
    notes += [f"    <li>{escape(note)}</li>" for note in release.published.notes]
    warning = "\n".join(release.published.notes) if release.in_full else None
    parts = {
        "POLICY": _policy(vega, script),
        "CAPTION": escape(release.line),
        "WARNING": f'<p class="warning" role="note">{escape(warning)}</p>' if warning else "",
        "STYLE": coloured(_own("page.css")),
        "VIEWS": _cards(),
        "NOTES": "\n".join(notes),
        "PAGE": _json(described),
        "SPECS": _specs(),
        "NUMBERS": numbers,
        "VEGA": vega,
        "SCRIPT": script,
    }
    return _Placed(coloured(_own("page.html"))).substitute(parts)


class _Placed(Template):
    """A template whose places are ``@NAME@``: the page's own text is full of dollars."""

    delimiter = "@"
    # string.Template compiles it when the class is made.
    pattern = r"""
    (?P<escaped>(?!)) | @(?P<named>[A-Z]+)@ | (?P<braced>(?!)) | (?P<invalid>(?!))
    """  # type: ignore[assignment]


def _charts() -> "dict[str, alt.LayerChart]":
    import altair as alt

    rows = alt.NamedData("rows")
    return {
        "trend": views.trend(rows, alt.NamedData("ahead"), alt.NamedData("aim")),
        "ranking": views.ranking(rows),
        "payers": views.ranking(rows),
        "denials": views.denials(rows),
        "leakage": views.leakage(rows),
        "flow": views.flow(alt.NamedData("links"), alt.NamedData("ends")),
        "returns": views.returns(rows),
        "checks": views.checks(rows),
        "quality": views.quality(rows),
    }


@cache
def _specs() -> str:
    """The charts for Vega alone, so that the page does not spend its reader's time on compiling them."""
    import vl_convert

    return _json({name: vl_convert.vegalite_to_vega(chart.to_dict()) for name, chart in _charts().items()})


@cache
def _vega() -> str:
    import vl_convert

    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")


def _policy(*scripts: str) -> str:
    """Only these scripts run, they make no code of text, and nothing is fetched."""
    hashes = " ".join(f"'sha256-{b64encode(sha256(one.encode()).digest()).decode()}'" for one in scripts)
    return f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:"


def _cards() -> str:
    left, right = ("\n".join(_card(*card) for card in side) for side in (LEFT, RIGHT))
    above, below = ("\n".join(_card(*card, look="card wide") for card in row) for row in (TOP, BOTTOM))
    return f'{above}\n  <div class="side">\n{left}\n  </div>\n  <div class="side">\n{right}\n  </div>\n{below}'


def _card(name: str, title: str, lead: str, click: str = "", *, look: str = "card") -> str:
    extra = {
        "ranking": '<label class="unseen" for="rank-by">Rank by</label><select id="rank-by"></select>',
        "returns": '<div class="headline"></div>',
    }.get(name, "")
    choice, headline = ("", extra) if name == "returns" else (extra, "")
    return f"""  <section class="{look}" id="{name}" aria-labelledby="{name}-title">
    <div class="head"><h2 id="{name}-title">{escape(title)}</h2><span class="badge" hidden></span>{choice}</div>
    <p class="lead">{escape(lead)}<span class="click"> {escape(click)}</span></p>
    {headline}<div class="chart" role="group"></div><p class="words" hidden></p><p class="notes"></p>
    <details><summary>Data table<span class="unseen">: {escape(title)}</span></summary>
      <div class="scroll"><table></table></div></details>
    <p class="take"><button type="button" data-take="csv" aria-label="CSV of {escape(title)}">CSV</button>
      <button type="button" data-take="png" aria-label="Picture of {escape(title)}">PNG</button></p>
  </section>"""


def _own(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8").rstrip()


def _json(value: Any) -> str:
    """JSON that no text in it can break out of: it holds no `<`, `>` or `&`."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=str)
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text
