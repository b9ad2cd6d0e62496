// The gallery: images and their maps side by side.

import { address, ask, at, change, element, short, state } from "./state.js";
import { nameOf } from "./grid.js";
import { pointed } from "./pointer.js";
import * as scores from "./scores.js";
import { python, save } from "./taken_along.js";

const CHOICES = {
  by: ["columns", [["methods", "methods of this group"], ["noises", "noises, of one method"], ["models", "models, of one method"]]],
  right: ["prediction", [["", "right or wrong"], ["true", "right"], ["false", "wrong"]]],
  order: ["order", [["position", "as stored"], ["sure", "surest first"], ["unsure", "least sure first"]]],
  scale: ["scale", [["map", "per map"], ["row", "per row"], ["column", "per column"], ["all", "for all"]]],
  outliers: ["full colour at", [["99", "99th percentile"], ["99.9", "99.9th percentile"], ["95", "95th percentile"], ["100", "largest value"], ["captum", "Captum's rule"]]],
  signed: ["with signs", [["RdBu_r", "blue to red"], ["PuOr", "orange to purple"]]],
  unsigned: ["without signs", [["inferno", "inferno"], ["viridis", "viridis"], ["Greys_r", "grey"]]],
};
const MOST_COLUMNS = 60;
// As crates/page/src/api/panels.rs has it.
const MOST_PANELS = 400;

let grid = { groups: [], variants: [] };
let group = null;
let samples = { all: 0, samples: [] };
let columns = [];
let round = 0;

const select = (name, choices, label) => {
  const made = element("select", { name }, ...choices.map(([value, text]) => element("option", { value, selected: value === state[name] }, text)));
  made.onchange = () => change({ [name]: made.value, ...(["label", "right", "order", "score"].includes(name) || (name === "key" && scores.isOrder(state.order)) ? { from: "0" } : {}) });
  return element("label", {}, `${label} `, made);
};

const range = (name, label, min, max, step) => {
  const made = element("input", { type: "range", name, min, max, step, value: state[name] });
  made.oninput = () => change({ [name]: made.value });
  return element("label", {}, `${label} `, made);
};

/** Columns of the figure: groups with one of their variants. */
function wanted() {
  const keys = group.variants.map(({ key }) => key);
  if (state.by === "methods") {
    const chosen = state.keys ? new Set(JSON.parse(state.keys)) : new Set(keys);
    return keys.filter((key) => chosen.has(key)).slice(0, MOST_COLUMNS).map((key) => ({ g: group.id, key, title: key }));
  }
  const key = keys.includes(state.key) ? state.key : keys[0];
  const [same, other] = state.by === "noises" ? ["model", "noise"] : ["noise", "model"];
  const like = (one) => ["dataset", "split", "sweep", same].every((name) => one[name] === grid.groups.find(({ id }) => id === group.id)?.[name]);
  return grid.groups.filter((one) => like(one) && !one.error).slice(0, MOST_COLUMNS).map((one) => ({ g: one.id, key, title: one[other] }));
}

/** Number of images that are shown: as many as one answer has panels for. */
const shownRows = () => Math.min(state.rows, Math.floor(MOST_PANELS / Math.max(1, wanted().length)));

function wishes() {
  const form = at("wishes");
  const focused = document.activeElement?.name;
  const parts = [select("by", CHOICES.by[1], "columns")];
  if (state.by !== "methods" || scores.isOrder(state.order)) parts.push(select("key", group.variants.map(({ key }) => [key, key]), "method"));
  parts.push(select("label", [["", "every class"], ...group.labels.map((label) => [String(label), `class ${label}`])], "label"));
  parts.push(select("right", CHOICES.right[1], CHOICES.right[0]), select("order", [...CHOICES.order[1], ...scores.orders(group)], CHOICES.order[0]));
  if (scores.isOrder(state.order) && group.scores.length) parts.push(select("score", group.scores.map(({ key }) => [key, key]), "score"));
  for (const name of ["scale", "outliers"]) parts.push(select(name, CHOICES[name][1], CHOICES[name][0]));
  const channels = [["sum", "sum"], ["mean_abs", "mean of absolute values"], ...Array.from({ length: group.shape[0] }, (_, channel) => [String(channel), `channel ${channel}`])];
  parts.push(select("channels", channels, "channels"));
  for (const name of ["signed", "unsigned"]) parts.push(select(name, CHOICES[name][1], CHOICES[name][0]));
  parts.push(range("overlay", "image over map", 0, 1, 0.05), range("size", "size", 28, 448, 4), range("rows", "images", 1, 24, 1));
  if (state.by === "methods" && group.variants.length > 1) parts.push(methods());
  form.replaceChildren(...parts);
  form.onsubmit = (event) => event.preventDefault();
  if (focused) form.querySelector(`[name="${CSS.escape(focused)}"]`)?.focus();
}

