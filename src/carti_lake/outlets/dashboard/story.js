
// ---- what is worth a meeting, in a sentence or three

/** Standard deviations between two shares of cases: chance alone seldom makes it more than three. */
function deviations(now, before) {
  const mean = (now.above + before.above) / (now.below + before.below);
  const error = Math.sqrt(mean * (1 - mean) * (1 / now.below + 1 / before.below));
  return error > 0 ? (now.value - before.value) / error : 0;
}

function changes(kept) {
  const said = [];
  for (const metric of page.kpis) {
    const about = page.metrics[metric];
    const { now, before } = headline(metric, kept);
    if (about.missing || !now || !before || now.hidden || now.value === null || now.ignored.some((axis) => axis !== "table")) continue;
    // From nothing, nothing can be said in percent.
    if (!about.ratio && before.value === 0) continue;
    const share = about.unit === "ratio";
    const by = share ? now.value - before.value : (now.value - before.value) / Math.abs(before.value);
    const far = about.proportion ? Math.abs(deviations(now, before)) / page.worth_saying.deviations : Math.abs(by) / page.worth_saying.share;
    if (!(far > 1)) continue;
    const judged = about.good === "none" ? "" : by > 0 === (about.good === "up") ? " (better)" : " (worse)";
    const size = share ? `${(100 * Math.abs(by)).toFixed(1)} points` : written(Math.abs(by), "ratio");
    said.push([far, `${about.short.toLowerCase()} ${by > 0 ? "rose" : "fell"} by ${size} to ${written(now.value, about.unit)}${judged}`]);
  }
  said.sort((one, other) => other[0] - one[0]);
  return said.slice(0, page.worth_saying.most).map(([, text]) => text);
}

/**
 * Who stands outside the control limits, in words: of those who have cases under the filters. The limits are those of
 * all their cases of a year, whatever is chosen, and the sentence says so.
 */
function apartOfChosen(kept) {
  const chosen = without(kept, "month");
  const narrowed = Object.keys(chosen).length > 0;
  const said = [];
  for (const { metric, words, sides } of page.apart) {
    const found = narrowed ? measured(page, metric, ["provider"], chosen) : null;
    if (narrowed && !found) continue;
    const there = new Set(found?.groups.filter((group) => group.below).map((group) => page.axes.provider.ids[group.at[0]]));
    const parts = Object.entries(sides).flatMap(([word, who]) => {
      const names = who.filter(([id]) => !narrowed || there.has(id)).map(([, name]) => name);
      const more = names.length - page.worth_saying.named;
      const named = names.slice(0, page.worth_saying.named).join(", ");
      return names.length ? [`${named}${more > 0 ? ` and ${more} more` : ""} (${word})`] : [];
    });
    if (parts.length) said.push(`${words}: ${parts.join(", ")}`);
  }
  return said.length ? `Outside the control limits (99.8 %) over twelve months${narrowed ? " of all their cases" : ""}: ${said.join("; ")}.` : null;
}

/** What changed since the period before, who stands apart, and what is not known yet. */
function tellStory(kept) {
  const sentences = [];
  const compared = page.kpis.some((metric) => headline(metric, kept).before?.value);
  const changed = changes(kept);
  if (changed.length) sentences.push(`Since the same months one period before: ${changed.join("; ")}.`);
  else if (compared) sentences.push("No headline number changed more than chance would since the period before.");
  const apart = apartOfChosen(kept);
  if (apart) sentences.push(apart);
  const moves = [...new Set(page.kpis.flatMap((metric) => [...moving(metric)]))].filter((month) => month >= state.from && month <= state.to);
  if (moves.length) {
    moves.sort((one, other) => one - other);
    sentences.push(`Provisional: ${spanOf(moves)}, in which claims are still answered or referrals still open.`);
  }
  $("#story").textContent = sentences.join(" ");
  $("#story").hidden = !sentences.length;
  // What is explained is the network, whatever is chosen.
  $("#why").textContent = page.why ?? "";
  $("#why").hidden = !page.why || Object.keys(without(kept, "month")).length > 0;
}
