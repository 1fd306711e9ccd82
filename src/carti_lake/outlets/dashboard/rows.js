// What each view draws: rows for its chart, columns for its table, and which filters its numbers could not take.

const MOST_ROWS = 16; // of a ranking; its table has them all
const MOST_ENDS = 7; // on each side of the referral flow

const without = (filters, ...axes) => Object.fromEntries(Object.entries(filters).filter(([axis]) => !axes.includes(axis)));
const member = (page, axis, place) => ({ member: page.axes[axis].ids[place], label: page.axes[axis].labels[place] });
const none = (words) => ({ words });
/** Why something is absent from the page of a viewer of some rows. */
const notSeen = (what) => `${what} are not among what you may see`;
const noForecast = (page) => (page.whole ? "not enough data or no model trained" : notSeen("forecasts"));

const DIGITS = [0, 1].map(
  (digits) => new Intl.NumberFormat("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }),
);

/** A number as people read it. */
function written(value, unit) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  const fixed = (number, digits) => DIGITS[digits].format(number);
  const whole =
    size >= 999.5e6 ? `${fixed(size / 1e9, 1)} B`
    : size >= 999.5e3 ? `${fixed(size / 1e6, 1)} M`
    : size >= 99.5e3 ? `${fixed(size / 1e3, 0)} k`
    : fixed(size, 0);
  const text =
    unit === "ratio" ? `${fixed(100 * size, size < 9.995 ? 1 : 0)} %`
    : unit === "USD" ? `$${whole}`
    : unit === "count" ? whole
    : fixed(size, 1);
  // What is written as zero has no sign.
  return value < 0 && /[1-9]/.test(text) ? `−${text}` : text;
}

/** A number with what it counts: "1 referral", "12 referrals". */
const counted = (value, what) => `${written(value, "count")} ${what}${value === 1 ? "" : "s"}`;

function trendRows(page, state, filters) {
  const metric = state.metric;
  const about = page.metrics[metric];
  const found = measured(page, metric, ["month"], without(filters, "month"));
  if (about.missing) return none(about.missing);
  if (!found) return none(`${about.title} is not in this page by month.`);
  const counted = found.groups.filter((group) => group.at[0] <= page.last);
  const first = counted.findIndex((group) => group.hidden || group.above || group.below);
  if (first < 0) return none("No month has a case under this filter.");
  const provisional = new Set(page.provisional[metric] ?? []);
  const rows = counted.slice(first).map((group) => ({
    ...member(page, "month", group.at[0]),
    ...group,
    in_period: group.at[0] >= state.from && group.at[0] <= state.to,
    provisional: provisional.has(page.axes.month.ids[group.at[0]]),
  }));
  for (const row of rows) {
    row.tip = [[about.title, row.hidden ? "hidden" : written(row.value, about.unit)]];
    if (row.provisional) row.tip.push(["Provisional", "will still move"]);
  }
  const ahead = forecastRows(page, metric, without(filters, ...found.ignored));
  const notes = about.aim ? [`Line across: good is ${about.aim}.`] : [];
  if (rows.some((row) => row.provisional)) notes.push("Hatched: provisional, the month's numbers will still move.");
  notes.push(
    ahead.rows.length ? `Dashed: forecast from ${ahead.origin}; ${page.bands[ahead.level]}.` : `No forecast: ${ahead.why}.`,
  );
  return {
    data: { rows, ahead: ahead.rows, aim: about.target === null ? [] : [{ value: about.target }] },
    unit: about.unit,
    title: `${about.title} by month`,
    definition: about.definition,
    ignored: found.ignored,
    notes,
    behind: metric,
    axis: "month",
    columns: ["Month", about.title, "Note"],
    table: [
      ...rows.map((row) => ({
        ...row,
        cells: [row.hidden ? "hidden" : [row.value, about.unit], row.provisional ? "provisional" : ""],
      })),
      ...ahead.rows.map((row) => ({
        label: row.label,
        cells: [
          [row.forecast, about.unit],
          `forecast; 95 %: ${written(row.lower_95, about.unit)} to ${written(row.upper_95, about.unit)}`,
        ],
      })),
    ],
  };
}

