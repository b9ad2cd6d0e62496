// State of the page, which the address holds, and requests.

const DEFAULTS = {
  g: "", find: "", page: "0", by: "methods", keys: "", key: "", label: "", right: "", order: "position", score: "", from: "0", scale: "map",
  outliers: "99", channels: "sum", signed: "RdBu_r", unsigned: "inferno", overlay: "0", size: "120", rows: "6",
};

export const state = { ...DEFAULTS };
const listeners = [];

/** Reads the state from the address. */
export function read() {
  const given = new URLSearchParams(location.hash.slice(1));
  for (const name of Object.keys(DEFAULTS)) state[name] = given.get(name) ?? DEFAULTS[name];
}

/** Changes the state and the address, and tells everybody who listens. */
export function change(changes) {
  Object.assign(state, changes);
  const shown = Object.entries(state).filter(([name, value]) => value !== DEFAULTS[name]);
  history.replaceState(null, "", "#" + new URLSearchParams(shown));
  for (const listener of listeners) listener(changes);
}

export function onChange(listener) {
  listeners.push(listener);
}

/** JSON at a relative address; asks again where the server is busy. */
export async function ask(path, parameters = {}, tries = 5) {
  const response = await fetch(address(path, parameters));
  if (response.status === 503 && tries > 0) {
    await new Promise((done) => setTimeout(done, 1000));
    return ask(path, parameters, tries - 1);
  }
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error ?? response.statusText);
  return answer;
}

export function address(path, parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== "" && value !== undefined);
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}

/** An element with properties and children; texts are never read as HTML. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("aria-") || key === "role") made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children);
  return made;
}

export const at = (id) => document.getElementById(id);

/** A time of so many seconds in the two units that matter. */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 120) return `${whole} s`;
  if (whole < 7200) return `${Math.floor(whole / 60)} min`;
  if (whole < 172800) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

/** A number with three digits. */
export function short(number) {
  if (number === null || number === undefined) return "–";
  const digits = Number(Number(number).toPrecision(3));
  return digits !== 0 && Math.abs(digits) < 1e-3 ? digits.toExponential() : String(digits);
}
