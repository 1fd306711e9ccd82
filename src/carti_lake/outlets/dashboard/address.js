
// ---- the address: what is chosen, so that it survives a reload and can be sent

/** What is chosen, as the part of the address behind #; what is as it opens is left out. */
function addressOf() {
  const said = new URLSearchParams();
  const [from, to] = usualPeriod();
  const month = (place) => page.axes.month.ids[place];
  if (state.from !== from || state.to !== to) {
    said.set("from", month(state.from));
    said.set("to", month(state.to));
  }
  if (state.months.size) said.set("months", [...state.months].map(month).join(","));
  for (const axis of PICKED) for (const place of state.picks[axis]) said.append(axis, page.axes[axis].ids[place]);
  if (state.metric !== page.kpis[0]) said.set("metric", state.metric);
  if (state.ranking !== page.ranked[0]) said.set("rank", state.ranking);
  return said.toString();
}

/** Choose what the address says; whatever this page does not know is left as it opens. */
function readAddress() {
  const said = new URLSearchParams(location.hash.slice(1));
  const places = (axis, ids) => ids.map((id) => page.axes[axis].ids.indexOf(id)).filter((place) => place >= 0);
  setPeriod(...usualPeriod());
  const ends = places("month", [said.get("from"), said.get("to")]).filter((place) => place <= page.last);
  if (ends.length === 2) setPeriod(...ends);
  state.months = new Set(places("month", (said.get("months") ?? "").split(",")));
  for (const axis of PICKED) state.picks[axis] = new Set(places(axis, said.getAll(axis)));
  state.metric = page.kpis.includes(said.get("metric")) ? said.get("metric") : page.kpis[0];
  state.ranking = page.ranked.includes(said.get("rank")) ? said.get("rank") : page.ranked[0];
  if (!page.in_full) oneFilter();
}

/** Where numbers are published by one axis, an address of several keeps the first. */
function oneFilter() {
  const [first, ...others] = PICKED.filter((axis) => axis !== "table" && state.picks[axis].size);
  for (const axis of others) state.picks[axis].clear();
  if (first) setPeriod(0, page.last);
}

function writeAddress() {
  const said = addressOf();
  if (location.hash.slice(1) !== said) history.replaceState(null, "", said ? `#${said}` : location.pathname + location.search);
}

// A link within the page is no choice.
const followAddress = () => (location.hash.includes("=") || location.hash.length < 2) && (readAddress(), update());
