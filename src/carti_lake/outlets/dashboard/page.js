// The page itself: the filters in force, the controls that set them, and what is drawn again when they change.

const $ = (selector, within = document) => within.querySelector(selector);

/** An element with attributes and children; texts are texts, whatever they hold. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const page = JSON.parse($("#page").textContent);
const specs = JSON.parse($("#specs").textContent);
/** Axes that people filter by with a control; denial reasons and tables are chosen by clicks alone. */
const CONTROLS = ["line", "provider", "payer"];
const PICKED = [...CONTROLS, "reason", "table"];
const state = { from: 0, to: 0, metric: page.kpis[0], ranking: page.ranked[0], picks: {}, months: new Set() };
const drawn = new Map();

async function start() {
  page.last = page.axes.month.ids.indexOf(page.last_month);
  for (const axis of PICKED) state.picks[axis] = new Set();
  setPeriod(...usualPeriod());
  buildControls();
  await Promise.all(Object.entries(specs).map(([id, spec]) => buildView(id, spec)));
  update();
  new ResizeObserver(() => drawn.forEach((one) => fit(one))).observe($("main"));
}

// ---- filters

/** The newest year, half-year, quarter or month that has one like it before. */
function usualPeriod() {
  const length = [12, 6, 3, 1].find((months) => 2 * months <= page.last + 1) ?? page.last + 1;
  return [Math.max(0, page.last - length + 1), Math.max(0, page.last)];
}

function setPeriod(from, to) {
  [state.from, state.to] = [Math.min(from, to), Math.max(from, to)];
  state.months.clear();
}

const allMonths = () => state.from === 0 && state.to >= page.last;

const periodLength = () => state.to - state.from + 1;
const monthsOfPeriod = () => Array.from({ length: periodLength() }, (_, step) => state.from + step);

/** Members that are kept, by axis; axes of which all are kept are left out. */
function filters() {
  const kept = {};
  if (!allMonths()) kept.month = new Set(monthsOfPeriod());
  for (const axis of PICKED) if (state.picks[axis].size) kept[axis] = state.picks[axis];
  return kept;
}

function pick(axis, places) {
  if (!page.in_full && places.size && axis !== "table") {
    for (const other of PICKED) if (other !== axis) state.picks[other].clear();
    setPeriod(0, page.last);
  }
  state.picks[axis] = places;
  update();
}

function pickMonths(places) {
  const months = [...places].filter((place) => place <= page.last);
  if (months.length) setPeriod(Math.min(...months), Math.max(...months));
  else setPeriod(...usualPeriod());
  state.months = new Set(months);
  if (!page.in_full && months.length) for (const axis of CONTROLS) state.picks[axis].clear();
  update();
}

function toggle(axis, id) {
  const place = page.axes[axis].ids.indexOf(id);
  if (place < 0) return;
  const places = new Set(axis === "month" ? state.months : state.picks[axis]);
  if (!places.delete(place)) places.add(place);
  if (axis === "month") pickMonths(places);
  else pick(axis, places);
}

function reset() {
  for (const axis of PICKED) state.picks[axis].clear();
  setPeriod(...usualPeriod());
  update();
}

// ---- controls

function buildControls() {
  const months = page.axes.month.labels.slice(0, page.last + 1).map((label, place) => [place, label]);
  const change = () => {
    setPeriod(Number($("#from").value), Number($("#to").value));
    if (!page.in_full && !allMonths()) for (const axis of CONTROLS) state.picks[axis].clear();
    update();
  };
  $("#from").append(...months.map(([place, label]) => element("option", { value: place }, label)));
  $("#to").append(...months.map(([place, label]) => element("option", { value: place }, label)));
  $("#from").addEventListener("change", change);
  $("#to").addEventListener("change", change);
  for (const axis of CONTROLS) {
    const control = $(`#${axis}`);
    const places = page.axes[axis].labels.map((label, place) => [place, label]);
    places.sort((one, other) => one[1].localeCompare(other[1], "en"));
    control.append(element("option", { value: "" }, `All ${page.axes[axis].plural}`));
    control.append(element("option", { value: "several", hidden: true }, ""));
    control.append(...places.map(([place, label]) => element("option", { value: place }, label)));
    control.addEventListener("change", () => {
      if (control.value !== "several") pick(axis, new Set(control.value === "" ? [] : [Number(control.value)]));
    });
  }
  $("#reset").addEventListener("click", reset);
  $("#rank-by").append(...page.ranked.map((metric) => element("option", { value: metric }, page.metrics[metric].title)));
  $("#rank-by").addEventListener("change", () => {
    state.ranking = $("#rank-by").value;
    update();
  });
}

