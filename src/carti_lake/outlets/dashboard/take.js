
// ---- to take away: every view as CSV and as PNG

/** Save bytes as a file of that name. */
function save(name, content) {
  const link = element("a", { href: URL.createObjectURL(content), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

const fileName = (name, ending) => `${name}-${document.title.match(/release \d+/)?.[0].replace(" ", "-") ?? "release"}.${ending}`;

/** A text as a field of CSV: no spreadsheet takes it for a formula. */
function field(text) {
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

function takeTable({ id, result }) {
  saveTable(id, result.columns, result.table.map((row) => [row.label, ...row.cells]));
}

/** Save rows as CSV; a cell is a text, or a number with its unit. */
function saveTable(name, columns, rows) {
  const cell = (one) => (Array.isArray(one) ? String(one[0] ?? "") : field(String(one)));
  const text = [columns.map(field), ...rows.map((row) => row.map(cell))].map((row) => row.join(",")).join("\r\n");
  // The mark tells spreadsheets that it is UTF-8.
  save(fileName(name, "csv"), new Blob([`\ufeff${text}\r\n`], { type: "text/csv" }));
}

async function takePicture(one) {
  // A canvas knows no hatching of the page.
  await one.view.signal("hatch", page.pale).runAsync();
  const picture = await one.view.toCanvas(2);
  await one.view.signal("hatch", "url(#hatching)").runAsync();
  picture.toBlob((content) => save(fileName(one.id, "png"), content), "image/png");
}
