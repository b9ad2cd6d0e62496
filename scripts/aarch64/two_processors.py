"""Computes a small sweep by the worker of this machine and by another worker, and compares the maps.

    .python/bin/python scripts/aarch64/two_processors.py WORKER
"""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import yaml
import zarr

ROOT = pathlib.Path(__file__).parents[2]
METHODS = [
    {"name": "Saliency", "class": "Saliency", "params": {}},
    {"name": "IntegratedGradients", "class": "IntegratedGradients", "params": {"n_steps": [4], "baselines": "zero"}},
    {"name": "DeepLIFT", "class": "DeepLift", "params": {"baselines": "global_mean"}},
    {"name": "Occlusion", "class": "Occlusion", "params": {"patch_size": [14], "baselines": "global_mean"}},
]
# Rounding of half precision is 5e-4 of a value; the sums of two processors differ by less.
TOLERANCE = 1e-3


def sweep(worker: pathlib.Path, folder: pathlib.Path) -> zarr.Group:
    """The store of two images of the demo's data, computed by `worker`."""
    config = yaml.safe_load((ROOT / "configs/demo.yml").read_text(encoding="utf-8"))
    paths = config["paths"]
    paths.update({key: str(ROOT / place) for key, place in paths.items()})
    paths.update(final_output_dir=str(folder / "out"), scheduler_log_dir=str(folder / "logs"))
    config["search_space"]["noise_conditions"] = [{"name": "clean", "type": "none", "params": {}}]
    config["search_space"]["attribution_methods"] = METHODS
    config |= {"devices": {"cpu": 1}, "limit": 2, "store": {"shard": 2}}
    (folder / "config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    command = [ROOT / "target/debug/scheduler", "--config", folder / "config.yml", "--worker", worker]
    subprocess.run(command, check=True)
    (store,) = (folder / "out").glob("*.zarr")
    return zarr.open_group(store, mode="r")


def main() -> None:
    with tempfile.TemporaryDirectory() as here, tempfile.TemporaryDirectory() as there:
        ours = sweep(ROOT / "target/debug/worker", pathlib.Path(here))
        theirs = sweep(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(there))
        far = []
        for key in sorted(ours["attributions"]):
            one, other = (np.asarray(store["attributions"][key][:], np.float64) for store in (ours, theirs))
            distance = np.abs(one - other).max() / np.abs(one).max()
            print(f"{key}: {distance:.1e} of the peak")
            far += [key] if not distance <= TOLERANCE else []
    sys.exit(f"maps differ by more than {TOLERANCE} of their peak: {', '.join(far)}" if far else None)


if __name__ == "__main__":
    main()
