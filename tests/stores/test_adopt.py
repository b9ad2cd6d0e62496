"""Stores that the Python scripts have written are checked, adopted, and completed beside; they themselves stay as they are."""

import hashlib
import json
import shutil
import subprocess

import numpy as np
import pytest
import torch
import zarr
from support import NOISES, SCHEDULER, Sweep, captum_maps, make_model

N = 6
NAME = "dataset-rgb_model-resnet18_noise-{}_split-test"
# Class and parameters by the key of the maps. Their patches of 14 px are four to an image.
METHODS = {
    "Saliency": ("Saliency", {}),
    "IntegratedGradients_baselines_zero_n_steps_5": ("IntegratedGradients", {"n_steps": 5, "baselines": "zero"}),
    "GradientShap_baselines_combined_zng_n_samples_3": ("GradientShap", {"n_samples": 3, "baselines": "combined_zng"}),
}
LACKING = "InputXGradient"
CONFIG = [
    {"name": "Saliency", "class": "Saliency", "params": {}},
    {"name": "IntegratedGradients", "class": "IntegratedGradients", "params": {"n_steps": 5, "baselines": "zero"}},
    {"name": "GradientShap", "class": "GradientShap", "params": {"n_samples": 3, "baselines": "combined_zng"}},
    {"name": LACKING, "class": LACKING, "params": {}},
]


@pytest.fixture(scope="module")
def arrays(inputs):
    """Arrays as the scripts compute them, in PyTorch and Captum, clean and with their noise, which has no seed."""
    data = np.load(inputs / "data" / "rgb.npz")
    model = captum_maps.distinct_relus(make_model("resnet18", 28))
    clean = torch.from_numpy(data["test_images"][:N]).permute(0, 3, 1, 2).float().div(255).sub(0.5).div(0.5)
    mean = torch.from_numpy(data["train_images"]).permute(0, 3, 1, 2).double().div(255).sub(0.5).div(0.5).mean(0).float()
    torch.manual_seed(7)
    made = {}
    for noise, images in (("clean", clean), ("gaussian_std_0.15", (clean + 0.15 * torch.randn_like(clean)).clamp(-1, 1))):
        with torch.no_grad():
            logits = model(images)
        maps = {key: captum_maps.maps(model, name, params, images, logits.argmax(1), mean[None]).detach() for key, (name, params) in METHODS.items()}
        made[noise] = {
            "images": images.numpy(),
            "labels": data["test_labels"][:N].astype("int64"),
            "model_predictions": logits.numpy(),
            "original_indices": np.arange(N),
            "means/overall": images.mean(0).numpy(),
            **{f"attributions/{key}": values.numpy().astype("float16") for key, values in maps.items()},
        }
    return made


def zarr_folder(folder, name, arrays, leave_out=None):
    """As the scripts with zarr-python 3 write: chunks of several images, Zstd because nobody has said otherwise."""
    root = zarr.open_group(folder / f"{name}.zarr", mode="w")
    write(root, arrays, leave_out)
    return folder / f"{name}.zarr"


def zarr_zip(folder, name, arrays, leave_out=None):
    """As the script of ResNet on MedMNIST writes: Blosc, in a zip, at the end."""
    with zarr.storage.ZipStore(folder / f"{name}.zarr.zip", mode="w") as store:
        write(zarr.create_group(store), arrays, leave_out, compressors=zarr.codecs.BloscCodec(cname="zstd", clevel=6, shuffle="bitshuffle"))
    return folder / f"{name}.zarr.zip"


def write(root, arrays, leave_out, **options):
    for path, values in arrays.items():
        chunks = (4, *values.shape[1:]) if path.startswith(("images", "attributions")) else values.shape
        array = root.create_array(path, shape=values.shape, dtype=values.dtype, chunks=chunks, **options)
        stop = 4 if path == leave_out else None
        array[:stop] = values[:stop]
    root.attrs.update({"description": "maps", "data_flag": "rgb", "model_flag": "resnet18", "split": "test", "zarr_version": zarr.__version__})


def tensors(folder, name, arrays, leave_out=None):
    """As the script of DenseNet writes: a file for each tensor, below a folder of model and noise."""
    place = folder / name.removeprefix("dataset-rgb_").removesuffix("_split-test")
    for path, values in arrays.items():
        file = place / f"{path}.pt"
        file.parent.mkdir(parents=True, exist_ok=True)
        torch.save(torch.from_numpy(values[: 4 if path == leave_out else None].copy()), file)
    return place