function showControls() {
  $("#from").value = state.from;
  $("#to").value = state.to;
  const active = Object.keys(filters()).filter((axis) => axis !== "table");
  for (const axis of CONTROLS) {
    const control = $(`#${axis}`);
    const places = [...state.picks[axis]];
    control.options[1].textContent = `${places.length} ${page.axes[axis].plural}`;
    control.value = places.length > 1 ? "several" : places.length ? places[0] : "";
    const other = page.in_full ? undefined : active.find((one) => one !== axis);
    control.disabled = other !== undefined || !page.axes[axis].ids.length;
    control.title = other ? page.why_not_crossed : "";
  }
  const hint = $("#hint");
  hint.replaceChildren();
  if (!page.in_full && active.length) {
    const [axis] = active;
    const others = ["month", ...CONTROLS].filter((one) => one !== axis).map((one) => page.axes[one].title.toLowerCase());
    hint.append(
      `One filter at a time: with ${page.axes[axis].title.toLowerCase()} chosen, ${others.join(", ")} are unavailable. ${page.why_not_crossed} `,
      element("button", { type: "button", onclick: axis === "month" ? () => pickAll() : reset }, axis === "month" ? "Show all months" : "Show everything"),
    );
  }
  const chips = PICKED.flatMap((axis) =>
    [...state.picks[axis]].map((place) => {
      const label = page.axes[axis].labels[place];
      return element(
        "button",
        { type: "button", class: "chip", "aria-label": `Remove ${page.axes[axis].title} ${label}`, onclick: () => toggle(axis, page.axes[axis].ids[place]) },
        element("span", {}, page.axes[axis].title), ` ${label} `, element("b", { "aria-hidden": "true" }, "×"),
      );
    }),
  );
  $("#chips").replaceChildren(...chips);
  const period = page.axes.month.ids.length ? `${page.axes.month.labels[state.from]} – ${page.axes.month.labels[state.to]}` : "no months";
  const picked = PICKED.flatMap((axis) => [...state.picks[axis]].map((place) => page.axes[axis].labels[place]));
  $("#in-force").textContent = [period, ...picked].join(" · ");
}

function pickAll() {
  setPeriod(0, page.last);
  update();
}

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

// ---- views

async function buildView(id, spec) {
  const card = $(`#${id}`);
  const chart = $(".chart", card);
  const { view } = await vegaEmbed(chart, spec, {
    mode: "vega",
    renderer: "svg",
    actions: false,
    defaultStyle: false,
    // Expressions are interpreted: the page's policy lets no text become code.
    ast: true,
    logLevel: 1, // errors: before its rows come, every scale would warn of having none
    tooltip: (_, event, item) => showTip(event, item, id),
  });
  const [, unit = ""] = JSON.stringify(spec.signals).match(/unit: \\"([^"\\]*)\\"/) ?? [];
  const one = { id, card, chart, view, unit };
  view.signal("hatch", "url(#hatching)");
  view.addSignalListener("picked", (_, value) => onPicked(one, value));
  drawn.set(id, one);
}

function onPicked(one, value) {
  if (!one.axis) return;
  const places = new Set((value.member ?? []).map((id) => page.axes[one.axis].ids.indexOf(id)));
  const chosen = one.axis === "month" ? state.months : state.picks[one.axis];
  if (places.size === chosen.size && [...places].every((place) => chosen.has(place))) return;
  places.delete(-1); // a mark that is nobody's, such as a line of the flow
  // Not at once: the chart that was clicked is still at work.
  setTimeout(() => (one.axis === "month" ? pickMonths(places) : pick(one.axis, places)));
}

/** Make the chart's own choice the page's, whoever changed it. */
function setChoice(one) {
  const chosen = one.axis === "month" ? state.months : state.picks[one.axis];
  const fields = one.view.signal("picked_tuple_fields");
  const ids = [...chosen].map((place) => page.axes[one.axis].ids[place]);
  one.view.data("picked_store", ids.map((id) => ({ unit: one.unit, fields, values: [id] })));
}

