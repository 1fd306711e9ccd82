
// ---- headline numbers

function tile(metric) {
  const about = page.metrics[metric];
  const kept = filters();
  const { now, before, months, apart } = headline(metric, kept);
  const lacking = now ? now.ignored.filter((axis) => axis !== "table") : [];
  let words = null;
  if (about.missing) words = `not delivered`;
  else if (!now || lacking.length) words = `not divided by ${lacking.map((axis) => page.axes[axis].title.toLowerCase()).join(", ")}`;
  else if (now.hidden) words = "hidden: small counts";
  else if (now.value === null) words = "no cases";
  const value = words ? null : now.value;
  const shown = words ? null : before;
  return element(
    "button",
    {
      type: "button",
      class: "tile",
      "data-metric": metric,
      "data-value": value,
      "data-before": shown ? shown.value : null,
      "data-apart": words || !apart ? null : apart.value,
      "aria-pressed": String(state.metric === metric),
      title: `${about.title}: ${about.missing ?? about.definition}`,
      onclick: () => {
        state.metric = metric;
        update();
      },
    },
    element("span", { class: "name" }, about.short),
    element("span", { class: words ? "number none" : "number" }, words ? "–" : written(value, about.unit)),
    words ? element("span", { class: "change" }, words) : changeOf(about, months, now, shown),
    words || !apart ? null : apartOf(about, apart),
    words || !about.aim ? null : element("span", { class: "aim" }, `good: ${about.aim}`),
    sparkline(metric, kept),
  );
}

/** Places of the months whose numbers of the metric will still move. */
const moving = (metric) => new Set((page.provisional[metric] ?? []).map((id) => page.axes.month.ids.indexOf(id)));

/**
 * A metric in those months of the period that stay as they are, in the same months one period before, and, apart from
 * both, in the months that will still move.
 */
function headline(metric, kept) {
  const over = (months) => total(page, metric, { ...kept, month: new Set(months) });
  const told = (one) => one && !one.hidden && one.value !== null && !one.ignored.some((axis) => axis !== "table");
  const length = periodLength();
  const open = moving(metric);
  const period = monthsOfPeriod();
  const before = (month) => month - length;
  const byMonth = measured(page, metric, ["month"], without(kept, "month"));
  const hidden = new Set(byMonth?.groups.filter((group) => group.hidden).map((group) => group.at[0]));
  const stay = mostly(period.filter((month) => !open.has(month)), (month) => hidden.has(month));
  const closed = state.from < length ? [] : stay.filter((month) => !open.has(before(month)));
  const pairs = mostly(closed, (month) => hidden.has(before(month)));
  const compared = pairs.length && before(state.from) >= begun(metric);
  const months = compared ? pairs : stay;
  const now = months.length ? over(months) : null;
  if (!told(now)) {
    // Nothing stays, or what stays is not to be had by itself: then the whole, and no comparison.
    const whole = total(page, metric, kept);
    const all = whole?.hidden && isUsual() ? total(page, metric, without(kept, "month")) : null;
    if (told(all)) return { now: all, months: null, apart: null, before: null };
    return { now: whole, months: period, apart: null, before: null };
  }
  const then = compared ? over(pairs.map(before)) : null;
  const rest = period.filter((month) => open.has(month));
  const apart = rest.length ? { ...over(rest), months: rest } : null;
  return { now, months, before: told(then) ? then : null, apart: told(apart) ? apart : null };
}

/** The first month of which the network has anything of the metric: before it, zeros are months of other sources. */
const begun = (metric) => (metric in page.begun ? page.axes.month.ids.indexOf(page.begun[metric]) : Infinity);

/** The months without the hidden ones, where at least half are left; else all, of which then nothing is told. */
function mostly(months, isHidden) {
  const told = months.filter((month) => !isHidden(month));
  return 2 * told.length >= months.length ? told : months;
}

/**
 * The filters of a view of a metric, so that it says what the metric's tile says: of the period those months of which
 * the headline number speaks, where the view's numbers are counted by month; and a word on the others.
 */
function asHeadline(page, metric, by, filters) {
  const cube = cubeOf(page, metric, by, { ...without(filters, ...by), month: [] });
  const dated = cube?.axes.includes("month");
  const taken = Object.entries(filters).filter(([axis]) => !by.includes(axis) && cube?.axes.includes(axis));
  const open = [...moving(metric)].filter((month) => month <= page.last);
  const months = headline(metric, Object.fromEntries(taken)).months ?? monthsOfPeriod();
  const chosen = open.filter((month) => month >= state.from && month <= state.to);
  const left = chosen.filter((month) => !months.includes(month));
  const still = dated ? chosen : open;
  if (!still.length) return { kept: filters, notes: [] };
  if (!dated || !left.length) return { kept: filters, notes: [`${spanOf(still)} will still move.`] };
  return {
    kept: { ...filters, month: new Set(months) },
    notes: [`Of ${spanOf(months)}, as the headline number: ${spanOf(left)} will still move.`],
  };
}

/** Months in words: "Nov 2024 – Oct 2025", with their number where some between are left out. */
function spanOf(months) {
  const labels = page.axes.month.labels;
  const [first, last] = [months[0], months.at(-1)];
  if (first === last) return labels[first];
  return `${labels[first]} – ${labels[last]}${last - first + 1 > months.length ? ` (${months.length} months)` : ""}`;
}

function apartOf(about, apart) {
  return element("span", { class: "apart" }, `${spanOf(apart.months)}: ${written(apart.value, about.unit)}, still moves`);
}

function changeOf(about, months, now, before) {
  const open = moving(about.id);
  const part = (text) => element("span", {}, text);
  // Where the period that the page opens with is hidden, all months together may be told.
  if (!months) return element("span", { class: "change" }, part("all months; no period to compare"));
  const moves = months.some((month) => open.has(month));
  const whole = months.length === periodLength();
  // The months of a whole period stand above; those of a part are said.
  const said = moves ? "provisional: still moves, not compared" : whole ? null : spanOf(months);
  if (before && !moves && !about.ratio && before.value === 0) {
    // From nothing, nothing can be said in percent.
    return element("span", { class: "change" }, part(`${written(0, about.unit)} before`), said ? part(said) : null);
  }
  if (!before || moves) {
    return element("span", { class: "change" }, ...(said ? [part(said)] : []), moves ? null : part("no earlier period to compare"));
  }
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
    part(`${written(before.value, about.unit)} before`),
    said ? part(said) : null,
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
