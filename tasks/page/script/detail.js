// What is behind a cell. Each section is a function of the cell; one that has nothing to say is left out.

const section = (title, ...content) => [make("h3", {}, title), ...content];

function verdictSection(cell, model, target) {
  const readBack = cell.runtime?.runtime === "read-back";
  const expected = cell.expected;
  const first = cell.first_bad;
  return [
    make(
      "p",
      { class: "verdict" },
      make("span", { class: `badge ${cell.verdict}` }, `${SYMBOLS[cell.verdict] ?? "✗"} ${cell.verdict}`),
      make("span", {}, `error ${error(cell.max_rel, 2)}`),
      make("span", {}, `sensitivity ${error(cell.sensitivity, 2)}`),
    ),
    (cell.reasons ?? []).map((reason) => make("p", {}, reason)),
    expected ? make("p", {}, `Expected, and accepted as ${expected.verdict}: ${expected.reason}`) : null,
    first ? make("p", {}, "First bad node ", make("code", { class: "name" }, first.node), `: ${first.reason ?? ""}`) : null,
    first?.last_good ? make("p", { class: "soft" }, "The last good value before it: ", make("code", { class: "name" }, first.last_good)) : null,
    readBack
      ? make("p", { class: "note" }, `† Read back: ${target.title} itself does not run on Linux. The files that were saved are read by a reader that shares no code with the writer, into a graph that ONNX Runtime runs. So this verdict is on the saved files, not on ${target.title}'s own kernels.`)
      : null,
    model.weights === "seeded"
      ? make("p", { class: "note" }, "Seeded weights: drawn from each parameter's name and shape, not trained. What is shown is that the two frameworks compute the same; classes and labels mean nothing.")
      : null,
  ];
}

function limitsTable(tolerance, name) {
  const row = (level) => [level, limit(tolerance[level].max_rel), limit(tolerance[level].sensitivity), limit(tolerance[level].constant)];
  return [
    tabulate(name, ["limit", "max_rel", "sensitivity", "if no input moves it"], [row("exact"), row("close")], [1, 2, 3]),
    make("p", { class: "soft" }, tolerance.reason ? `* Limits of its own: ${tolerance.reason}.` : "The default limits."),
  ];
}

function outputsTable(outputs, tolerance, name) {
  const over = (value, allowed) => (value === null || value === undefined || number(value) <= allowed ? "number" : "number over");
  const head = ["max_abs", "max_rel", "sensitivity", "SNR dB", "cosine", "top 1", "top 5"];
  const named = (output) =>
    make(
      "th",
      { scope: "colgroup", colspan: head.length },
      `${SYMBOLS[output.verdict] ?? "✗"} ${output.verdict} `,
      make("span", { class: "mono name" }, output.name),
      make("span", { class: "mono soft" }, ` ${(output.shape ?? []).join(" × ")}`),
    );
  const rows = outputs.flatMap((output) => [
    make("tr", { class: "named" }, named(output)),
    [
      error(output.max_abs),
      make("td", { class: over(output.max_rel, tolerance?.exact.max_rel) }, error(output.max_rel)),
      make("td", { class: over(output.sensitivity, tolerance?.exact.sensitivity) }, error(output.sensitivity)),
      plain(output.snr_db),
      plain(output.cosine),
      same(output.top1),
      same(output.top5),
    ],
  ]);
  return tabulate(name, head, rows, [0, 1, 2, 3, 4, 5, 6], "outputs");
}

function detectionsTable(groups, name) {
  const head = ["in the source", "in the target", "matched", "score error", "least IoU"];
  const rows = groups.map((group) => [
    plain(group.reference),
    plain(group.candidate),
    plain(group.matched),
    error(group.max_score_error),
    plain(group.min_iou),
  ]);
  return [
    tabulate(name, head, rows, [0, 1, 2, 3, 4]),
    make("p", { class: "soft" }, "Detections are compared one to one, in any order: of the same class, with scores within 1e-3 and an intersection over union of at least 0.99. The errors above are those of matched ones."),
  ];
}

function outputsSection(cell) {
  const forms = Object.entries(cell.forms ?? {});
  return section(
    "Errors of each output, the worst of all inputs",
    outputsTable(cell.outputs ?? [], cell.tolerance, "Errors of each output"),
    cell.tolerance ? limitsTable(cell.tolerance, "Limits") : null,
    cell.detections?.length ? detectionsTable(cell.detections, "Detections of all inputs") : null,
    forms.map(([form, judged]) => [
      make("h4", {}, `The same of ${form}, another file of the checkpoint: ${SYMBOLS[judged.verdict] ?? "✗"} ${judged.verdict}`),
      outputsTable(judged.outputs ?? [], judged.tolerance, `Errors of each output of ${form}`),
      judged.tolerance ? limitsTable(judged.tolerance, `Limits of ${form}`) : null,
    ]).flat(2),
  );
}

function layersSection(cell) {
  const layers = layersOf(cell);
  if (!layers.length) return null;
  const all = make("details", { id: "layer-table" }, make("summary", {}, `As a table (${layers.length} rows)`));
  all.addEventListener("toggle", () => {
    if (!all.open || all.querySelector("table")) return;
    const rows = layers.map((layer, index) => [
      String(index + 1),
      make("td", { class: "mono" }, layer.value), make("td", { class: "mono" }, layer.node), layer.operator,
      layer.error === null ? "not measured" : error(layer.error, 2),
    ]);
    all.append(tabulate("Error of each value", ["", "value", "node", "operator", "max_rel"], rows, [0, 4]));
  });
  return section(
    "Error of each layer",
    make("p", { class: "soft" }, `The input “${cell.layers.case}”: error relative to each value's largest element. Values that the target's framework does not keep are not here. The limit is that of outputs.`),
    plot(layers, number(cell.tolerance?.exact.max_rel) ?? 1e-4),
    all,
  );
}