function forecastRows(page, metric, filters) {
  const cube = page.cubes.find((one) => one.name === "forecasts");
  const what = page.axes.forecast_metric?.ids.indexOf(metric) ?? -1;
  if (!cube && !page.in_full) return { rows: [], why: "they are made from small counts too, which are hidden" };
  if (!cube || what < 0) return { rows: [], why: cube ? "this metric is not forecast" : noForecast(page) };
  const axes = Object.keys(without(filters, "month"));
  let scope = "network";
  if (axes.length === 1 && filters[axes[0]].size === 1 && ["line", "provider"].includes(axes[0])) {
    scope = `${axes[0]}:${page.axes[axes[0]].ids[[...filters[axes[0]]][0]]}`;
  } else if (axes.length) {
    return { rows: [], why: "forecasts are of the network, one service line or one provider" };
  }
  const place = page.axes.forecast_of.ids.indexOf(scope);
  if (place < 0) return { rows: [], why: noForecast(page) };
  const kept = [["forecast_of", new Set([place])], ["forecast_metric", new Set([what])]];
  const rows = new Map();
  for (const part of ["forecast", "lower_80", "upper_80", "lower_95", "upper_95"]) {
    for (const group of added(page, cube, part, ["month"], kept)) {
      const row = rows.get(group.at[0]) ?? member(page, "month", group.at[0]);
      row[part] = group.value;
      rows.set(group.at[0], row);
    }
  }
  const unit = page.metrics[metric].unit;
  const shown = [...rows.values()].filter((row) => row.forecast !== null);
  for (const row of shown) {
    row.tip = [
      ["Forecast", written(row.forecast, unit)],
      ["95 %", `${written(row.lower_95, unit)} to ${written(row.upper_95, unit)}`],
    ];
  }
  const level = { line: "service_line" }[scope.split(":")[0]] ?? scope.split(":")[0];
  return { rows: shown, origin: page.forecast_origin, level, why: noForecast(page) };
}

/**
 * The rate of each member weighed against that of all by how many cases it has; null where there are too few members to
 * know how far they differ. The weight follows from the intraclass correlation, by the moments of beta-binomial counts
 * (J. C. Kleinman, JASA 68 (1973) 46-54): the lake's own, by likelihood, is of twelve months and no filter.
 */
function shrinkage(groups, fewest) {
  if (groups.length < fewest) return null;
  const sum = (of) => groups.reduce((all, one) => all + of(one), 0);
  const all = sum((one) => one.below);
  const mean = sum((one) => one.above) / all;
  const spread = sum((one) => one.below * (one.value - mean) ** 2) / (mean * (1 - mean));
  const free = groups.length - 1;
  const alike = (spread - free) / (all - sum((one) => one.below ** 2) / all - free);
  if (!(alike > 0)) return () => mean;
  const weight = Math.max(0, 1 / alike - 1);
  return (one) => (one.above + weight * mean) / (one.below + weight);
}

/** Members of an axis by a share, best first, with what interval charts need. */
function ranked(page, metric, axis, filters) {
  const about = page.metrics[metric];
  if (about.missing) return none(about.missing);
  const steady = asHeadline(page, metric, [axis], filters);
  const found = measured(page, metric, [axis], without(steady.kept, axis));
  if (!found) return none(`${about.title} is not in this page by ${page.axes[axis]?.title.toLowerCase() ?? axis}.`);
  const cases = found.groups.filter((group) => group.hidden || group.below);
  if (!cases.length) return none("No case under this filter.");
  const enough = cases.filter((group) => !group.hidden && group.below >= page.fewest_cases);
  const average = total(page, metric, without(steady.kept, axis, ...found.ignored));
  const way = about.good === "down" ? 1 : -1;
  const rate = shrinkage(enough, page.fewest_members);
  for (const group of enough) group.shrunk = rate ? rate(group) : null;
  const by = (group) => group.shrunk ?? group.value;
  enough.sort((one, other) => way * (by(one) - by(other)) || way * (one.value - other.value) || one.at[0] - other.at[0]);
  const rows = enough.map((group) => ({
    ...member(page, axis, group.at[0]),
    ...group,
    good: about.good,
    average: average?.value ?? null,
    tip: [
      [about.title, written(group.value, about.unit)],
      ["Cases", `${written(group.above, "count")} of ${written(group.below, "count")}`],
      ...(rate ? [["Weighed against all", written(group.shrunk, about.unit)]] : []),
    ],
  }));
  const hidden = cases.filter((group) => group.hidden).map((group) => ({ ...member(page, axis, group.at[0]), ...group }));
  const few = cases.length - enough.length - hidden.length;
  const notes = [...steady.notes, `Bars: 95 % intervals. Dashed line: all ${page.whole ? page.axes[axis].plural : "that you may see"}, ${written(average?.value, about.unit)}.`];
  if (rate) notes.push("In the order of the rates weighed against all: few cases say little.");
  if (few) notes.push(`${few} with fewer than ${page.fewest_cases} cases: not ranked.`);
  if (hidden.length) notes.push(`${hidden.length} hidden: ${page.why_hidden}.`);
  return { about, rows, hidden, found, notes, kept: steady.kept };
}

