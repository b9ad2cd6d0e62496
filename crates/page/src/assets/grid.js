// The grid: one picture of all groups, and a table of some of them.

import { at, change, element, state } from "./state.js";

const STATES = [
  ["d", "done"], ["p", "done in part"], ["r", "running"], ["f", "failed"], ["w", "waiting"], [".", "not asked for"],
];
const NAMES = Object.fromEntries(STATES);
const ROWS = 20;
const CELL = 18;
const HEIGHT = 420;

let grid = { groups: [], variants: [] };
let shown = [];
let layout = null;
let cursor = { row: 0, column: 0 };

const colour = (letter) => {
  const name = { d: "done", p: "part", r: "running", f: "failed", w: "waiting", ".": "none" }[letter];
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
};

/** Draws a cell; large ones have a sign as well, so that colour is not all that tells. */
function cell(context, letter, x, y, size, colours) {
  const gap = size > 5 ? 1 : 0;
  if (letter === ".") return;
  context.fillStyle = colours[letter];
  context.fillRect(x, y, size - gap, size - gap);
  if (size < 10) return;
  context.strokeStyle = context.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--back").trim();
  context.lineWidth = 2;
  context.beginPath();
  if (letter === "f") {
    context.moveTo(x + 4, y + 4); context.lineTo(x + size - 5, y + size - 5);
    context.moveTo(x + size - 5, y + 4); context.lineTo(x + 4, y + size - 5);
    context.stroke();
  } else if (letter === "r") {
    context.moveTo(x + 5, y + 4); context.lineTo(x + size - 5, y + (size - 1) / 2); context.lineTo(x + 5, y + size - 5);
    context.fill();
  } else if (letter === "p") {
    context.fillRect(x + (size - gap) / 2, y + 3, (size - gap) / 2 - 3, size - gap - 6);
  }
}

const allColours = () => Object.fromEntries(STATES.map(([letter]) => [letter, colour(letter)]));

function prepared(canvas, width, height) {
  const ratio = Math.max(1, Math.round(devicePixelRatio));
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  return context;
}

/** The largest cells with which all groups fit: rows below each other, and blocks of rows side by side. */
function fitting(groups, variants, width) {
  for (const size of [14, 12, 10, 8, 6, 5, 4, 3, 2]) {
    const rows = Math.min(groups, Math.max(1, Math.floor(HEIGHT / size)));
    const block = variants * size + Math.max(3, size);
    const blocks = Math.ceil(groups / rows);
    if (blocks * block <= width) return { size, rows, block, blocks };
  }
  // Narrow pictures are as high as they must be.
  const size = 2;
  const block = variants * size + 3;
  const blocks = Math.max(1, Math.floor(width / block));
  return { size, rows: Math.ceil(groups / blocks), block, blocks };
}

function overview() {
  const many = grid.groups.length > ROWS;
  at("overview").hidden = !many;
  if (!many) return;
  const canvas = at("map");
  layout = fitting(grid.groups.length, Math.max(1, grid.variants.length), at("overview").clientWidth);
  const context = prepared(canvas, layout.blocks * layout.block, layout.rows * layout.size);
  const colours = allColours();
  grid.groups.forEach((group, index) => {
    const [x, y] = place(index);
    for (let column = 0; column < grid.variants.length; column++) {
      cell(context, letter(group, column), x + column * layout.size, y, layout.size, colours);
    }
  });
  mark(context);
}

/** Frames the cell that the keyboard is at, while it is. */
function mark(context) {
  if (document.activeElement !== at("map") || !grid.groups.length) return;
  const [x, y] = place(cursor.row);
  context.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--text").trim();
  context.lineWidth = 2;
  context.strokeRect(x + cursor.column * layout.size - 1, y - 1, layout.size + 1, layout.size + 1);
}

/** A group that cannot be read is told as one that failed. */
const letter = (group, column) => group.cells[column] ?? "f";

const place = (index) => [Math.floor(index / layout.rows) * layout.block, (index % layout.rows) * layout.size];

/** Group and variant at a place of the picture. */
function hit(event) {
  const box = at("map").getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  const row = Math.floor(x / layout.block) * layout.rows + Math.floor(y / layout.size);
  const column = Math.floor((x % layout.block) / layout.size);
  return row < grid.groups.length && column < grid.variants.length ? { row, column } : null;
}

export const nameOf = (group) => (group.dataset ? `${group.dataset} · ${group.model} · ${group.noise} · ${group.split}` : group.id);

function tell(found) {
  const group = found && grid.groups[found.row];
  const variant = found && grid.variants[found.column];
  at("under").textContent = group && variant
    ? `${nameOf(group)}, ${variant.key}: ${group.error ?? NAMES[letter(group, found.column)]}` : "\u00a0";
}

