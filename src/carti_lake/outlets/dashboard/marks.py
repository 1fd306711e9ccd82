"""What the dashboard's views have in common: how they write numbers, show a choice, and fit a narrow screen."""

from typing import TYPE_CHECKING, Any, cast

from carti_lake.outlets.theme import BLUE, CONFIG, GREY, INK, MOVING, ROW

if TYPE_CHECKING:
    import altair as alt

DARK = BLUE
FADED = 0.25
#: Letters of a line beside a row, on a narrow screen.
LINE_LETTERS = 19


def number(value: str, digits: str = ".1f", unit: str = "measure_unit") -> str:
    """A Vega expression that writes a number as people read it: ``$1.2 M``, ``31.4 %``, ``12,345``, ``4.2``.

    Parameters
    ----------
    value
        Expression of the number.
    digits
        How fractions are written.
    unit
        Expression of the unit, as the metric registry names it.
    """
    size = f"abs({value})"
    whole = (
        f"{size} >= 999.5e6 ? format({size} / 1e9, '{digits}') + ' B' : {size} >= 999.5e3 ? format({size} / 1e6, "
        f"'{digits}') + ' M' : {size} >= 1e4 ? format({size} / 1e3, ',.0f') + ' k' : format({size}, ',.0f')"
    )
    share = f"format(100 * {size}, {size} < 9.995 ? '{digits}' : ',.0f') + ' %'"
    text = (
        f"({unit} === 'ratio' ? {share} : {unit} === 'USD' ? '$' + ({whole}) : "
        f"{unit} === 'count' ? ({whole}) : format({size}, ',.1f'))"
    )
    # What is written as zero has no sign.
    sign = f"({value} < 0 && test('[1-9]', {text}) ? '\N{MINUS SIGN}' : '')"
    return f"!isValid({value}) ? '' : {sign} + {text}"


def chosen() -> "alt.Parameter":
    """A choice of members by clicks; one more click takes a member out again."""
    import altair as alt

    return alt.selection_point(name="picked", fields=["member"], toggle="true", clear=False)


def opacity(choice: "alt.Parameter") -> Any:
    """What is not chosen fades."""
    import altair as alt

    return alt.when(choice).then(alt.value(1)).otherwise(alt.value(FADED))


def number_axis(least: float | None = None, most: float | None = None, **more: Any) -> "alt.Axis":
    """An axis of numbers in the view's unit; a ratio has no labels where none can lie."""
    import altair as alt

    count = alt.ExprRef("narrow ? 3 : 5")
    # Counts have no ticks between whole numbers, which would all be written alike.
    step = alt.ExprRef("measure_unit === 'count' ? 1 : 0")
    ends = [f"datum.value {side} {end}" for side, end in (("<", least), (">", most)) if end is not None]
    beyond = f"measure_unit === 'ratio' && ({' || '.join(ends)}) ? '' : " if ends else ""
    return alt.Axis(labelExpr=f"{beyond}{number('datum.value', '.1~f')}", tickCount=count, tickMinStep=step, **more)


def rows_axis() -> "alt.Y":
    """The members' names, in the order of the rows: by :func:`in_order`, whatever was drawn before."""
    import altair as alt

    limit = alt.ExprRef("narrow ? 118 : 230")
    # What tells two of one name apart is never cut: it has a line of its own where there is little room.
    # On a narrow screen in two lines: where a dot parts the label, else at the last blank that leaves the first short.
    long = f"length(datum.label) > {LINE_LETTERS} && indexof(datum.label, ' · ') < 0"
    parted = f"({long} ? replace(datum.label, regexp('^(.{{5,{LINE_LETTERS - 1}}}) '), '$1 · ') : datum.label)"
    written = f"narrow ? split({parted}, ' · ') : datum.label"
    up = alt.when(f"narrow && indexof({parted}, ' · ') > 0").then(alt.value(-7)).otherwise(alt.value(0))
    axis = alt.Axis(labelLimit=limit, labelPadding=6, labelExpr=written, labelLineHeight=13, labelOffset=up)
    return alt.Y("label:N", sort=alt.EncodingSortField("turn", op="min"), title=None, axis=axis)


def in_order(rows: Any) -> "alt.Chart":
    """A chart of the rows, each with its ``turn``: a scale without a sort keeps the order of what it drew first."""
    import altair as alt

    return alt.Chart(rows).transform_window(turn="row_number()")


def of_parts(domain: list[str], colors: list[str], column: str = "part") -> "alt.Color":
    """Colour by part, with a legend in the parts' order."""
    import altair as alt

    return alt.Color(f"{column}:N", scale=alt.Scale(domain=domain, range=colors), legend=key())


def key() -> "alt.Legend":
    """A legend above the chart: in one row, or one below the other where there is little room."""
    import altair as alt

    columns = alt.ExprRef("narrow ? 1 : 4")
    return alt.Legend(
        title=None,
        orient="top",
        labelLimit=300,
        columns=columns,
        columnPadding=14,
        padding=0,
        offset=8,
        symbolOpacity=1,
    )


def with_halo(texts: Any, **looks: Any) -> list[Any]:
    """Texts that stay readable on lines and bars."""
    behind = texts.mark_text(**looks, stroke="white", strokeWidth=4, strokeJoin="round")
    return [behind, texts.mark_text(**looks)]


def room_beyond(chart: Any, field: str, letters: int) -> Any:
    """An unseen mark that keeps room for the text behind a bar's or an interval's end, of so many letters."""
    import altair as alt

    # Not of the width itself: the axis is laid out before a scale that hung on it.
    share = f"{letters} * (narrow ? 0.037 : 0.024)"
    placed = chart.transform_calculate(room=f"datum.{field} / (1 - {share})")
    return placed.mark_point(opacity=0, size=0).encode(x=alt.X("room:Q", title=None))


def tooltip_of(column: str = "value") -> list[Any]:
    """What a mark says where it is pointed at."""
    import altair as alt

    return [alt.Tooltip("label:N", title=" "), alt.Tooltip(f"{column}:Q", format=",.4~f")]


def spoken(column: str = "value") -> dict[str, Any]:
    """Looks of a mark that screen readers read: in the page's words, else its label and its number."""
    import altair as alt

    plain = f"datum.label + ': ' + ({number(f'datum.{column}')})"
    return {"aria": True, "description": alt.ExprRef(f"isValid(datum.words) ? datum.words : {plain}")}


def finished(layers: list[Any], unit: str, height: Any = None) -> "alt.LayerChart":
    """The layers as one chart as wide as its place, in the house's look; its title is the page's, or the notebook's.

    The page sets ``measure_unit``; ``hatch``, the fill of provisional months; ``narrow``: small screens.
    """
    import altair as alt

    config = {name: part for name, part in CONFIG.items() if name != "title"}
    config |= {"padding": 2, "text": {"fontSize": 12, "color": INK}}
    config["axis"] = CONFIG["axis"] | {"labelFontSize": 12, "titleFontSize": 12, "titleColor": GREY}
    config["legend"] = CONFIG["legend"] | {"labelFontSize": 12}
    # What is drawn beside a mark, its halo and its number, is not read a second time.
    config["mark"] = {"aria": False}
    settings = {"measure_unit": unit, "hatch": MOVING, "narrow": False}
    chart = alt.layer(*layers).properties(
        width="container", height=height or alt.Step(ROW), autosize=alt.AutoSizeParams(type="fit-x", contains="padding")
    )
    tooltip_of = chart.add_params(*(alt.param(name=name, value=value) for name, value in settings.items()))
    return cast("alt.LayerChart", tooltip_of.configure(**config))
