// The report, as it lies in the page.

const report = JSON.parse(document.getElementById("document").textContent);
const models = new Map(report.models.map((model) => [model.name, model]));
const targets = new Map(report.targets.map((target) => [target.name, target]));

/** A cell's layers as {value, node, operator, error}, the error a number or null. */
const layersOf = (cell) =>
  (cell.layers?.at ?? []).map((place, index) => {
    const [value, node, operator] = report.places[place];
    return { value, node, operator, error: number(cell.layers.max_rel[index]) };
  });
