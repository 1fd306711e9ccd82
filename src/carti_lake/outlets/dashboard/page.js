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
  readAddress();
  buildControls();
  buildBehind();
  await Promise.all(Object.entries(specs).map(([id, spec]) => buildView(id, spec)));
  update();
  addEventListener("hashchange", followAddress);
  new ResizeObserver(() => drawn.forEach((one) => fit(one))).observe($("main"));
}

// ---- filters

/** The newest year, half-year, quarter or month that is over, as every outlet opens with it. */
const usualPeriod = () => (page.period ?? [page.last_month, page.last_month]).map((id) => Math.max(0, page.axes.month.ids.indexOf(id)));

function setPeriod(from, to) {
  [state.from, state.to] = [Math.min(from, to), Math.max(from, to)];
  state.months.clear();
}

/** Whether the period is the one that the page opens with. */
const isUsual = () => usualPeriod().join() === [state.from, state.to].join();

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
  buildSearch();
  $("#rank-by").append(...page.ranked.map((metric) => element("option", { value: metric }, page.metrics[metric].title)));
  $("#rank-by").addEventListener("change", () => {
    state.ranking = $("#rank-by").value;
    update();
  });
}

const MANY = 12; // members that a list shows without a search

/** A search that leaves of the providers those whose name holds the text; Enter chooses the first. */
function buildSearch() {
  const [find, control] = [$("#find"), $("#provider")];
  find.hidden = page.axes.provider.ids.length <= MANY;
  const named = () => [...control.options].slice(2);
  find.addEventListener("input", () => {
    const wanted = find.value.trim().toLowerCase();
    for (const option of named()) option.hidden = !option.textContent.toLowerCase().includes(wanted);
  });
  find.addEventListener("keydown", (event) => {
    const first = named().find((option) => !option.hidden);
    if (event.key !== "Enter") return;
    event.preventDefault();
    if (find.value.trim() && first && !control.disabled) pick("provider", new Set([Number(first.value)]));
  });
}

function showControls() {
  $("#from").value = state.from;
  $("#to").value = state.to;
  $("#rank-by").value = state.ranking;
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
  $("#find").disabled = $("#provider").disabled;
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
