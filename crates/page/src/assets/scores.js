// Scores of a group that was evaluated: a table of methods, and the order of the gallery.

import { ask, at, change, element, short, state } from "./state.js";

/** Orders of the gallery that scores give, in the words of each score. */
export function orders(group) {
  return group.scores.length ? [["best", "best score first"], ["worst", "worst score first"]] : [];
}

export const isOrder = (order) => order === "best" || order === "worst";

const chosen = (group) => group.scores.find(({ key }) => key === state.score) ?? group.scores[0];

/** What the server is asked for so that images come in that order. */
export function parameters(group) {
  if (!isOrder(state.order) || !group.scores.length) return { order: isOrder(state.order) ? "position" : state.order };
  const score = chosen(group);
  const keys = group.variants.map(({ key }) => key);
  const isHigh = (score.direction === "lower") !== (state.order === "best");
  return { order: isHigh ? "high" : "low", score: score.key, key: keys.includes(state.key) ? state.key : keys[0] };
}

const better = { higher: "higher is better", lower: "lower is better", neither: "neither is better" };

// Answers come in any order: the last question counts.
let round = 0;

/** Shows the means of all scores; a click on one orders the images by it. */
export async function show(group) {
  at("scores").hidden = group.scores.length === 0;
  const mine = ++round;
  at("table").replaceChildren();
  if (!group.scores.length) return;
  try {
    const { scores, rows } = await ask("api/scores", { g: group.id });
    if (mine !== round) return;
    const cell = (row, column) => {
      const { mean, images, best } = row.cells[column];
      const text = `${short(mean)}${best ? " \u2605" : ""}`;
      const made = element("button", { type: "button", title: `mean of ${images} images; order the images by this score` }, text);
      made.onclick = () => change({ order: "best", score: scores[column].key, key: row.method, from: "0" });
      return element("td", { className: best ? "best" : "" }, images ? made : "–");
    };
    const head = scores.map(({ key, direction }) => element("th", { scope: "col", title: better[direction] }, key.replaceAll("_", "_\u200b"), element("br"), element("small", {}, better[direction])));
    const body = rows.map((row) => element("tr", {}, element("th", { scope: "row" }, row.method), ...scores.map((_, column) => cell(row, column))));
    at("table").replaceChildren(element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "method"), ...head)), element("tbody", {}, ...body));
    at("scores-said").textContent = "Means over the images; a star is the best mean of a score.";
  } catch (error) {
    if (mine !== round) return;
    at("scores-said").textContent = String(error.message);
  }
}
