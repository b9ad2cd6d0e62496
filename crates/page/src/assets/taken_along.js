// What is seen, taken along: files of the figure, and lines of Python that draw it.

import { address, at, state } from "./state.js";

/** Links to files of what is seen: the addresses hold all of it. */
export function save(asked) {
  const drawn = { ask: JSON.stringify(asked), signed: state.signed, unsigned: state.unsigned, overlay: state.overlay, size: state.size };
  for (const form of ["svg", "png", "csv"]) at(`save-${form}`).href = address(`api/figure.${form}`, drawn);
}

/** Lines of Python that draw what is seen: `samples` of `columns` of a group. */
export function python({ grid, group, columns, samples }) {
  const folder = group.place.replace(/[^/]*$/, "");
  const scale = state.outliers === "captum" ? '"captum"' : state.outliers;
  const text = (value) => JSON.stringify(value);
  const channels = /^\d+$/.test(state.channels) ? state.channels : text(state.channels);
  const whole = (one) => `sweep.group(dataset=${text(one.dataset)}, model=${text(one.model)}, noise=${text(one.noise)}, split=${text(one.split)})`;
  const groups = [...new Set(columns.map(({ g }) => g))].map((id) => whole(grid.groups.find((one) => one.id === id) ?? group));
  at("python").textContent = [
    "import attrisweep",
    "from attrisweep.plots import plot_maps",
    "",
    `sweep = attrisweep.open_sweep(${text(folder)})`,
    `groups = [${groups.join(",\n          ")}]`,
    `plot_maps(groups, ${text([...new Set(columns.map(({ key }) => key))])}, ${text(samples.map(({ image }) => image))}, scale=${text(state.scale)}, outliers=${scale},`,
    `          channels=${channels}, overlay=${state.overlay}, signed_colours=${text(state.signed)}, unsigned_colours=${text(state.unsigned)})`,
  ].join("\n");
  const saved = at("python").textContent.replace("plot_maps(groups", "figure = plot_maps(groups");
  at("save-python").href = `data:text/x-python;charset=utf-8,${encodeURIComponent(`${saved}\nfigure.savefig("maps.pdf")\n`)}`;
}