function table() {
  const words = state.find.toLowerCase().split(/\s+/).filter(Boolean);
  shown = grid.groups.filter((group) => words.every((word) => group.id.toLowerCase().includes(word)));
  const pages = Math.max(1, Math.ceil(shown.length / ROWS));
  const page = Math.min(Math.max(0, Number(state.page) || 0), pages - 1);
  const few = grid.variants.length <= 64;
  const keys = element("th", { className: "keys" }, ...grid.variants.map(({ key }) => element("span", { title: key }, key)));
  const heads = ["group", "done"].map((name) => element("th", { scope: "col" }, name));
  // Whoever goes by the keyboard stays where he is while the stores grow.
  const focused = document.activeElement?.dataset?.group;
  at("rows").tHead.replaceChildren(element("tr", {}, ...heads, few ? keys : element("th", {}, "variants")));
  at("rows").tBodies[0].replaceChildren(...shown.slice(page * ROWS, (page + 1) * ROWS).map(row));
  if (focused) [...at("rows").querySelectorAll("button")].find((button) => button.dataset.group === focused)?.focus();
  at("where").textContent = `${page + 1} of ${pages}`;
  at("earlier").disabled = page === 0;
  at("later").disabled = page >= pages - 1;
  at("pages").hidden = pages === 1;
}

function row(group) {
  const share = group.shards ? Math.floor((100 * group.done) / group.shards) : 0;
  const size = grid.variants.length <= 64 ? CELL : Math.max(1, Math.floor(1152 / grid.variants.length));
  const canvas = element("canvas", { role: "img", "aria-label": counts(group.cells) });
  const context = prepared(canvas, Math.max(1, grid.variants.length * size), CELL);
  const colours = allColours();
  [...group.cells].forEach((letter, index) => cell(context, letter, index * size, 0, size, colours));
  canvas.onpointermove = (event) => tell({ row: grid.groups.indexOf(group), column: Math.floor(event.offsetX / size) });
  canvas.onclick = () => choose(group);
  const button = element("button", { type: "button", onclick: () => choose(group) }, nameOf(group));
  button.dataset.group = group.id;
  const done = group.error ?? (group.complete ? "100 %" : `${Math.min(share, 99)} %`);
  const made = element("tr", { className: group.id === state.g ? "chosen" : "" },
    element("th", { scope: "row" }, button), element("td", {}, done), element("td", { className: "cells" }, canvas));
  return made;
}

function counts(cells) {
  const told = STATES.map(([letter, name]) => [[...cells].filter((cell) => cell === letter).length, name]);
  return told.filter(([count]) => count > 0).map(([count, name]) => `${count} ${name}`).join(", ");
}

function choose(group) {
  if (!group || group.error) return;
  change({ g: group.id, from: "0", label: "", keys: "", key: "" });
  at("gallery").scrollIntoView({ block: "start" });
}

function legend() {
  const colours = allColours();
  at("legend").replaceChildren(...STATES.slice(0, 5).map(([letter, name]) => {
    const canvas = element("canvas", { "aria-hidden": "true" });
    cell(prepared(canvas, 14, 14), letter, 0, 0, 14, colours);
    return element("li", {}, canvas, name);
  }));
}

function draw() {
  legend();
  overview();
  table();
}

export function show(given) {
  grid = given;
  draw();
}

function move(event) {
  const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  if (event.key === "Enter") choose(grid.groups[cursor.row]);
  if (!steps[event.key]) return;
  event.preventDefault();
  event.stopPropagation();
  const [down, right] = steps[event.key];
  const within = (value, length) => Math.min(Math.max(0, value), length - 1);
  cursor = { row: within(cursor.row + down, grid.groups.length), column: within(cursor.column + right, grid.variants.length) };
  overview();
  tell(cursor);
}

export function begin() {
  const canvas = at("map");
  canvas.onpointermove = (event) => tell(hit(event));
  canvas.onclick = (event) => choose(grid.groups[hit(event)?.row]);
  canvas.onkeydown = move;
  canvas.onfocus = canvas.onblur = overview;
  at("filter").value = state.find;
  at("filter").oninput = () => change({ find: at("filter").value, page: "0" });
  at("find").onsubmit = (event) => event.preventDefault();
  at("earlier").onclick = () => change({ page: String(Number(state.page) - 1) });
  at("later").onclick = () => change({ page: String(Number(state.page) + 1) });
  addEventListener("resize", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}

/** Draws what a change of the state concerns. */
export function changed(changes) {
  if ("find" in changes || "page" in changes || "g" in changes) table();
}
