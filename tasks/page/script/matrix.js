// The matrix as a grid to walk in, its filters, and the panel beside it.

const ALL = ["exact", "close", "differs", "none"];
const grid = document.getElementById("matrix");
const panel = document.getElementById("detail");
const page = document.getElementById("page");
const form = document.getElementById("filters");
const narrow = window.matchMedia("(max-width: 999.98px)");
const rows = [...grid.tBodies[0].rows].map((row, index) => {
  const model = report.models[index];
  const text = [model.name, model.title, ...(model.aliases ?? [])].join("\n").toLowerCase();
  return { row, model, text, cells: [...row.cells].slice(1) };
});
let opened = null;
let here = null;

const verdictOf = (cell) => ALL.find((word) => cell.classList.contains(word));
const behind = (cell) => report.cells[cell.dataset.cell];
const shown = (element) => !element.hidden && !element.parentElement.hidden;

function chosen() {
  const data = new FormData(form);
  return {
    q: String(data.get("q") ?? "").trim().toLowerCase(),
    weights: String(data.get("weights") ?? ""),
    target: String(data.get("target") ?? ""),
    verdicts: data.getAll("verdict"),
  };
}

/** Show the rows and columns that the form asks for. A row stays if any of its cells has a verdict that is asked for. */
function filter() {
  const { q, weights, target, verdicts } = chosen();
  const all = !verdicts.length || verdicts.length === ALL.length;
  const columns = report.targets.map(({ name }) => !target || name === target);
  [...grid.tHead.rows[0].cells].slice(1).forEach((cell, index) => { cell.hidden = !columns[index]; });
  for (const { row, model, text, cells } of rows) {
    let matching = 0;
    cells.forEach((cell, index) => {
      const matches = all || verdicts.includes(verdictOf(cell));
      cell.hidden = !columns[index];
      cell.classList.toggle("unmatched", !matches);
      matching += matches && columns[index];
    });
    row.hidden = !matching || !text.includes(q) || (weights !== "" && model.weights !== weights);
  }
  const count = rows.filter(({ row }) => !row.hidden).length;
  document.getElementById("showing").textContent = `${count} of ${rows.length} models`;
  document.getElementById("nothing").hidden = count > 0;
  grid.hidden = count === 0;
  if (!here || !shown(here)) rove(rows.flatMap(({ cells }) => cells).find(shown) ?? null);
}

/** Make `cell` the one that Tab reaches. */
function rove(cell) {
  here?.setAttribute("tabindex", "-1");
  here = cell;
  here?.setAttribute("tabindex", "0");
}

/** The visible cell that a key moves to. */
function neighbour(cell, key, far) {
  const lines = rows.filter(({ row }) => !row.hidden).map(({ cells }) => cells.filter(shown));
  const y = lines.findIndex((line) => line.includes(cell));
  const x = lines[y].indexOf(cell);
  const to = (value, size) => Math.min(Math.max(value, 0), size - 1);
  const [height, width] = [lines.length, lines[y].length];
  const places = {
    ArrowLeft: [y, x - 1], ArrowRight: [y, x + 1], ArrowUp: [y - 1, x], ArrowDown: [y + 1, x],
    Home: [far ? 0 : y, 0], End: [far ? height - 1 : y, width - 1], PageUp: [y - 5, x], PageDown: [y + 5, x],
  };
  return key in places ? lines[to(places[key][0], height)][to(places[key][1], width)] : null;
}

function open(cell, focus = true) {
  mark(opened, "false");
  opened = cell;
  mark(opened, "true");
  rove(cell);
  document.body.classList.add("open");
  panel.hidden = false;
  panel.replaceChildren(...details(behind(cell)));
  panel.scrollTop = 0;
  panel.querySelector(".close-detail").addEventListener("click", () => close());
  narrowed();
  if (focus) panel.querySelector("h2").focus({ preventScroll: true });
  cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  remember();
}

function close(focus = true) {
  if (!opened) return;
  const cell = opened;
  mark(cell, "false");
  opened = null;
  panel.hidden = true;
  panel.replaceChildren();
  document.body.classList.remove("open");
  narrowed();
  if (focus) (shown(cell) ? cell : here)?.focus();
  remember();
}