FORMS = [zarr_folder, zarr_zip, tensors]


@pytest.fixture
def run(tmp_path, inputs):
    run = Sweep(tmp_path, inputs, limit=N, store={"shard": 4})
    run.config["search_space"]["attribution_methods"] = [dict(method) for method in CONFIG]
    run.output.mkdir()
    return run


def adopt(run, *arguments, code=0):
    done = subprocess.run([SCHEDULER, "adopt", "--config", run.file, *arguments], capture_output=True, text=True, timeout=300)
    assert done.returncode == code, done
    return done.stdout + done.stderr


def files(place):
    found = [place] if place.is_file() else [file for file in place.rglob("*") if file.is_file()]
    return {file: hashlib.sha256(file.read_bytes()).hexdigest() for file in found}


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_a_store_of_the_scripts_is_checked_left_as_it_is_and_completed_beside(run, arrays, form):
    clean = arrays["clean"]
    place = form(run.output, NAME.format("clean"), clean)
    before = files(place)
    # A plain run computes nothing for the group, and says what can be done.
    told = run.run().stderr
    assert f"`{place}` is a " in told and "`scheduler adopt` checks it" in told and not run.stores()[form is zarr_folder :]
    told = adopt(run, "--check")
    assert f"{place}: {N} images x 3 maps of another program are adopted" in told
    assert "4 images were made again from the dataset" in told and "4 images were predicted again" in told
    assert "maps of GradientShap_baselines_combined_zng_n_samples_3 depend on random numbers whose seed is not recorded" in told
    assert f"computed beside  {LACKING}: " in told and "records no fingerprint" in told
    assert not list(run.output.glob("*.json"))
    told = adopt(run)
    assert f"Wrote {N} attribution maps" in told
    assert files(place) == before
    record = json.loads((run.output / f"{NAME.format('clean')}.adopted.json").read_text())
    assert sorted(record["maps"]) == sorted(METHODS) and record["images"] == N and record["not_vouched_for"]
    beside = zarr.open_group(run.output / f"{NAME.format('clean')}_adopted.zarr", mode="r")
    for path in ("images", "model_predictions"):
        assert np.array_equal(beside[path][:], clean[path]), path
    assert list(beside["attributions"]) == [LACKING]
    # Captum's map of the stored image: half precision rounds to 2^-11 of a value, and another order of sums moves it by less than 1e-4.
    images, targets = torch.from_numpy(clean["images"]), torch.from_numpy(clean["model_predictions"]).argmax(1)
    model = captum_maps.distinct_relus(make_model("resnet18", 28))
    wanted = captum_maps.maps(model, LACKING, {}, images, targets, None).detach().numpy()
    assert np.abs(beside[f"attributions/{LACKING}"][:] - wanted).max() < 5e-3 * np.abs(wanted).max()
    assert "Nothing was left to compute" in run.run().stdout
    checked = subprocess.run([SCHEDULER, "verify", "--config", run.file], capture_output=True, text=True, timeout=300)
    assert checked.returncode == 0 and f"{place}: as it was adopted, {N} images x 3 maps" in checked.stdout, checked
    status = subprocess.run([SCHEDULER, "status", "--config", run.file], capture_output=True, text=True, timeout=60).stdout
    assert place.name in status and "_adopted" in status


