// The cubes of the page: read once, then added up for whatever is asked. Sums first, their ratio last.

/** Unpack the page's numbers: base64 of gzip. */
async function unpacked(text) {
  const letters = atob(text.trim());
  const packed = new Uint8Array(letters.length);
  for (let at = 0; at < letters.length; at++) packed[at] = letters.charCodeAt(at);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** A column's numbers, times its scale; NaN where there is none. Read at the first use. */
function column(bytes, cube, id) {
  const found = cube.columns.find((one) => one.id === id);
  if (!found) return null;
  if (!found.numbers) {
    const numbers = new Float64Array(cube.rows);
    let unit = 1;
    for (let byte = 0; byte < found.width; byte++, unit *= 256) {
      const at = found.at + byte * cube.rows;
      for (let row = 0; row < cube.rows; row++) numbers[row] += bytes[at + row] * unit;
    }
    for (let row = 0; row < cube.rows; row++) {
      numbers[row] = found.gaps && numbers[row] === 0 ? NaN : numbers[row] + found.least - (found.gaps ? 1 : 0);
    }
    found.numbers = numbers;
  }
  return found;
}

/** The cube that a metric is added up from: the one with most of the filters' axes; undefined where none has all of `by`. */
function cubeOf(page, metric, by, filters) {
  const covered = (cube) => Object.keys(filters).filter((axis) => cube.axes.includes(axis)).length;
  // The marts stand in the order of the page: a metric's own comes before one that repeats it.
  const marts = page.cubes.map((cube) => cube.name);
  const mart = (cube) => marts.indexOf(cube.name);
  return page.cubes
    .filter((cube) => cube.columns.some((one) => one.id === `${metric}/above`))
    .filter((cube) => by.every((axis) => cube.axes.includes(axis)))
    .sort((one, other) => covered(other) - covered(one) || mart(one) - mart(other) || one.rows - other.rows)[0];
}

/**
 * A metric's sums in each group.
 *
 * @param {object} page  the page's description, with `bytes`
 * @param {string} metric  its id
 * @param {string[]} by  axes whose members make the groups; none for one group of all
 * @param {Object<string, Set<number>>} filters  members to keep, by axis
 * @returns {{groups: object[], ignored: string[], cube: string} | null}  groups with `at` (a member's place for each axis
 *   of `by`), `above`, `below`, `value` and `hidden`; the filters that no cube could apply; its name and the cube itself as
 *   `source`; null without any cube
 */
function measured(page, metric, by, filters) {
  const cube = cubeOf(page, metric, by, filters);
  if (!cube) return null;
  const asked = Object.keys(filters);
  const applied = asked.filter((axis) => cube.axes.includes(axis));
  return {
    groups: added(page, cube, metric, by, applied.map((axis) => [axis, filters[axis]])),
    ignored: asked.filter((axis) => !cube.axes.includes(axis)),
    cube: cube.name,
    source: cube,
  };
}

/** For each filter the places of its axis in the rows of the cube, and which of those are kept. */
const masksOf = (page, cube, filters) =>
  filters.map(([axis, kept]) => {
    const mask = new Uint8Array(page.axes[axis].ids.length);
    for (const place of kept) mask[place] = 1;
    return [column(page.bytes, cube, axis).numbers, mask];
  });

/** The cube's own rows under filters on its axes: a member's place for each axis, and the metric's two sums. */
function cellsOf(page, cube, metric, filters) {
  const [above, below] = ["above", "below"].map((part) => column(page.bytes, cube, `${metric}/${part}`));
  const places = cube.axes.map((axis) => column(page.bytes, cube, axis).numbers);
  const masks = masksOf(page, cube, filters);
  const cells = [];
  for (let row = 0; row < cube.rows; row++) {
    if (!masks.every(([numbers, mask]) => mask[numbers[row]])) continue;
    const [top, bottom] = [above, below].map((part) => (part ? part.numbers[row] / part.scale : null));
    // A row of zeros adds nothing.
    if (top || bottom) cells.push({ at: places.map((numbers) => numbers[row]), above: top, below: bottom });
  }
  return cells;
}

function added(page, cube, metric, by, filters) {
  const places = by.map((axis) => column(page.bytes, cube, axis).numbers);
  const sizes = by.map((axis) => page.axes[axis].ids.length);
  const above = column(page.bytes, cube, `${metric}/above`);
  const below = column(page.bytes, cube, `${metric}/below`);
  const masks = masksOf(page, cube, filters);
  const size = sizes.reduce((all, one) => all * one, 1);
  const sums = [new Float64Array(size), new Float64Array(size)];
  const seen = new Uint8Array(size); // 1: a row, 2: a number, 4: a row without one
  rows: for (let row = 0; row < cube.rows; row++) {
    for (const [numbers, mask] of masks) if (!mask[numbers[row]]) continue rows;
    let group = 0;
    for (let axis = 0; axis < places.length; axis++) group = group * sizes[axis] + places[axis][row];
    const top = above.numbers[row];
    const bottom = below ? below.numbers[row] : 0;
    if (Number.isNaN(top) || Number.isNaN(bottom)) {
      seen[group] |= 5;
    } else {
      seen[group] |= 3;
      sums[0][group] += top;
      sums[1][group] += bottom;
    }
  }
  const groups = [];
  for (let group = 0; group < size; group++) {
    if (!seen[group]) continue;
    // In what is published by one axis, a gap is a hidden number, and so is every sum with it.
    const hidden = cube.masked && (seen[group] & 4) !== 0;
    const none = hidden || !(seen[group] & 2);
    const top = none ? null : sums[0][group] / above.scale;
    const bottom = none || !below ? null : sums[1][group] / below.scale;
    const at = [];
    for (let axis = sizes.length - 1, rest = group; axis >= 0; axis--) {
      at.unshift(rest % sizes[axis]);
      rest = Math.floor(rest / sizes[axis]);
    }
    const value = none ? null : !below ? top : bottom === 0 ? null : top / bottom;
    groups.push({ at, above: top, below: bottom, value, hidden });
  }
  return groups;
}

/** The one group of all that is kept; without any row, nothing. */
function total(page, metric, filters) {
  const found = measured(page, metric, [], filters);
  if (!found) return null;
  const none = { above: null, below: null, value: null, hidden: false };
  return { ...(found.groups[0] ?? none), ignored: found.ignored };
}
