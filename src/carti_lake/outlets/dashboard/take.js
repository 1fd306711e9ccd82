
// ---- to take away: every view as CSV and as PNG

/** Save bytes as a file of that name. */
function save(name, content) {
  const link = element("a", { href: URL.createObjectURL(content), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

const fileName = (one, ending) => `${one.id}-${document.title.match(/release \d+/)?.[0].replace(" ", "-") ?? "release"}.${ending}`;

/** A text as a field of CSV: no spreadsheet takes it for a formula. */
function field(text) {
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

function takeTable(one) {
  const { result } = one;
  const number = (cell) => (Array.isArray(cell) ? String(cell[0] ?? "") : field(String(cell)));
  const rows = result.table.map((row) => [field(row.label), ...row.cells.map(number)]);
  const text = [result.columns.map(field), ...rows].map((row) => row.join(",")).join("\r\n");
  // The mark tells spreadsheets that it is UTF-8.
  save(fileName(one, "csv"), new Blob([`\ufeff${text}\r\n`], { type: "text/csv" }));
}

async function takePicture(one) {
  // A canvas knows no hatching of the page.
  await one.view.signal("hatch", page.pale).runAsync();
  const picture = await one.view.toCanvas(2);
  await one.view.signal("hatch", "url(#hatching)").runAsync();
  picture.toBlob((content) => save(fileName(one, "png"), content), "image/png");
}
