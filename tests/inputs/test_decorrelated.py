"""Methods of which each has weights for itself, on images and predictions of stores that are there: the decorrelated experiment."""

import contextlib
import json
import os
import subprocess

import numpy as np
import pytest
import torch
import zarr
from support import NOISES, SCHEDULER, Sweep, captum_maps, children, make_model, wait_for

SEEDS = [42, 123]
NOISE = NOISES[1]
NAME = f"dataset-rgb_model-resnet18_noise-{NOISE['name']}_split-test"
MAPPING = [(0, "Saliency"), (1, "InputXGradient"), (1, "IntegratedGradients_n_steps_5"), (0, "DeepLIFT")]
# Class and parameters by the key of the maps.
METHODS = {
    "Saliency": ("Saliency", {}),
    "InputXGradient": ("InputXGradient", {}),
    "IntegratedGradients_n_steps_5": ("IntegratedGradients", {"n_steps": 5}),
    "DeepLIFT": ("DeepLift", {}),
}


@pytest.fixture(scope="module")
def base(tmp_path_factory, inputs):
    """A finished sweep, whose images, labels and predictions are taken."""
    run = Sweep(tmp_path_factory.mktemp("base"), inputs, limit=5, store={"shard": 2})
    run.config["search_space"] |= {"noise_conditions": [NOISE], "attribution_methods": [{"name": "Saliency"}]}
    run.run()
    return run


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Two sets of weights under the names of the script, and their models in PyTorch."""
    folder = tmp_path_factory.mktemp("decorr_weights")
    (folder / "rgb_resnet18").mkdir()
    models = [make_model("resnet18", 28, seed=seed) for seed in SEEDS]
    for index, (model, seed) in enumerate(zip(models, SEEDS)):
        torch.save({"net": model.state_dict()}, folder / "rgb_resnet18" / f"split_{index}_seed_{seed}.pth")
    return folder, [captum_maps.distinct_relus(model) for model in models]


@pytest.fixture
def decorr(tmp_path, inputs, weights):
    """A sweep of the experiment, on the stores in a folder."""

    def make(folder, mapping=MAPPING, **options):
        options = {"store": {"dtype": "float32", "shard": 2}, "precision": "float32", "semantics": "captum"} | options
        run = Sweep(tmp_path, inputs, **options)
        output, logs = run.config["paths"]["final_output_dir"], run.config["paths"]["scheduler_log_dir"]
        run.config["paths"] = {
            "decorr_weights_root": str(weights[0]), "imagenet_weights_root": "nowhere", "base_data_dir": "nowhere", "base_data_dir_resnet18": str(folder),
            "means_dir": str(tmp_path / "means"), "final_output_dir": output, "scheduler_log_dir": logs,
        }
        run.config["model_method_mapping"] = [{"model_split_id": split, "method_name": name} for split, name in mapping]
        run.config["search_space"]["noise_conditions"] = [NOISE]
        del run.config["search_space"]["attribution_methods"]
        return run

    return make


def opened(place):
    return zarr.open_group(zarr.storage.ZipStore(place, mode="r") if place.suffix == ".zip" else place, mode="r")


def by_script(place, source, leave_out=None, noise=NOISE["name"]):
    """What a script leaves: plain arrays, in chunks of two images."""
    with zarr.storage.ZipStore(place, mode="w") as zipped:
        root = zarr.create_group(zipped)
        for path in ("images", "labels", "model_predictions", "original_indices", "means/overall"):
            values = source[path][:].reshape(-1, 1) if path == "labels" else source[path][:]
            array = root.create_array(path, shape=values.shape, dtype=values.dtype, chunks=(2, *values.shape[1:]))
            array[: 4 if path == leave_out else None] = values[: 4 if path == leave_out else None]
        root.attrs.update({"data_flag": "rgb", "model_flag": "resnet18", "noise_name": noise, "split": "test", "zarr_version": zarr.__version__})


def test_maps_are_those_of_captum_on_the_weights_of_each_method_and_the_rest_is_that_of_the_base(base, decorr, weights):
    run = decorr(base.output)
    told = run.run("--check").stdout
    assert "reference decorr (recognised by `model_method_mapping`" in told and "1 groups x 4 variants: 20 maps in " in told
    run.run()
    (place,) = run.stores()
    assert place.name == f"{NAME}_decorr.zarr"
    ours, theirs = opened(place), opened(base.output / f"{NAME}.zarr")
    for path in ("images", "labels", "model_predictions", "original_indices", "means/overall"):
        assert np.array_equal(ours[path][:], theirs[path][:]), path
    assert list(ours["attributions"]) != [] and sorted(ours["attributions"]) == sorted(METHODS)
    images, targets = torch.from_numpy(theirs["images"][:]), torch.from_numpy(theirs["model_predictions"][:]).argmax(1)
    others = []
    for split, key in MAPPING:
        of = [captum_maps.maps(model, *METHODS[key], images, targets, None).numpy() for model in weights[1]]
        scale = np.abs(of[split]).max()
        found = ours["attributions"][key][:]
        assert np.abs(found - of[split]).max() < 1e-5 * scale, key
        others.append(np.abs(found - of[1 - split]).max() / scale)
    assert min(others) > 0.01, "the other weights would give other maps"
    checked = subprocess.run([SCHEDULER, "verify", "--config", run.file, "--sample", "5"], capture_output=True, text=True, timeout=120)
    assert checked.returncode == 0 and "maps were computed again" in checked.stdout, checked
    # A second run has nothing to do.
    assert "0 maps in 0 units to do" in run.run("--check").stdout
    facts = json.loads((place / "zarr.json").read_text())["attributes"]["attrisweep"]
    assert "weights_sha256" not in facts["fingerprint"] and facts["provenance"]["weights"]["InputXGradient"].endswith("split_1_seed_123.pth")


def test_a_base_that_a_script_wrote_is_taken_and_the_slips_of_the_script_are_those_of_the_word(tmp_path, base, decorr, weights):
    folder = tmp_path / "scripts"
    folder.mkdir()
    source = opened(base.output / f"{NAME}.zarr")
    by_script(folder / f"{NAME}.zarr.zip", source)
    run = decorr(folder, [(0, "DeepLIFT_SHAP"), (1, "GradientShap_n_samples_3")], semantics="reference")
    # Without the slips both take the mean image, which is not there.
    run.config["semantics"] = "captum"
    assert "no mean image" in run.run("--check", code=3).stderr
    run.config["semantics"] = "reference"
    run.run()
    ours = opened(run.stores()[0])
    images, targets = torch.from_numpy(source["images"][:]), torch.from_numpy(source["model_predictions"][:]).argmax(1)
    assert np.array_equal(ours["images"][:], images.numpy()) and ours["labels"].shape == (5,)
    lifted = captum_maps.maps(weights[1][0], "DeepLift", {}, images, targets, None).numpy()
    assert np.abs(ours["attributions/DeepLIFT_SHAP"][:] - lifted).max() < 1e-5 * np.abs(lifted).max()
    facts = dict(ours["attributions/GradientShap_n_samples_3"].attrs)["attrisweep"]
    assert facts["class"] == "GradientShap" and facts["params"]["baselines"] == "combined_zn"


def test_a_base_that_is_missing_unfinished_or_of_another_kind_is_one_clear_mistake(tmp_path, base, decorr):
    source, folder = opened(base.output / f"{NAME}.zarr"), tmp_path / "scripts"
    folder.mkdir()
    run = decorr(folder)

    def told(what):
        lines = [line for line in run.run("--check", code=3).stderr.splitlines() if "base_data_dir_resnet18" in line or what in line]
        assert len(lines) == 1 and what in lines[0], lines
        return lines[0]

    assert str(folder / f"{NAME}.zarr") in told("run the sweep or the script that makes it")
    by_script(folder / f"{NAME}.zarr.zip", source, leave_out="model_predictions")
    told("member `model_predictions`: no chunk [2, 0]: it was not written to its end")
    by_script(folder / f"{NAME}.zarr.zip", source)
    run.config["normalize"] = {"mean": 0.25, "std": 0.5}
    told("were normalized by (mean, std) [[0.5],[0.5]], and the config says [[0.25],[0.5]]")
    del run.config["normalize"]
    run.config["evaluation"] = [{"class": "Sparseness"}]
    told("metrics ask the one model of a group")
    del run.config["evaluation"]
    by_script(folder / f"{NAME}.zarr.zip", source, noise="clean")
    told("says that it is of `clean`")
    (folder / f"{NAME}.zarr.zip").unlink()
    # One of ours that is not complete.
    store = folder / f"{NAME}.zarr"
    subprocess.run(["cp", "-r", base.output / f"{NAME}.zarr", store], check=True)
    root = json.loads((store / "zarr.json").read_text())
    root["attributes"]["attrisweep"]["complete"] = False
    (store / "zarr.json").write_text(json.dumps(root))
    told("it is not complete")
    assert not run.output.exists()


def test_of_many_bases_those_of_the_last_two_groups_stay_open(tmp_path, inputs, decorr, hold, monkeypatch):
    (tmp_path / "bases").mkdir()
    bases = Sweep(tmp_path / "bases", inputs, limit=4, store={"shard": 2, "format": "zarr.zip"})
    bases.config["search_space"] |= {"noise_conditions": NOISES, "attribution_methods": [{"name": "Saliency"}]}
    bases.run()
    run = decorr(bases.output, [(0, "Saliency")], devices={"cpu": 1})
    run.config["search_space"]["noise_conditions"] = NOISES
    release = hold(run, "attributions/Saliency")
    last = f"dataset-rgb_model-resnet18_noise-{NOISES[-1]['name']}_split-test"
    monkeypatch.setenv("FAKE_DISK_HELD", f"{run.output / last}_decorr.zarr/attributions/Saliency/.c.")
    process = run.start()
    (mark,) = wait_for(lambda: list(tmp_path.glob("held.*")))
    worker = int(mark.suffix[1:])
    assert worker in children(process.pid)
    files = []
    for entry in os.listdir(f"/proc/{worker}/fd"):
        # One may be closed meanwhile.
        with contextlib.suppress(FileNotFoundError):
            files.append(os.readlink(f"/proc/{worker}/fd/{entry}"))
    release()
    assert process.wait(timeout=300) == 0
    open_bases = {file for file in files if str(bases.output) in file}
    assert str(bases.output / f"{last}.zarr.zip") in open_bases and len(open_bases) <= 2, open_bases
    assert len(run.stores()) == len(NOISES) > 2
