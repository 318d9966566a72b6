// Words for numbers, and elements for words. Text from the document becomes text nodes and nothing else.

const SYMBOLS = { exact: "√", close: "o", differs: "✗" };

/** A JSON number, or "Infinity" as verify.json writes it, as a number; null where there is none. */
const number = (value) => (value === null || value === undefined || value === "" ? null : Number(value));

/** A relative error: `digits` digits after the point and a power of ten of two digits, as Python writes it. */
function error(value, digits = 1) {
  const given = number(value);
  if (given === null || Number.isNaN(given)) return "–";
  if (!Number.isFinite(given)) return given > 0 ? "∞" : "-∞";
  if (given === 0) return "0";
  return given.toExponential(digits).replace(/e([+-])(\d)$/, "e$10$2").replace("e+00", "");
}

/** A limit: 1e-04. */
const limit = (value) => error(value, 0);

/** A number to read. */
function plain(value, digits = 4) {
  const given = number(value);
  if (given === null || Number.isNaN(given)) return "–";
  return Number.isFinite(given) ? String(Number(given.toPrecision(digits))) : "∞";
}

const same = (value) => (value === null || value === undefined ? "–" : value ? "same" : "differs");

function seconds(value) {
  if (value === null || value === undefined) return "–";
  const whole = Math.round(value);
  return value < 99.95 ? `${value.toFixed(1)} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

function bytes(size) {
  const units = ["B", "kB", "MB", "GB"];
  let unit = 0;
  for (; size >= 999.5 && unit < units.length - 1; unit += 1) size /= 1000;
  return `${unit && size < 9.95 ? size.toFixed(1) : Math.round(size)} ${units[unit]}`;
}

/** A relative link to a file: each part is escaped, so that no name is a scheme or another host. */
const link = (path) => path.split("/").map(encodeURIComponent).join("/").replace(/^\/+/, "");

/** An element. `properties` are attributes, `class` among them; `children` are elements and texts. */
function make(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** The same in SVG. */
function draw(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes ?? {})) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** A table: `head` are texts, `rows` rows or lists of texts and cells; columns in `numbers` stand to the right. */
function tabulate(name, head, rows, numbers = [], kind = null) {
  const side = (index) => (numbers.includes(index) ? "number" : null);
  const cell = (content, index) =>
    content instanceof HTMLTableCellElement ? content : make("td", { class: side(index) }, content);
  return make(
    "div",
    { class: "wide" },
    make(
      "table",
      { "aria-label": name, class: kind },
      make("thead", {}, make("tr", {}, head.map((text, index) => make("th", { scope: "col", class: side(index) }, text)))),
      make("tbody", {}, rows.map((row) => (row instanceof HTMLTableRowElement ? row : make("tr", {}, row.map(cell))))),
    ),
  );
}
