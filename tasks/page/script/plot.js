// The error of every value of a network, in order, on a logarithmic scale.

const HEIGHT = 210;
const EDGE = { left: 44, right: 10, top: 14, bottom: 24 };

/** The decades that the plot shows: all errors and the limit. Errors of nothing and without end have places beyond them. */
function decades(layers, allowed) {
  const shown = layers.map((layer) => layer.error).filter((value) => value > 0 && Number.isFinite(value));
  const logs = [...shown, allowed].map(Math.log10);
  const high = Math.ceil(logs.reduce((a, b) => Math.max(a, b)) + 0.01);
  return { low: Math.max(Math.floor(logs.reduce((a, b) => Math.min(a, b))), high - 20), high };
}

/** Where things are in a plot of this width: x of a layer, y of an error. */
function scales(layers, allowed, width) {
  const { low, high } = decades(layers, allowed);
  const inner = { width: width - EDGE.left - EDGE.right, height: HEIGHT - EDGE.top - EDGE.bottom };
  const x = (index) => EDGE.left + ((index + 0.5) * inner.width) / Math.max(layers.length, 1);
  const at = (log) => EDGE.top + ((high - log) / (high - low)) * inner.height;
  const y = (value) => {
    if (value === 0) return HEIGHT - EDGE.bottom;
    return Number.isFinite(value) ? at(Math.max(Math.log10(value), low)) : EDGE.top - 6;
  };
  const index = (where) => Math.floor(((where - EDGE.left) * layers.length) / inner.width);
  return { low, high, x, y, index };
}

/** Lines and names of the decades, at most about six. */
function decadeLines({ low, high, y }, width) {
  const step = Math.ceil((high - low) / 6);
  const lines = [];
  for (let power = high; power >= low; power -= step) {
    const height = y(10 ** power);
    lines.push(draw("path", { class: "grid", d: `M${EDGE.left} ${height}H${width - EDGE.right}` }));
    const name = draw("text", { x: EDGE.left - 6, y: height + 4, "text-anchor": "end" });
    name.textContent = limit(10 ** power);
    lines.push(name);
  }
  return lines;
}

/** The errors: a stem and a dot each; a cross where it is beyond the limit; nothing where there is no number. */
function marks(layers, allowed, { x, y }) {
  const measured = layers.map((layer, index) => [index, layer.error]).filter(([, value]) => value !== null);
  const good = measured.filter(([, value]) => value <= allowed);
  const bad = measured.filter(([, value]) => !(value <= allowed));
  const path = (items, shape) => items.map(([index, value]) => shape(x(index).toFixed(1), y(value).toFixed(1))).join("");
  return [
    draw("path", { class: "stems", d: path(measured, (a, b) => `M${a} ${HEIGHT - EDGE.bottom}V${b}`) }),
    draw("path", { class: "dots", d: path(good, (a, b) => `M${a} ${b}h0`) }),
    draw("path", { class: "bad", d: path(bad, (a, b) => `M${a - 3} ${b - 3}l6 6m-6 0l6 -6`) }),
  ];
}

/** The line that errors should stay below. */
function limitLine(allowed, { y }, width) {
  const name = draw("text", { class: "limit-name", x: width - EDGE.right, y: y(allowed) - 5, "text-anchor": "end" });
  name.textContent = `exact ${limit(allowed)}`;
  return [draw("path", { class: "limit", d: `M${EDGE.left} ${y(allowed)}H${width - EDGE.right}` }), name];
}

/** What is said of one layer. */
const spoken = (layer, index, count) =>
  `${index + 1} of ${count}: ${layer.node || "no node"} (${layer.operator || "?"}), ` +
  (layer.error === null ? "not measured" : `error ${error(layer.error, 2)}`);

/** The plot with its readout. It is read by pointer, by touch, and by arrow keys, as a slider over the layers. */
function plot(layers, allowed) {
  const svg = draw("svg", { role: "slider", tabindex: "0", "aria-label": "Error of each value, in order" });
  svg.setAttribute("aria-valuemin", "1");
  svg.setAttribute("aria-valuemax", layers.length);
  const readout = make("p", { class: "readout", id: "layer-readout" });
  const holder = make("div", { class: "plot" }, svg, readout);
  const pointer = draw("path", { class: "pointer", d: "" });
  let current = worst(layers);
  let drawn = null;
  let scale;

  function point(index) {
    current = Math.min(Math.max(index, 0), layers.length - 1);
    const layer = layers[current];
    const height = layer.error === null ? HEIGHT - EDGE.bottom : scale.y(layer.error);
    pointer.setAttribute("d", `M${scale.x(current)} ${height + 5}V${HEIGHT - EDGE.bottom + 5}m-5 ${height - HEIGHT + EDGE.bottom - 5}a5 5 0 1 0 10 0a5 5 0 1 0 -10 0`);
    svg.setAttribute("aria-valuenow", current + 1);
    svg.setAttribute("aria-valuetext", spoken(layer, current, layers.length));
    const value = layer.value === layer.node ? null : make("span", { class: "mono soft name" }, ` → ${layer.value}`);
    readout.replaceChildren(
      make("b", {}, layer.error === null ? "not measured" : error(layer.error, 2)), " ",
      make("span", { class: "mono name" }, layer.node || "(no node)"), " ", layer.operator, value,
      make("span", { class: "soft" }, ` · ${current + 1} of ${layers.length}`),
    );
  }

  function redraw() {
    if (holder.clientWidth === drawn) return;
    drawn = holder.clientWidth;
    const width = Math.max(drawn, 240);
    scale = scales(layers, allowed, width);
    svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    const caption = draw("text", { x: EDGE.left, y: HEIGHT - 8 });
    caption.textContent = `${layers.length} values, from input to output →`;
    svg.replaceChildren(...decadeLines(scale, width), ...marks(layers, allowed, scale), ...limitLine(allowed, scale, width), caption, pointer);
    point(current);
  }

  const underPointer = (event) => {
    const box = svg.getBoundingClientRect();
    point(scale.index(((event.clientX - box.left) * Math.max(holder.clientWidth, 240)) / box.width));
  };
  svg.addEventListener("pointermove", underPointer);
  svg.addEventListener("pointerdown", underPointer);
  svg.addEventListener("keydown", (event) => {
    const page = Math.max(Math.round(layers.length / 10), 1);
    const steps = {
      ArrowRight: current + 1, ArrowUp: current + 1, ArrowLeft: current - 1, ArrowDown: current - 1,
      PageUp: current + page, PageDown: current - page, Home: 0, End: layers.length - 1,
    };
    if (!(event.key in steps)) return;
    event.preventDefault();
    point(steps[event.key]);
  });
  new ResizeObserver(() => window.requestAnimationFrame(redraw)).observe(holder);
  redraw();
  return holder;
}

/** The place of the largest error. */
function worst(layers) {
  const sizes = layers.map((layer) => layer.error ?? -1);
  return sizes.indexOf(sizes.reduce((a, b) => Math.max(a, b)));
}