function methods() {
  const chosen = state.keys ? new Set(JSON.parse(state.keys)) : null;
  const boxes = group.variants.map(({ key }) => {
    const box = element("input", { type: "checkbox", name: `key ${key}`, value: key, checked: !chosen || chosen.has(key) });
    box.onchange = () => {
      const all = [...at("wishes").querySelectorAll("input[type=checkbox]")];
      const kept = all.filter(({ checked }) => checked).map(({ value }) => value);
      change({ keys: kept.length === all.length ? "" : JSON.stringify(kept) });
    };
    return element("label", {}, box, ` ${key}`);
  });
  return element("fieldset", {}, element("legend", {}, "methods"), ...boxes);
}

/** Reads the chosen group, and shows it. */
export async function open(given) {
  grid = given;
  const mine = ++round;
  at("gallery").hidden = !state.g;
  if (!state.g) return;
  try {
    const found = await ask("api/group", { g: state.g });
    if (mine !== round) return;
    group = found;
    at("gallery-title").textContent = `Images and maps: ${nameOf(group)}`;
    const right = group.predicted ? `, ${group.right} of ${group.predicted} predicted right (${((100 * group.right) / group.predicted).toFixed(1)} %)` : "";
    at("facts").textContent = `${group.images} images of ${group.shape.join(" x ")}, ${group.classes} classes${right}; ${group.dtype}, computed in ${group.precision}; ${group.place}`;
    scores.show(group);
    await list();
  } catch (error) {
    at("said").textContent = String(error.message);
  }
}

async function list() {
  const mine = ++round;
  wishes();
  const asked = { g: group.id, label: state.label, right: state.right, ...scores.parameters(group), offset: state.from, limit: shownRows() };
  const found = await ask("api/samples", asked);
  if (mine !== round) return;
  samples = found;
  const from = Number(state.from);
  at("which").textContent = samples.all ? `${from + 1} to ${from + samples.samples.length} of ${samples.all}` : "no image yet";
  at("before").disabled = from === 0;
  at("after").disabled = from + samples.samples.length >= samples.all;
  await panels();
}

async function panels() {
  const mine = ++round;
  columns = wanted();
  const asked = { images: samples.samples.map(({ image }) => image), columns: columns.map(({ g, key }) => [g, key]), scale: state.scale, outliers: state.outliers, channels: state.channels };
  const found = await ask("api/panels", { ask: JSON.stringify(asked) });
  if (mine !== round) return;
  at("said").textContent = `${{ sum: "sum over channels", mean_abs: "mean of absolute values over channels" }[state.channels] ?? `channel ${state.channels}`}; ${found.said}, which is the number below each map`;
  bars(found.panels);
  figures(found.panels);
  save(asked);
  python({ grid, group, columns, samples: samples.samples });
}

const signedOf = (key) => grid.variants.find((variant) => variant.key === key)?.signed ?? true;

/** A colour bar for each kind of map that is shown, with its numbers where all maps share them. */
function bars(found) {
  const full = (signed) => {
    const of = found.flatMap((row) => row.filter((panel, column) => panel.full !== undefined && signedOf(columns[column].key) === signed));
    return state.scale === "all" && of.length ? short(of[0].full) : "full";
  };
  const kinds = [...new Set(columns.map(({ key }) => signedOf(key)))];
  at("bars").replaceChildren(...kinds.flatMap((signed) => [
    signed ? `−${full(true)} ` : "0 ",
    element("img", { src: address("api/colours.png", { name: signed ? state.signed : state.unsigned }), alt: signed ? "colours with signs: zero is in the middle" : "colours without signs: zero is at the left" }),
    `${full(signed)}\u2003`,
  ]));
}

function figures(found) {
  const size = Number(state.size);
  const head = (text) => {
    const inner = element("div", {}, text);
    inner.style.width = `${size}px`;
    return element("th", { scope: "col" }, inner);
  };
  const top = element("tr", {}, head("image"), ...columns.map(({ title }) => head(title.replaceAll("_", "_\u200b"))));
  const rows = samples.samples.map((sample, row) => element("tr", {}, element("td", {}, picture(sample, size, samples.scores?.[row])),
    ...columns.map((column, index) => element("td", {}, map(sample, column, found[row][index], size)))));
  at("figures").replaceChildren(element("table", {}, element("thead", {}, top), element("tbody", {}, ...rows)));
}