function draw(one, kept) {
  const result = ROWS[one.id](page, state, kept);
  const { card } = one;
  const words = $(".words", card);
  words.hidden = !result.words;
  one.chart.hidden = Boolean(result.words);
  $("details", card).hidden = Boolean(result.words);
  words.textContent = result.words ? sentence(result.words) : "";
  if (result.title) $("h2", card).textContent = result.title;
  $(".notes", card).textContent = (result.notes ?? []).join(" ");
  const ignored = (result.ignored ?? []).filter((axis) => axis !== "table" || one.id === "quality");
  const all = ignored.map((axis) => (axis === "month" ? "all months" : `all ${page.axes[axis].plural}`)).join(", ");
  const why = page.in_full ? "these numbers are not divided further" : page.why_not_crossed;
  $(".badge", card).textContent = ignored.length ? `Shows ${all}` : "";
  $(".badge", card).title = ignored.length ? sentence(why) : "";
  $(".badge", card).hidden = !ignored.length;
  const headline = $(".headline", card);
  if (headline) {
    headline.replaceChildren(
      ...(result.headline ?? []).map(([name, value]) => element("div", {}, element("span", {}, name), element("b", {}, value))),
    );
  }
  if (result.words) return;
  one.axis = result.axis;
  one.definition = result.definition;
  one.chart.setAttribute("aria-label", summary($("h2", card).textContent, result));
  fillTable(card, result);
  for (const [name, rows] of Object.entries(result.data)) one.view.data(name, rows.map((row) => ({ ...row })));
  one.view.signal("measure_unit", result.unit);
  setChoice(one);
  fit(one);
  one.view.runAsync();
}

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;

/** What a reader who cannot see the chart is told of it. */
function summary(title, result) {
  const first = result.table[0];
  const told = first ? ` First: ${first.label}, ${first.cells.map(cellText).join(", ")}.` : "";
  return `Chart: ${title}; ${result.table.length} rows.${told} The data table below has every number.`;
}

const cellText = (cell) => (Array.isArray(cell) ? written(...cell) : cell);

function fillTable(card, result) {
  const details = $("details", card);
  const fill = () => {
    const chosen = result.axis === "month" ? state.months : state.picks[result.axis];
    const head = element("tr", {}, ...result.columns.map((title) => element("th", { scope: "col" }, title)));
    const rows = result.table.map((row) => {
      const place = row.member === undefined ? -1 : page.axes[result.axis].ids.indexOf(row.member);
      const name =
        place < 0
          ? row.label
          : element(
              "button",
              { type: "button", "aria-pressed": String(chosen.has(place)), onclick: () => toggle(result.axis, row.member) },
              row.label,
            );
      const cells = row.cells.map((cell) =>
        element("td", Array.isArray(cell) ? { class: "n", "data-value": cell[0] } : {}, cellText(cell)),
      );
      return element("tr", { "data-member": row.member }, element("th", { scope: "row" }, name), ...cells);
    });
    const caption = element("caption", {}, result.definition ?? "");
    $("table", details).replaceChildren(caption, element("thead", {}, head), element("tbody", {}, ...rows));
  };
  details.fill = fill;
  details.ontoggle = () => details.open && details.fill();
  if (details.open) fill();
}

function fit(one) {
  const width = one.chart.clientWidth;
  if (!width || one.chart.hidden) return;
  const narrow = width < 530;
  if (one.width === width && one.narrow === narrow) return;
  [one.width, one.narrow] = [width, narrow];
  one.view.signal("narrow", narrow).signal("width", width);
  one.view.runAsync();
}

function showTip(event, item, id) {
  const tip = $("#tip");
  const datum = item?.datum;
  if (!datum || !datum.tip) {
    tip.hidden = true;
    return;
  }
  const lines = datum.tip.map(([name, text]) => element("div", {}, element("span", {}, name), element("b", {}, text)));
  const about = datum.about ?? drawn.get(id).definition ?? "";
  tip.replaceChildren(element("strong", {}, datum.label ?? ""), ...lines, element("p", {}, about));
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const left = Math.min(event.clientX + 14, innerWidth - width - 8);
  const top = event.clientY + 18 + height > innerHeight ? event.clientY - height - 12 : event.clientY + 18;
  tip.style.left = `${Math.max(8, left)}px`;
  tip.style.top = `${Math.max(8, top)}px`;
}

function update() {
  const kept = filters();
  const focused = document.activeElement?.dataset?.metric;
  showControls();
  $("#tiles").replaceChildren(...page.kpis.map(tile));
  if (focused) $(`#tiles [data-metric="${focused}"]`)?.focus();
  for (const one of drawn.values()) draw(one, kept);
  const tiles = page.kpis.slice(0, 3).map((metric) => $(`#tiles [data-metric="${metric}"] .number`).textContent);
  $("#live").textContent = `${$("#in-force").textContent}: ${page.kpis.slice(0, 3).map((metric, at) => `${page.metrics[metric].short} ${tiles[at]}`).join(", ")}`;
  document.body.dataset.updates = String(Number(document.body.dataset.updates ?? 0) + 1);
}

unpacked($("#numbers").textContent)
  .then((bytes) => {
    page.bytes = bytes;
    return start();
  })
  .catch((problem) => {
    $("#trouble").hidden = false;
    $("#trouble").textContent = `This page could not be drawn (${problem.message}). It needs a browser of 2023 or later.`;
    throw problem;
  });
