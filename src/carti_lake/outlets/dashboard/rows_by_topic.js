
function returnsRows(page, state, filters) {
  const founds = page.returns.map((metric) => measured(page, metric, ["line"], without(filters, "line")));
  if (!founds.some(Boolean)) return none(page.whole ? "No campaign was delivered." : notSeen("Campaigns"));
  const rows = [];
  const table = [];
  const lines = [...new Set(founds.flatMap((found) => found?.groups ?? []).map((group) => group.at[0]))];
  const at = (place, line) => founds[place]?.groups.find((group) => group.at[0] === line) ?? { value: null, hidden: !founds[place] };
  const last = (line) => at(2, line).value ?? at(1, line).value ?? -Infinity;
  lines.sort((one, other) => last(other) - last(one) || one - other);
  for (const line of lines) {
    const groups = founds.map((_, place) => at(place, line));
    groups.forEach((group, place) => {
      const about = page.metrics[page.returns[place]];
      if (group.value === null) return;
      const tip = [[page.parts.returns[place], written(group.value, "ratio")], ["Cost", written(group.below, "USD")]];
      rows.push({ ...member(page, "line", line), value: group.value, part: page.parts.returns[place], tip, about: about.definition });
    });
    const cells = groups.map((group) => (group.hidden ? "hidden" : [group.value, "ratio"]));
    table.push({ ...member(page, "line", line), cells: [...cells, [groups[0].below, "USD"]] });
  }
  if (!rows.length) return none(page.metrics[page.returns[0]].missing ?? "No campaign has a cost to compare with.");
  const whole = page.returns.map((metric) => total(page, metric, filters));
  const hidden = founds.includes(null);
  return {
    data: { rows },
    unit: "ratio",
    headline: whole.map((one, place) => [page.parts.returns[place], one ? written(one.value, "ratio") : "hidden"]),
    definition: page.returns.map((metric) => page.metrics[metric].definition).join(" "),
    ignored: founds.find(Boolean).ignored,
    notes: [
      ...page.returns.map((metric, place) => page.metrics[metric].missing && `${page.parts.returns[place]}: ${page.metrics[metric].missing}.`),
      hidden && `Hidden: ${page.why_hidden}.`,
    ].filter(Boolean),
    behind: page.returns[1],
    axis: "line",
    columns: ["Service line", ...page.parts.returns, "Actual cost"],
    table,
  };
}

function denialsRows(page, state, filters) {
  const steady = asHeadline(page, page.denials[0], ["reason"], filters);
  const [ever, still, paid] = page.denials.map((metric) => measured(page, metric, ["reason"], without(steady.kept, "reason")));
  if (!ever) return none(page.in_full ? "No claim was delivered." : page.why_left_out);
  const at = (found, place) => found?.groups.find((group) => group.at[0] === place);
  const of = (found, place) => at(found, place)?.above ?? 0;
  const cases = ever.groups.filter((group) => group.hidden || group.above);
  if (!cases.length) return none("No claim was denied under this filter.");
  // A bar is made of all three: where one is hidden, the others would be drawn as if it were nothing.
  const isHidden = (group) => [ever, still, paid].some((found) => !found || at(found, group.at[0])?.hidden);
  const hidden = cases.filter(isHidden);
  const groups = cases.filter((group) => !isHidden(group));
  if (!groups.length) return none(`Hidden: ${page.why_hidden}.`);
  groups.sort((one, other) => other.above - one.above || one.at[0] - other.at[0]);
  const rows = [];
  const table = [];
  for (const group of groups) {
    const named = member(page, "reason", group.at[0]);
    const denied = of(still, group.at[0]);
    const overturned = of(paid, group.at[0]);
    const parts = [denied, group.above - denied - overturned, overturned];
    parts.forEach((value, place) =>
      rows.push({
        ...named,
        place,
        part: page.parts.denials[place],
        value,
        total: group.above,
        tip: [[page.parts.denials[place], written(value, "USD")], ["Ever denied", written(group.above, "USD")]],
      }),
    );
    table.push({ ...named, cells: [group.above, ...parts].map((value) => [value, "USD"]) });
  }
  for (const group of hidden) table.push({ ...member(page, "reason", group.at[0]), cells: Array(4).fill("hidden") });
  return {
    data: { rows },
    unit: "USD",
    definition: page.metrics[page.denials[0]].definition,
    ignored: ever.ignored,
    notes: [...steady.notes, ...(hidden.length ? [`${hidden.length} hidden: ${page.why_hidden}.`] : [])],
    kept: steady.kept,
    behind: page.denials[0],
    axis: "reason",
    columns: ["Reason (CARC group)", "Ever denied", ...page.parts.denials],
    table,
  };
}