function box(size, wrong) {
  const made = element("div", { className: wrong ? "panel wrong" : "panel" });
  made.style.width = `${size}px`;
  made.style.height = `${Math.max(1, Math.round((size * group.shape[1]) / group.shape[2]))}px`;
  return made;
}

function picture(sample, size, score) {
  const wrong = sample.label !== null && sample.label !== sample.predicted;
  const panel = box(size, wrong);
  panel.append(element("img", { alt: `image ${sample.image}`, src: address("api/image.png", { g: group.id, image: sample.image }) }));
  const told = `#${sample.image}, ${sample.label === null ? "" : `${sample.label} → `}${sample.predicted} (${Math.round(100 * sample.confidence)} %)${score === undefined ? "" : `, score ${short(score)}`}`;
  const mark = wrong ? element("span", { className: "wrong-mark" }, "✗ wrong ") : "";
  return element("figure", {}, panel, element("figcaption", {}, mark, told));
}

function map(sample, column, numbers, size) {
  const panel = box(size, false);
  if (numbers.error) {
    panel.append(element("p", {}, numbers.error));
    return element("figure", {}, panel);
  }
  const colours = signedOf(column.key) ? state.signed : state.unsigned;
  const source = { g: column.g, key: column.key, image: sample.image, channels: state.channels };
  const share = Number(state.overlay);
  if (share > 0) panel.append(element("img", { className: "under", alt: "", src: address("api/image.png", { g: column.g, image: sample.image }) }));
  const shown = element("img", { className: "map", alt: `${column.title}, image ${sample.image}: full colour at ${short(numbers.full)}`, src: address("api/map.png", { ...source, full: numbers.full, colours }) });
  shown.style.opacity = 1 - share;
  panel.append(shown);
  panel.onpointermove = (event) => pointed(event, panel, source, numbers, column.title);
  panel.onpointerleave = () => { at("value").hidden = true; };
  const told = numbers.full === 0 ? "all zero" : [short(numbers.full), numbers.positive === null || !signedOf(column.key) ? "" : `${Math.round(100 * numbers.positive)} % positive`, numbers.delta === null ? "" : `Δ ${short(numbers.delta)}`].filter(Boolean).join(", ");
  return element("figure", {}, panel, element("figcaption", {}, told));
}

const safely = (work) => work().catch((error) => { at("said").textContent = String(error.message); });

/** Shows what a change of the state concerns. */
export function changed(changes) {
  const names = Object.keys(changes);
  const has = (...some) => some.some((name) => names.includes(name));
  if (has("g")) open(grid);
  else if (!group || !state.g) return;
  else if (has("label", "right", "order", "score", "from", "rows", "by", "keys") || (has("key") && scores.isOrder(state.order))) safely(list);
  else if (has("scale", "outliers", "channels", "key", "signed", "unsigned", "overlay", "size")) safely(panels);
}

/** Shows a new state of the stores: a group that has grown is read again. */
export function grown(given) {
  const before = grid.groups.find(({ id }) => id === state.g);
  const now = given.groups.find(({ id }) => id === state.g);
  grid = given;
  if (now && JSON.stringify(before) !== JSON.stringify(now)) open(given);
}

function turn(by) {
  const from = Math.max(0, Number(state.from) + by * shownRows());
  if (from === Number(state.from) || from >= samples.all) return;
  change({ from: String(from) });
}

function pressed(event) {
  if (!state.g || event.ctrlKey || event.metaKey || event.altKey || /INPUT|SELECT|TEXTAREA/.test(event.target.tagName)) return;
  const scales = { 1: "map", 2: "row", 3: "column", 4: "all" };
  if (event.key === "ArrowLeft") turn(-1);
  else if (event.key === "ArrowRight") turn(1);
  else if (event.key === "f") change({ overlay: { 0: "0.5", 0.5: "1" }[state.overlay] ?? "0" });
  else if (scales[event.key]) change({ scale: scales[event.key] });
  else if (event.key === "+" || event.key === "-") change({ size: String(Math.min(448, Math.max(28, Number(state.size) + (event.key === "+" ? 28 : -28)))) });
  else return;
  event.preventDefault();
  wishes();
}

export function begin() {
  at("choices").open = innerWidth > 640;
  at("before").onclick = () => turn(-1);
  at("after").onclick = () => turn(1);
  document.addEventListener("keydown", pressed);
}
