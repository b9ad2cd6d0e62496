// Beginning of the page: reads the address, asks for the grid, and listens.

import { ask, at, onChange, read, state } from "./state.js";
import * as gallery from "./gallery.js";
import * as grid from "./grid.js";
import { devices, failures, headline } from "./live.js";

let known = { groups: [], variants: [], failed: [], folders: [], whole: false };
let live = null;
let version = null;
let asking = false;

function tell() {
  headline(live, known);
  failures(live && !live.outcome ? live.failed : known.failed, live !== null && !live.outcome);
  devices(live);
}

/** Asks for the grid; while an answer is under way, once more afterwards. */
async function look() {
  if (asking) return;
  asking = true;
  try {
    const asked = version;
    known = await ask("api/grid");
    at("folders").textContent = known.folders.join(", ");
    tell();
    grid.show(known);
    gallery.grown(known);
    asking = false;
    if (asked !== version) await look();
  } catch (error) {
    at("headline").textContent = `The page does not hear from its server: ${error.message}`;
  }
  asking = false;
}

function listen() {
  const events = new EventSource("api/events");
  events.onmessage = ({ data }) => {
    const told = JSON.parse(data);
    live = told.live ?? null;
    const isNew = told.version !== version;
    version = told.version ?? null;
    if (isNew) look();
    else tell();
  };
  events.onerror = () => {
    at("headline").textContent = "The page does not hear from its server any more; what is below was so.";
  };
}

// A token in the address has become a cookie: nobody shall copy it with the link.
if (location.search) history.replaceState(null, "", location.pathname + location.hash);
read();
grid.begin();
gallery.begin();
onChange((changes) => {
  grid.changed(changes);
  gallery.changed(changes);
});
addEventListener("hashchange", () => {
  read();
  grid.show(known);
  gallery.open(known);
});
await look();
if (state.g) gallery.open(known);
listen();
