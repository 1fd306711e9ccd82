
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
  $("[data-take=csv]", card).addEventListener("click", () => takeTable(one));
  $("[data-take=png]", card).addEventListener("click", () => takePicture(one));
  view.signal("hatch", "url(#hatching)");
  view.addSignalListener("picked", (_, value) => onPicked(one, value));
  if (page.in_full) view.addEventListener("dblclick", (_, item) => item?.datum?.tip && showBehind(one, item.datum));
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
  $(".take", card).hidden = Boolean(result.words);
  one.result = result;
  words.textContent = result.words ? sentence(result.words) : "";
  if (result.title) $("h2", card).textContent = result.title;
  const ignored = result.ignored ?? [];
  const all = ignored.map((axis) => (axis === "month" ? "all months" : `all ${page.axes[axis].plural}`)).join(", ");
  const by = ignored.map((axis) => (axis === "month" ? "month" : page.axes[axis].title.toLowerCase())).join(" and ");
  const why = page.in_full ? `These numbers are not counted by ${by} too.` : page.why_not_crossed;
  $(".badge", card).textContent = ignored.length ? `Shows ${all}` : "";
  $(".badge", card).hidden = !ignored.length;
  $(".notes", card).textContent = [...(ignored.length ? [`Shows ${all}. ${why}`] : []), ...(result.notes ?? [])].join(" ");
  const headline = $(".headline", card);
  if (headline) {
    headline.replaceChildren(
      ...(result.headline ?? []).map(([name, value]) => element("div", {}, element("span", {}, name), element("b", {}, value))),
    );
  }
  if (result.words) return;
  one.axis = result.axis;
  one.definition = result.definition;
  // Vega makes it a document, in which some readers do not look for marks.
  one.chart.setAttribute("role", "group");
  one.chart.setAttribute("aria-label", summary($("h2", card).textContent, result));
  fillTable(card, result);
  for (const [name, rows] of Object.entries(result.data)) one.view.data(name, rows.map((row) => ({ ...row, words: inWords(row) })));
  one.view.signal("measure_unit", result.unit);
  setChoice(one);
  fit(one);
  render(one);
}

/** Draw anew. Vega calls a mark without items a symbol, though there is nothing to be read. */
async function render(one) {
  await one.view.runAsync();
  for (const nothing of one.chart.querySelectorAll(".role-mark:empty")) nothing.removeAttribute("role");
}

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;

/** What a reader who cannot see the chart is told of it. */
function summary(title, result) {
  const first = result.table[0];
  const told = first ? ` First: ${first.label}, ${first.cells.map(cellText).join(", ")}.` : "";
  return `Chart: ${title}; ${result.table.length} rows.${told} The data table below has every number.`;
}

/** A mark as a screen reader says it. */
const inWords = (row) => [row.label, ...(row.tip ?? []).map(([name, text]) => `${name} ${text}`)].join(", ");

const cellText = (cell) => (Array.isArray(cell) ? written(...cell) : cell);

function fillTable(card, result) {
  const details = $("details", card);
  const fill = () => {
    const chosen = result.axis === "month" ? state.months : state.picks[result.axis];
    const behind = page.in_full && result.behind;
    const head = element("tr", {}, ...result.columns.map((title) => element("th", { scope: "col" }, title)));
    if (behind) head.append(element("th", { scope: "col", class: "open" }, "Rows behind"));
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
      if (behind) {
        const label = `Rows behind ${row.label}`;
        const open = { type: "button", "data-behind": true, "aria-label": label, onclick: () => showBehind(drawn.get(card.id), row) };
        cells.push(element("td", { class: "open" }, place < 0 ? "" : element("button", open, "Rows")));
      }
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
  render(one);
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

/** What puts the focus back where it was, though its element is made anew. */
function focusAgain(active) {
  const [card, member] = [active?.closest?.(".card")?.id, active?.closest?.("tr")?.dataset.member];
  const place =
    active?.dataset?.metric ? `#tiles [data-metric="${CSS.escape(active.dataset.metric)}"]`
    : card && member !== undefined ? `#${card} tr[data-member="${CSS.escape(member)}"] th button`
    : active?.matches?.("#chips button, #hint button") ? "#reset"
    : null;
  return () => place && $(place)?.focus({ preventScroll: true });
}

function update() {
  const kept = filters();
  const again = focusAgain(document.activeElement);
  showControls();
  $("#tiles").replaceChildren(...page.kpis.map(tile));
  for (const one of drawn.values()) draw(one, kept);
  again();
  tellStory(kept);
  writeAddress();
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