const mark = (cell, value) => cell?.setAttribute("aria-selected", value);

/** Where the panel covers the page, the page takes part in nothing. */
function narrowed() {
  page.inert = Boolean(opened) && narrow.matches;
  panel.setAttribute("aria-modal", String(page.inert));
}

/** The filters and the open cell, in the address. */
function remember() {
  const { q, weights, target, verdicts } = chosen();
  const state = new URLSearchParams();
  if (q) state.set("q", q);
  if (weights) state.set("weights", weights);
  if (target) state.set("target", target);
  if (verdicts.length && verdicts.length < ALL.length) state.set("verdict", verdicts.join(","));
  if (opened) state.set("cell", `${behind(opened).model}/${behind(opened).target}`);
  const wanted = String(state) && `#${state}`;
  if (wanted === window.location.hash) return;
  window.history.replaceState(null, "", wanted || window.location.pathname + window.location.search);
}

/** The filters and the open cell, from the address. */
function recall() {
  const state = new URLSearchParams(window.location.hash.slice(1));
  const verdicts = (state.get("verdict") ?? "").split(",");
  form.elements.q.value = state.get("q") ?? "";
  form.elements.weights.value = state.get("weights") ?? "";
  form.elements.target.value = state.get("target") ?? "";
  if (form.elements.weights.selectedIndex < 0) form.elements.weights.value = "";
  if (form.elements.target.selectedIndex < 0) form.elements.target.value = "";
  for (const box of form.elements.verdict) box.checked = verdicts.includes(box.value);
  filter();
  const wanted = state.get("cell");
  const cell = wanted && [...grid.querySelectorAll("td[data-cell]")].find((each) => `${behind(each).model}/${behind(each).target}` === wanted);
  if (cell && cell !== opened) open(cell, false);
  if (!cell) close(false);
}

function choices(select, first, values) {
  select.append(make("option", { value: "" }, first), ...values.map(([value, text]) => make("option", { value }, text)));
}

/** The theme, kept where the browser lets a page keep things. */
function theme() {
  const select = form.elements.theme;
  const apply = () => {
    if (select.value) document.documentElement.dataset.theme = select.value;
    else delete document.documentElement.dataset.theme;
  };
  try { select.value = window.localStorage.getItem("transship-theme") ?? ""; } catch { /* the page may keep nothing */ }
  if (select.selectedIndex < 0) select.value = "";
  select.hidden = false;
  apply();
  select.addEventListener("change", () => {
    apply();
    try { window.localStorage.setItem("transship-theme", select.value); } catch { /* likewise */ }
  });
}

function becomeGrid() {
  grid.setAttribute("role", "grid");
  grid.setAttribute("aria-label", "Verdicts: models in rows, targets in columns");
  for (const { cells } of rows) {
    for (const cell of cells) {
      cell.setAttribute("role", "gridcell");
      cell.setAttribute("tabindex", "-1");
      if (cell.dataset.cell) mark(cell, "false");
    }
  }
  grid.addEventListener("click", (event) => {
    const cell = event.target.closest("td");
    if (cell?.dataset.cell) open(cell);
    else if (cell) rove(cell);
  });
  grid.addEventListener("focusin", (event) => {
    if (event.target.matches("td")) rove(event.target);
  });
  grid.addEventListener("keydown", (event) => {
    const cell = event.target.closest("td");
    if (!cell || event.altKey || event.metaKey) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      if (cell.dataset.cell) open(cell);
      return;
    }
    const next = neighbour(cell, event.key, event.ctrlKey);
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
}

choices(form.elements.weights, "any", [...new Set(report.models.map((model) => model.weights).filter(Boolean))].map((word) => [word, word]));
choices(form.elements.target, "all", report.targets.map(({ name, title }) => [name, title]));
becomeGrid();
theme();
form.hidden = false;
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", (event) => {
  filter();
  remember();
});
form.addEventListener("reset", (event) => {
  event.preventDefault();
  form.elements.q.value = "";
  for (const name of ["weights", "target"]) form.elements[name].value = "";
  for (const box of form.elements.verdict) box.checked = false;
  filter();
  remember();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && opened && !event.defaultPrevented) close();
});
narrow.addEventListener("change", narrowed);
window.addEventListener("hashchange", recall);
recall();
