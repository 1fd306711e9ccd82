"""Every chart of a release as files."""

from pathlib import Path

from carti_lake.outlets.charts import VIEWS, Shown
from carti_lake.outlets.picture import pictures


def write_charts(release: Shown, folder: Path) -> list[Path]:
    """Write every chart as PNG, SVG and Vega-Lite JSON.

    Always the same files, so that none of an earlier release stays beside them; a chart without anything to show says
    why in words.

    Parameters
    ----------
    release
        The release as it may be shown.
    folder
        Made if it is not there.

    Returns
    -------
    list[Path]
        The files, chart by chart.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, draw in VIEWS.items():
        for ending, content in pictures(draw(release)).items():
            path = folder / f"{name}.{ending}"
            path.write_bytes(content)
            paths.append(path)
    return paths