function rankingRows(page, state, filters, metric, axis) {
  const result = ranked(page, metric, axis, filters);
  if (result.words) return result;
  const { about, rows, hidden, found, notes, kept } = result;
  const [one, several] = [page.axes[axis].title.toLowerCase(), page.axes[axis].plural];
  // Nothing to draw is said in the picture's place. Of payers the hidden ones have rows, too.
  if (!rows.length && !hidden.length) return none(`No ${one} has ${page.fewest_cases} cases under this filter, and a share of fewer says little`);
  if (!rows.length && axis !== "payer") return none(`The numbers of all ${several} are hidden: each is ${page.why_hidden}`);
  let drawn = rows;
  if (rows.length > MOST_ROWS) {
    const half = MOST_ROWS / 2;
    const gap = { label: `… ${written(rows.length - MOST_ROWS, "count")} more …`, value: null, below: null, average: null };
    const middle = rows.slice(half, -half).filter((row) => state.picks[axis].has(page.axes[axis].ids.indexOf(row.member)));
    if (middle.length) gap.label = `… ${written(rows.length - MOST_ROWS - middle.length, "count")} more …`;
    drawn = [...rows.slice(0, half), gap, ...middle, ...rows.slice(-half)];
    notes.push(`First and last ${half} of ${written(rows.length, "count")}; the table has all.`);
  }
  return {
    data: { rows: [...drawn, ...(axis === "payer" ? hidden : [])] },
    unit: about.unit,
    title: `${axis === "payer" ? "Payers" : "Providers"} by ${about.title[0].toLowerCase()}${about.title.slice(1)}`,
    definition: about.definition,
    ignored: found.ignored,
    notes,
    kept,
    behind: metric,
    axis,
    columns: [page.axes[axis].title, about.title, "Cases counted", "Cases", "Weighed against all"],
    table: [...rows, ...hidden].map((row) => ({
      ...row,
      cells: row.hidden
        ? Array(4).fill("hidden")
        : [[row.value, about.unit], [row.above, "count"], [row.below, "count"], [row.shrunk, about.unit]],
    })),
  };
}

function leakageRows(page, state, filters) {
  const steady = asHeadline(page, "leakage_rate", ["line"], filters);
  const kept = without(steady.kept, "line");
  const all = measured(page, "leakage_rate", ["line"], kept);
  const missing = page.metrics.leakage_rate.missing;
  if (missing) return none(missing);
  if (!all) return none("Referrals are not in this page by service line.");
  const parts = page.leaks.map((metric) => measured(page, metric, ["line"], kept).groups);
  const cases = all.groups.filter((group) => group.hidden || group.below);
  if (!cases.length) return none("No referral under this filter.");
  const groups = cases.filter((group) => group.hidden || group.below >= page.fewest_cases);
  const few = cases.length - groups.length;
  if (!groups.length) return none(`No service line has ${page.fewest_cases} referrals under this filter.`);
  groups.sort((one, other) => one.hidden - other.hidden || other.value - one.value || one.at[0] - other.at[0]);
  const rows = [];
  const table = [];
  for (const group of groups) {
    const named = member(page, "line", group.at[0]);
    const leaked = parts.map((found) => found.find((one) => one.at[0] === group.at[0])?.above ?? null);
    const hidden = group.hidden || leaked.includes(null);
    leaked.forEach((count, place) =>
      rows.push({
        ...named,
        hidden,
        place,
        part: page.parts.leakage[place],
        value: hidden ? null : count / group.below,
        total: hidden ? null : group.value,
        of: hidden ? null : group.below,
        tip: [
          [page.parts.leakage[place], `${written(count / group.below, "ratio")} · ${counted(count, "referral")}`],
          ["Leakage", `${written(group.value, "ratio")} of ${counted(group.below, "referral")}`],
        ],
      }),
    );
    const cells = [[group.value, "ratio"], ...leaked.map((count) => [count, "count"]), [group.below, "count"]];
    table.push({ ...named, cells: hidden ? cells.map(() => "hidden") : cells });
  }
  return {
    data: { rows },
    unit: "ratio",
    definition: page.metrics.leakage_rate.definition,
    ignored: all.ignored,
    notes: [
      ...steady.notes,
      few && `${few} with fewer than ${page.fewest_cases} referrals: not ranked.`,
      groups.some((group) => group.hidden) && `Hidden: ${page.why_hidden}.`,
    ].filter(Boolean),
    kept: steady.kept,
    behind: "leakage_rate",
    axis: "line",
    columns: ["Service line", "Leakage", ...page.parts.leakage, "Referrals made"],
    table,
  };
}