const label = (entry) => (entry ? (entry.label ? `${entry.label} (${entry.class})` : `class ${entry.class}`) : "–");
const score = (entry) => (entry ? plain(entry.score, 3) : "–");

function ranks(reference, candidate, source, target, name) {
  const rows = Array.from({ length: Math.max(reference.length, candidate.length) }, (_, rank) => {
    const [left, right] = [reference[rank], candidate[rank]];
    const agrees = left && right && left.class === right.class;
    return [
      String(rank + 1),
      label(left), score(left),
      make("td", { class: agrees ? null : "over" }, agrees ? "=" : "≠"),
      label(right), score(right),
    ];
  });
  return tabulate(name, ["", source, "score", "", target, "score"], rows, [0, 2, 5], "ranks");
}

function topSection(cell, target) {
  const outputs = Object.entries(cell.top ?? {});
  if (!outputs.length) return null;
  const source = cell.reference?.framework ?? "source";
  const shown = outputs.map(([output, cases]) => [
    outputs.length > 1 ? make("h4", { class: "mono" }, output) : null,
    Object.entries(cases).map(([name, sides]) => {
      const picture = report.photographs?.[name];
      const image = picture?.startsWith("data:image/") ? make("img", { src: picture, alt: `The photograph “${name}”` }) : null;
      const table = ranks(sides.reference ?? [], sides.candidate ?? [], source, target.title, `Top 5 of ${output} for ${name}`);
      return make("div", { class: image ? "case" : "case bare" }, image, table);
    }),
  ]);
  return section("Top 5", ...shown.flat(2));
}

function runtimesSection(cell) {
  const sides = [["source", cell.reference], ["target", cell.runtime]].filter(([, side]) => side);
  if (!sides.length) return null;
  const rows = sides.map(([role, side]) => [
    role,
    `${side.framework} ${side.versions?.[side.framework] ?? ""}`.trim() + (side.runtime ? `, ${side.runtime}` : ""),
    Object.entries(side.versions ?? {}).filter(([name]) => name !== side.framework).map(([name, version]) => `${name} ${version}`).join(", "),
    make("td", { class: "mono", title: side.image }, String(side.image ?? "–").slice(0, 12)),
  ]);
  return section("Runtimes", tabulate("Runtimes of both sides", ["", "framework", "with", "image"], rows));
}

function timingsSection(cell) {
  const timings = cell.timings ?? [];
  if (!timings.length) return null;
  const known = timings.filter((timing) => timing.seconds !== null && timing.seconds !== undefined);
  const total = known.reduce((sum, timing) => sum + timing.seconds, 0);
  const longest = Math.max(...known.map((timing) => timing.seconds), 0.001);
  const bar = (timing) => {
    const element = make("span", { class: "bar" });
    element.style.width = `${(100 * (timing.seconds ?? 0)) / longest}%`;
    return element;
  };
  const rows = timings.map((timing) => [timing.step, timing.where, make("td", {}, bar(timing)), seconds(timing.seconds)]);
  const holder = tabulate("Time of every step", ["step", "where", "", "time"], rows, [3], "bars");
  const sum = make("tr", {}, make("td", { colspan: 3 }, "all, one after the other"), make("td", { class: "number" }, seconds(total)));
  holder.firstChild.append(make("tfoot", {}, sum));
  return section("Time of every step, when it ran", holder);
}

function filesSection(cell) {
  const files = cell.files ?? [];
  if (!files.length) return null;
  const rows = files.map((file) => [
    make("td", { class: "mono" }, make("a", { href: link(file.path) }, file.path.replace(/^(\.\.\/)+/, ""))),
    bytes(file.size),
  ]);
  return section("Files", tabulate("Files", ["below build/", "size"], rows, [1]));
}

function modelSection(model, target) {
  const url = /^https?:\/\//.test(model.reference ?? "") ? model.reference : null;
  const rows = [
    ["name", make("td", { class: "mono" }, model.name)],
    ["title", model.title],
    model.aliases?.length ? ["aliases", make("td", { class: "mono" }, model.aliases.join(", "))] : null,
    ["licence", model.licence || "not stated"],
    ["weights", model.weights || "not stated"],
    url ? ["reference", make("td", {}, make("a", { href: url, rel: "noopener noreferrer" }, url))] : null,
    ["command", make("td", { class: "mono" }, `doit convert:${model.name}-${target.name}`)],
  ];
  return section("Model", tabulate("The model", ["", ""], rows.filter(Boolean)));
}

/** The content of the panel for a cell. */
function details(cell) {
  const model = models.get(cell.model);
  const target = targets.get(cell.target);
  const close = make("button", { class: "close-detail", type: "button", "aria-label": "Close" }, "Close ", make("span", { class: "soft" }, "Esc"));
  const title = make("h2", { id: "detail-title", tabindex: "-1" }, make("span", { class: "name" }, model.title), ` → ${target.title}`);
  const content = [
    make("div", { class: "top" }, title, close),
    verdictSection(cell, model, target),
    layersSection(cell),
    topSection(cell, target),
    outputsSection(cell),
    runtimesSection(cell),
    timingsSection(cell),
    filesSection(cell),
    modelSection(model, target),
  ];
  return content.flat(3).filter(Boolean);
}
