
// ---- the rows behind a mark: those of the lake's aggregate tables that its number is added up from; nobody's own

const MOST_BEHIND = 200;

/** The rows behind a member of a view under the filters in force, the largest first, and what they come to together. */
function rowsBehind(one, row) {
  const { axis, behind: metric } = one.result;
  const kept = { ...(one.result.kept ?? filters()), [axis]: new Set([page.axes[axis].ids.indexOf(row.member)]), ...row.also };
  const found = measured(page, metric, [axis, ...Object.keys(row.also ?? {})], kept);
  const cube = found.source;
  const applied = Object.entries(kept).filter(([name]) => cube.axes.includes(name));
  const cells = cellsOf(page, cube, metric, applied).sort((a, b) => b.above - a.above || (b.below ?? 0) - (a.below ?? 0));
  return { about: page.metrics[metric], cube, cells, together: found.groups[0] };
}

function showBehind(one, row) {
  if (!one.result.behind || row.member === null || row.member === undefined) return;
  const { about, cube, cells, together } = rowsBehind(one, row);
  const unit = about.ratio ? "count" : about.unit;
  const sums = about.ratio ? about.formula.split(" / ") : [about.title];
  const columns = [...cube.axes.map((axis) => (axis === "month" ? "Month" : page.axes[axis].title)), ...sums.slice(0, about.ratio ? 2 : 1)];
  const line = (cell) => [
    ...cell.at.map((place, axis) => page.axes[cube.axes[axis]].labels[place]),
    [cell.above, unit],
    ...(about.ratio ? [[cell.below, unit]] : []),
  ];
  const dialog = $("#behind");
  $("h2", dialog).textContent = `${about.title}: rows behind ${row.label}`;
  const shown = cells.slice(0, MOST_BEHIND);
  const value = about.ratio ? `${written(together?.above, unit)} of ${written(together?.below, unit)}, ${written(together?.value, about.unit)}` : written(together?.value, unit);
  $("p", dialog).textContent =
    `${counted(cells.length, "row")} of gold.${cube.name}; together ${value}.` +
    (cells.length > shown.length ? ` The ${MOST_BEHIND} largest stand here, the CSV has all.` : "");
  const head = element("tr", {}, ...columns.map((title) => element("th", { scope: "col" }, title)));
  const body = shown.map((cell) =>
    element("tr", {}, ...line(cell).map((part) => element("td", Array.isArray(part) ? { class: "n", "data-value": part[0] } : {}, cellText(part)))),
  );
  $("table", dialog).replaceChildren(element("thead", {}, head), element("tbody", {}, ...body));
  dialog.take = () => saveTable(`${one.id}-rows`, columns, cells.map(line));
  if (!dialog.open) dialog.showModal();
}

function buildBehind() {
  const dialog = $("#behind");
  $("[data-close]", dialog).addEventListener("click", () => dialog.close());
  $("[data-take]", dialog).addEventListener("click", () => dialog.take());
}