const noChecks = (page) => (page.whole ? "This release holds no checks." : notSeen("Checks of data quality"));

function checksRows(page, state, filters) {
  if (!page.checks.length) return none(noChecks(page));
  const tables = [...new Set(page.checks.map((one) => one.table))];
  const count = (table, status) => page.checks.find((one) => one.table === table && one.status === status)?.checks ?? 0;
  const order = tables
    .map((table) => ({ table, counts: page.statuses.map((status) => count(table, status)) }))
    .sort((one, other) => other.counts[0] - one.counts[0] || other.counts[1] - one.counts[1] || (one.table < other.table ? -1 : 1));
  const rows = order.flatMap(({ table, counts }) =>
    counts.map((value, place) => ({
      member: table,
      label: page.axes.table.labels[page.axes.table.ids.indexOf(table)] ?? table,
      place,
      part: page.parts.checks[place],
      value,
      total: counts.reduce((sum, one) => sum + one, 0),
      tip: [[page.parts.checks[place], counted(value, "check")]],
    })),
  );
  return {
    data: { rows },
    unit: "count",
    definition: "Checks of each table under the release's thresholds; counts checks, not rows.",
    // Of the tables as they are now, whatever else is chosen.
    ignored: Object.keys(without(filters, "table")),
    notes: [
      page.open_checks.length ? `Not passed: ${page.open_checks.join("; ")}.` : "Every check passes.",
      !page.in_full && "Months of 1 to 10 rows that fail a check, or pass it, are left out.",
    ].filter(Boolean),
    axis: "table",
    columns: ["Table", ...page.parts.checks],
    table: order.map(({ table, counts }) => ({
      member: table,
      label: page.axes.table.labels[page.axes.table.ids.indexOf(table)] ?? table,
      cells: counts.map((value) => [value, "count"]),
    })),
  };
}

function qualityRows(page, state, filters) {
  const tables = filters.table;
  const axis = tables?.size === 1 ? "check" : "table";
  const found = measured(page, "failing_share", ["month", axis], without(filters, "month"));
  if (!found) return none(page.in_full ? noChecks(page) : page.why_left_out);
  const groups = found.groups.filter((group) => group.below && group.at[0] <= page.last);
  const sums = new Map();
  for (const group of groups) {
    const sum = sums.get(group.at[1]) ?? [0, 0];
    sums.set(group.at[1], [sum[0] + group.above, sum[1] + group.below]);
  }
  const worst = [...sums].sort((one, other) => other[1][0] / other[1][1] - one[1][0] / one[1][1] || one[0] - other[0]).slice(0, 9);
  const order = worst.map(([place]) => place);
  const rows = groups
    .filter((group) => order.includes(group.at[1]))
    .sort((one, other) => order.indexOf(one.at[1]) - order.indexOf(other.at[1]) || one.at[0] - other.at[0])
    .map((group) => ({
      ...group,
      member: page.axes.month.ids[group.at[0]],
      label: page.axes[axis].labels[group.at[1]],
      also: { [axis]: new Set([group.at[1]]) },
      tip: [
        [page.axes.month.labels[group.at[0]], `${written(group.value, "ratio")} of rows fail`],
        ["Rows", `${written(group.above, "count")} of ${written(group.below, "count")}`],
      ],
    }));
  if (!rows.length) return none("No checked row under this filter.");
  return {
    data: { rows },
    unit: "ratio",
    definition: page.metrics.failing_share.definition,
    ignored: found.ignored,
    notes: [],
    behind: "failing_share",
    axis: "month",
    columns: ["Month", page.axes[axis].title, "Failing rows", "Failed", "Checked"],
    table: rows.map((row) => ({
      member: row.member,
      also: row.also,
      label: page.axes.month.labels[row.at[0]],
      cells: [row.label, [row.value, "ratio"], [row.above, "count"], [row.below, "count"]],
    })),
  };
}

/** The rows of each view, by its id. */
const ROWS = {
  trend: trendRows,
  ranking: (page, state, filters) => rankingRows(page, state, filters, state.ranking, "provider"),
  leakage: leakageRows,
  flow: flowRows,
  returns: returnsRows,
  payers: (page, state, filters) => rankingRows(page, state, filters, "remittance_denial_rate", "payer"),
  denials: denialsRows,
  checks: checksRows,
  quality: qualityRows,
};