function flowRows(page, state, filters) {
  const found = measured(page, "referrals", ["provider", "destination"], without(filters, "provider"));
  if (!found) return none(page.in_full ? page.metrics.referrals.missing ?? "No referral was delivered." : page.why_left_out);
  const outside = new Set(page.outside);
  const picked = filters.provider;
  const same = (place) => picked.has(page.axes.provider.ids.indexOf(page.axes.destination.ids[place]));
  const pairs = found.groups.filter((group) => group.above && (!picked || picked.has(group.at[0]) || same(group.at[1])));
  if (!pairs.length) return none("No referral under this filter.");
  const sides = ["provider", "destination"].map((axis, side) => {
    const sums = new Map();
    for (const pair of pairs) sums.set(pair.at[side], (sums.get(pair.at[side]) ?? 0) + pair.above);
    const order = [...sums].sort((one, other) => other[1] - one[1] || one[0] - other[0]);
    const kept = order.slice(0, MOST_ENDS).map(([place, value]) => ({ ...member(page, axis, place), place, value }));
    const rest = order.slice(MOST_ENDS).reduce((sum, [, value]) => sum + value, 0);
    if (rest) kept.push({ member: null, label: counted(order.length - MOST_ENDS, "other"), place: -1, value: rest });
    const step = (MOST_ENDS + 1) / kept.length;
    return kept.map((end, row) => ({ ...end, side, row: (row + 0.5) * step }));
  });
  const endOf = (side, place) => sides[side].find((end) => end.place === place) ?? sides[side].at(-1);
  const joined = new Map();
  for (const pair of pairs) {
    const [from, to] = [endOf(0, pair.at[0]), endOf(1, pair.at[1])];
    const away = outside.has(page.axes.destination.ids[pair.at[1]]);
    const link = `${from.row}>${to.row}>${away}`;
    const one = joined.get(link) ?? { link, from, to, outside: away, value: 0 };
    one.value += pair.above;
    joined.set(link, one);
  }
  const largest = Math.max(...sides.flat().map((end) => (end.place < 0 ? 0 : end.value)));
  // What those send each other who are not named is most in a large network: its line would hide all others.
  const named = (one) => one.from.place >= 0 || one.to.place >= 0;
  const unnamed = [...joined.values()].reduce((sum, one) => (named(one) ? sum : sum + one.value), 0);
  const links = [...joined.values()]
    .filter(named)
    .sort((one, other) => other.value - one.value || (one.link < other.link ? -1 : 1))
    .flatMap((one) =>
      [one.from, one.to].map((end) => ({
        link: one.link,
        side: end.side,
        row: end.row,
        value: one.value,
        share: one.value / largest,
        outside: one.outside,
        label: `${one.from.label} → ${one.to.label}`,
        tip: [["Referrals", written(one.value, "count")], ["Receiver", one.outside ? "out of network" : "in network, or not told"]],
      })),
    );
  const ends = sides.flat().map((end) => ({
    ...end,
    tip: [[end.side ? "Referrals received" : "Referrals made", written(end.value, "count")]],
  }));
  const biggest = [...pairs].sort((one, other) => other.above - one.above || one.at[0] - other.at[0] || one.at[1] - other.at[1]);
  return {
    data: { links, ends },
    unit: "count",
    definition: page.metrics.referrals.definition,
    ignored: found.ignored,
    notes: [
      unnamed && `Not drawn: ${counted(unnamed, "referral")} from others to others.`,
      biggest.length > 100 && "The table has the 100 largest pairs.",
    ].filter(Boolean),
    behind: "referrals",
    axis: "provider",
    columns: ["Referring provider", "Rendering provider", "Referrals"],
    table: biggest.slice(0, 100).map((pair) => ({
      ...member(page, "provider", pair.at[0]),
      cells: [page.axes.destination.labels[pair.at[1]], [pair.above, "count"]],
    })),
  };
}
