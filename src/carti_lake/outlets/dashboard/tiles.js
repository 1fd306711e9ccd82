
// ---- headline numbers

function tile(metric) {
  const about = page.metrics[metric];
  const kept = filters();
  const now = total(page, metric, kept);
  const { months, then, before } = compared(metric, kept);
  const lacking = now ? now.ignored.filter((axis) => axis !== "table") : [];
  let words = null;
  if (about.missing) words = `not delivered`;
  else if (!now || lacking.length) words = `not divided by ${lacking.map((axis) => page.axes[axis].title.toLowerCase()).join(", ")}`;
  else if (now.hidden) words = "hidden: small counts";
  else if (now.value === null) words = "no cases";
  const value = words ? null : now.value;
  return element(
    "button",
    {
      type: "button",
      class: "tile",
      "data-metric": metric,
      "data-value": value,
      "data-compared": words || !then ? null : then.value,
      "data-before": words || !before ? null : before.value,
      "aria-pressed": String(state.metric === metric),
      title: `${about.title}: ${about.missing ?? about.definition}`,
      onclick: () => {
        state.metric = metric;
        update();
      },
    },
    element("span", { class: "name" }, about.short),
    element("span", { class: words ? "number none" : "number" }, words ? "–" : written(value, about.unit)),
    words ? element("span", { class: "change" }, words) : changeOf(about, months, then, before),
    sparkline(metric, kept),
  );
}

/** Places of the months whose numbers of the metric will still move. */
const moving = (metric) => new Set((page.provisional[metric] ?? []).map((id) => page.axes.month.ids.indexOf(id)));

/** The metric in those months of the period that stay as they are, and in the months that they are compared with. */
function compared(metric, kept) {
  const length = periodLength();
  if (state.from < length) return {};
  const open = moving(metric);
  const months = monthsOfPeriod().filter((month) => !open.has(month) && !open.has(month - length));
  if (!months.length) return { months };
  const then = total(page, metric, { ...kept, month: new Set(months) });
  return { months, then, before: total(page, metric, { ...kept, month: new Set(months.map((month) => month - length)) }) };
}

function changeOf(about, months, now, before) {
  if (months?.length === 0) return element("span", { class: "change" }, "still moves: not compared yet");
  const lacking = (one) => !one || one.hidden || one.value === null;
  const none = lacking(now) || lacking(before) || (!about.ratio && before.value === 0);
  if (none) return element("span", { class: "change" }, "no earlier period to compare");
  const by = about.unit === "ratio" || about.ratio ? now.value - before.value : (now.value - before.value) / Math.abs(before.value);
  const size = Math.abs(by);
  const text = about.unit === "ratio" ? `${(100 * size).toFixed(1)} pts` : about.ratio ? written(size, about.unit) : written(size, "ratio");
  const way = size < 0.0005 ? "same" : by > 0 === (about.good === "up") ? "better" : "worse";
  const arrow = size < 0.0005 ? "=" : by > 0 ? "▲" : "▼";
  const judged = about.good === "none" || way === "same" ? "" : ` ${way}`;
  return element(
    "span",
    { class: `change${judged}` },
    element("span", {}, element("b", {}, `${arrow} ${text}`), judged),
    element("span", {}, `${written(before.value, about.unit)} before`),
    months.length < periodLength() ? element("span", {}, `over ${months.length} of ${periodLength()} months`) : null,
  );
}

function sparkline(metric, kept) {
  const found = measured(page, metric, ["month"], without(kept, "month"));
  const open = moving(metric);
  const told = (group) => group.at[0] <= page.last && group.value !== null && !open.has(group.at[0]);
  const points = found?.groups.filter(told) ?? [];
  const NS = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(NS, "svg");
  picture.setAttribute("viewBox", "0 0 100 24");
  picture.setAttribute("preserveAspectRatio", "none");
  picture.setAttribute("aria-hidden", "true");
  const first = points.findIndex((group) => group.above);
  const shown = first < 0 || found.ignored.length ? [] : points.slice(first);
  if (shown.length < 2 || found.groups.some((group) => group.hidden)) return picture;
  const values = shown.map((group) => group.value);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const place = (group, index) =>
    `${((100 * index) / (shown.length - 1)).toFixed(1)},${(22 - (20 * (group.value - least)) / (most - least || 1)).toFixed(1)}`;
  const line = document.createElementNS(NS, "polyline");
  line.setAttribute("points", shown.map(place).join(" "));
  picture.append(line);
  return picture;
}
