// The value under the pointer.

import { address, at } from "./state.js";

// Numbers of maps, by their addresses.
const values = new Map();

async function numbersAt(from) {
  const response = await fetch(from);
  if (!response.ok) throw new Error(response.statusText);
  return new Float32Array(await response.arrayBuffer());
}

/** Shows the value under the pointer: the numbers of a map are read once. */
export async function pointed(event, panel, source, numbers, title) {
  const place = panel.getBoundingClientRect();
  const x = Math.min(numbers.width - 1, Math.max(0, Math.floor(((event.clientX - place.left - 2) / (place.width - 4)) * numbers.width)));
  const y = Math.min(numbers.height - 1, Math.max(0, Math.floor(((event.clientY - place.top - 2) / (place.height - 4)) * numbers.height)));
  const from = address("api/map.f32", source);
  if (!values.has(from)) {
    if (values.size > 60) values.clear();
    values.set(from, numbersAt(from));
  }
  // What could not be read is asked for again when the pointer moves: an error is no map.
  const all = await values.get(from).catch(() => values.delete(from) && null);
  if (!(all instanceof Float32Array)) return;
  at("value").hidden = false;
  at("value").textContent = `${title} (x ${x}, y ${y}): ${all[y * numbers.width + x]?.toPrecision(5)}`;
}