def test_noise_without_a_seed_is_taken_as_it_is_and_a_store_that_lacks_nothing_has_none_beside(run, arrays):
    run.config["search_space"] |= {"noise_conditions": NOISES[:2], "attribution_methods": [dict(method) for method in CONFIG[:2]]}
    places = [zarr_folder(run.output, NAME.format(noise), arrays[noise]) for noise in arrays]
    told = adopt(run)
    assert "the noise `gaussian_std_0.15` has no recorded seed: images are taken as they are" in told
    assert "Nothing was left to compute" in told and run.stores() == sorted(places)
    assert told.count("4 images were predicted again") == 2
    told = run.run("--check").stdout
    assert told.count("  adopted   ") == 2 and "0 maps in 0 units" in told


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_hostile_stores_are_refused_with_what_is_wrong_and_nothing_is_computed(run, arrays, form):
    name, clean = NAME.format("clean"), arrays["clean"]
    other = {path: values.copy() for path, values in clean.items()}
    other["model_predictions"][0] += 1
    shifted, labelled, holed = ({path: values.copy() for path, values in clean.items()} for _ in range(3))
    shifted["images"][0] = np.roll(shifted["images"][0], 1, axis=-1)
    labelled["labels"][2] += 1
    holed["images"][3, 0, 0, 0] = np.nan
    # Where no map is one of the config's, predictions count all the same.
    bare = {path.replace("attributions/", "attributions/Other"): values for path, values in other.items()}
    few = {path: values[:3] if len(values) == N else values for path, values in clean.items()}
    wide = {path: values[:, :2] if path == "images" else values for path, values in clean.items()}
    for hostile, what in [
        (other, "predictions of image 0 are not those of the stored image by these weights"),
        (bare, "predictions of image 0 are not those of the stored image by these weights"),
        (shifted, "image 0 is not the one of the dataset"),
        (labelled, "image 2 has the label"),
        (holed, "image 3 has the value NaN"),
        (few, f"it has 3 images, and the config asks for {N}"),
        (wide, "expected (N,3,H,W) or (N,1,H,W)"),
    ]:
        place = form(run.output, name, hostile)
        before = files(place)
        told = adopt(run, code=7)
        assert f"{place}: not adopted: " in told and what in told, told
        assert files(place) == before and not list(run.output.glob("*.adopted.json")) and not list(run.output.glob("*_adopted*"))
        shutil.rmtree(place) if place.is_dir() else place.unlink()


def test_maps_that_are_wrong_are_computed_beside_and_those_that_are_right_are_not(run, arrays):
    name, clean = NAME.format("clean"), {path: values.copy() for path, values in arrays["clean"].items()}
    ig, saliency, shap = (f"attributions/{key}" for key in ("IntegratedGradients_baselines_zero_n_steps_5", "Saliency", "GradientShap_baselines_combined_zng_n_samples_3"))
    clean[ig][0] = clean[ig][1]
    clean[shap][4, 1, 2, 3] = np.nan
    zarr_folder(run.output, name, clean, leave_out=saliency)
    told = adopt(run)
    for key, reason in [(ig, "the map of image 0 is not the one of the stored image and model"), (shap, "the map of image 4 has the value NaN"), (saliency, "it was not written to its end")]:
        line = next(line for line in told.splitlines() if f"computed beside  {key.removeprefix('attributions/')}:" in line)
        assert reason in line, line
    beside = zarr.open_group(run.output / f"{name}_adopted.zarr", mode="r")
    assert len(list(beside["attributions"])) == 4 and f"Wrote {4 * N} attribution maps" in told


def test_a_store_or_weights_that_changed_since_are_told_and_adopted_again(run, arrays, inputs, tmp_path):
    place = zarr_folder(run.output, NAME.format("clean"), arrays["clean"])
    adopt(run)
    root = zarr.open_group(place, mode="r+")
    root["attributions/Saliency"][0] = 0
    checked = subprocess.run([SCHEDULER, "verify", "--config", run.file], capture_output=True, text=True, timeout=300)
    assert checked.returncode == 7 and "its maps of Saliency have changed" in checked.stdout, checked
    told = run.run(code=3).stderr
    assert "its maps of Saliency have changed since it was adopted; `scheduler adopt` checks it again" in told
    root["model_predictions"][5, 0] += 1
    told = run.run(code=3).stderr
    assert ".adopted.json` does not fit the config: the store has other images, labels or predictions than when it was adopted; `scheduler adopt` checks it again" in told
    shutil.copytree(inputs / "weights", tmp_path / "weights")
    torch.save({"net": make_model("resnet18", 28, seed=3).state_dict()}, tmp_path / "weights" / "weights_rgb" / "resnet18_28_1.pth")
    run.config["paths"]["medmnist_weights_root"] = str(tmp_path / "weights")
    assert "weights_sha256 is " in run.run(code=3).stderr
    assert "are not those of the stored image by these weights" in adopt(run, code=7)
    # What was adopted before counts no more.
    assert not list(run.output.glob("*.adopted.json"))


def test_maps_of_an_adopted_group_are_not_scored_and_the_run_says_so(run, arrays):
    place = zarr_folder(run.output, NAME.format("clean"), arrays["clean"])
    adopt(run)
    run.config["evaluation"] = [{"class": "Sparseness"}]
    done = run.run()
    assert f"`{place}` was adopted: its maps are not scored" in done.stdout + done.stderr
    assert LACKING in zarr.open_group(run.output / f"{NAME.format('clean')}_adopted.zarr", mode="r")["attributions"]
    assert not [path for path in run.output.rglob("*") if path.name in ("scores", "measurements")]
