// The sweep that runs: headline, devices, failures, log.

import { at, duration, element, short } from "./state.js";

const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** One sentence that says what runs, what failed and when it ends. */
export function headline(live, grid) {
  const complete = grid.groups.filter((group) => group.complete).length;
  const done = grid.groups.reduce((sum, group) => sum + (group.done ?? 0), 0);
  const all = grid.groups.reduce((sum, group) => sum + (group.shards ?? 0), 0);
  const failed = grid.failed.length || live?.failed.length || 0;
  const parts = [];
  if (!live) parts.push(grid.whole ? "Stores" : "Looking at the stores …");
  else if (live.outcome) parts.push(`The sweep has ended: ${live.outcome}`);
  else if (live.maps === 0) parts.push(live.devices.some(({ units, computing }) => units.length || computing) ? "Running" : "Starting");
  else parts.push(`Running: ${live.done} of ${live.maps} maps`);
  if (live?.rate && !live.outcome) parts.push(`${short(live.rate)} maps/s`);
  if (live?.left !== null && live?.left !== undefined && !live.outcome) {
    parts.push(`about ${duration(live.left)} left, until ${clock(Date.now() / 1000 + live.left)}`);
  }
  parts.push(`${complete} of ${grid.groups.length} groups complete`);
  if (failed) parts.push(`${failed} failed`);
  at("headline").textContent = parts.join(" · ");
  const share = live && live.maps && !live.outcome ? live.done / live.maps : all ? done / all : 0;
  at("bar").value = share;
  document.title = `${Math.floor(100 * share)} % attrisweep`;
}

/** Failures with the same reason are one line. */
export function failures(failed, canRetry) {
  const reasons = new Map();
  for (const one of failed) reasons.set(one.error, [...(reasons.get(one.error) ?? []), one]);
  at("failures").hidden = failed.length === 0;
  at("failed").replaceChildren(...[...reasons].slice(0, 50).map(([reason, units]) => {
    const others = units.length > 1 ? ` and ${units.length - 1} more` : "";
    return element("li", {}, element("b", {}, `${units[0].unit}${others}`), `: ${reason} (${units[0].class})`);
  }));
  const again = at("again");
  if (!canRetry) again.replaceChildren();
  else if (!again.firstChild) again.append(button());
}

/** A button by which all units that were given up are tried again: one may wait for another. */
function button() {
  const made = element("button", { type: "button" }, "try again what was given up");
  made.onclick = async () => {
    made.disabled = true;
    const response = await fetch("api/retry", { method: "POST", headers: { "x-attrisweep": "1" } });
    made.textContent = response.ok ? "they are tried again" : (await response.json()).error;
    setTimeout(() => made.replaceWith(button()), 3000);
  };
  return made;
}

export function devices(live) {
  at("devices").hidden = !live;
  if (!live) return;
  const now = Date.now() / 1000;
  at("cards").replaceChildren(...live.devices.map((device) => {
    const [unit] = device.units;
    const busy = unit ? `${unit.unit}, for ${duration(now - unit.since)}` : device.works ? "waits for work" : "no worker";
    const rate = device.mapping > 0 ? `, ${short(device.maps / device.mapping)} maps/s` : "";
    const of = device.machine;
    const where = of ? ` on ${of.node}${of.job ? `, job ${of.job}` : ""}${of.restart ? `, restart ${of.restart}` : ""}` : "";
    return element("li", {}, element("b", {}, `${device.slot}: ${device.name}${where}`), busy, element("br"), `${device.maps} maps${rate}`);
  }));
  at("log").replaceChildren(...[...live.lines].reverse().map((line) =>
    element("li", { className: line.warns ? "warns" : "" }, `${clock(line.at)} ${line.text}`)));
}
