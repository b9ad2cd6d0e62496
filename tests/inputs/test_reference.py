"""What the word `reference` of a config sets: windows, precision, means; each as the scripts have it."""

import subprocess

import attrisweep
import captum.attr
import numpy as np
import pytest
import torch
import zarr
from support import NOISES, SCHEDULER, Sweep, make_dataset, make_images, make_model
from support.peers.parity import torch_model

OCCLUSION = {"name": "Occlusion", "class": "Occlusion", "params": {"patch_size": [12, 14], "baselines": "global_mean"}}


@pytest.mark.parametrize(("word", "moved"), [("densenet_medmnist", False), ("resnet_medmnist", True), (None, True)])
def test_windows_are_those_of_the_script_and_do_not_show_in_the_keys(sweep, inputs, word, moved):
    run = sweep(store={"dtype": "float32", "shard": 2}, limit=2, semantics="captum", **({"reference": word} if word else {}))
    run.config["search_space"]["attribution_methods"] = [OCCLUSION]
    told = run.run("--check").stdout
    assert (f"reference {word} (named by the config)" in told) == (word is not None)
    assert ("moved by 1" in told) == (not moved)
    run.run()
    # The script of ResNet on MedMNIST leaves zips.
    (place,) = run.output.glob("*.zarr.zip" if word == "resnet_medmnist" else "*.zarr")
    store = zarr.open_group(zarr.storage.ZipStore(place) if place.suffix == ".zip" else place, mode="r")
    assert sorted(store["attributions"]) == ["Occlusion_baselines_global_mean_patch_size_12", "Occlusion_baselines_global_mean_patch_size_14"]
    images, targets = torch.from_numpy(store["images"][:]), torch.from_numpy(store["model_predictions"][:]).argmax(1)
    mean = torch.load(run.folder / "means" / "rgb_mean.pt", weights_only=True)
    occlusion = captum.attr.Occlusion(torch_model(inputs, "rgb", 28, "resnet18"))
    for patch in (12, 14):
        # The scripts say no strides where windows are of the size of a patch.
        how = {"sliding_window_shapes": (3, 2 * patch, 2 * patch), "strides": (3, patch, patch)} if moved else {"sliding_window_shapes": (3, patch, patch)}
        theirs = occlusion.attribute(images, target=targets, baselines=mean.expand_as(images), **how).numpy()
        ours = store["attributions"][f"Occlusion_baselines_global_mean_patch_size_{patch}"][:]
        assert np.abs(ours - theirs).max() < 1e-5 * np.abs(theirs).max()
    assert store.attrs["attrisweep"]["provenance"].get("reference") == word


def test_a_store_of_one_script_is_not_continued_with_the_windows_of_another(sweep):
    run = sweep(limit=2, store={"shard": 2, "format": "zarr"}, reference="resnet_medmnist")
    run.config["search_space"]["attribution_methods"] = [OCCLUSION]
    run.run()
    before = run.digests()
    del run.config["reference"]
    assert "complete" in run.run("--check").stdout
    run.config["reference"] = "densenet_medmnist"
    assert "params" in run.run(code=4).stderr
    assert run.digests() == before


@pytest.fixture
def own(tmp_path, inputs):
    """A sweep with data of its own, which has no train split, and one method that takes the mean image."""
    make_dataset(tmp_path / "in" / "data", "rgb", 28, 6, splits=("val",))
    (tmp_path / "in" / "weights").symlink_to(inputs / "weights")
    run = Sweep(tmp_path, tmp_path / "in", store={"dtype": "float32", "shard": 4})
    run.config["search_space"] |= {
        "splits": ["val"],
        "attribution_methods": [{"name": "DeepLIFT", "class": "DeepLift", "params": {"baselines": "global_mean"}}],
        "noise_conditions": [{"name": name, "type": kind} for name, kind in (("clean", "clean"), ("gaussian", "gaussian"))],
    }
    return run


def mean_of(images):
    return torch.from_numpy(images).double().mean(0).float()


def pixels(run):
    with np.load(run.folder / "in" / "data" / "rgb.npz") as file:
        return (file["val_images"].transpose(0, 3, 1, 2).astype(np.float32) / 255 - 0.5) / 0.5


def test_the_mean_is_that_of_the_split_which_the_script_takes(own):
    own.run("--check", code=3)
    own.config["reference"] = "resnet_imagenet"
    own.config["precision"] = "float32"
    assert "mean images of the split `val`" in own.run("--check").stdout
    own.run()
    means = own.folder / "means"
    assert [path.name for path in means.iterdir()] == ["rgb_split-val_mean.pt"]
    mean = torch.load(means / "rgb_split-val_mean.pt", weights_only=True)
    assert torch.allclose(mean, mean_of(pixels(own)), atol=1e-6)


def test_the_mean_image_of_the_script_is_taken_with_a_warning(own):
    own.config |= {"reference": "resnet_imagenet", "precision": "float32"}
    means = own.folder / "means"
    means.mkdir()
    torch.save(mean_of(pixels(own)), means / "rgb_mean.pt")
    done = own.run("--check")
    assert "rgb_mean.pt` is taken for the mean image of the split `val`" in done.stdout + done.stderr
    own.run()
    assert [path.name for path in means.iterdir()] == ["rgb_mean.pt"]


def test_the_mean_of_a_group_is_that_of_its_images_with_their_noise(own):
    own.config["reference"] = "densenet_imagenet"
    own.config["store"]["format"] = "zarr"
    own.run()
    stores = {noise: zarr.open_group(own.output / f"dataset-rgb_model-resnet18_noise-{noise}_split-val.zarr", mode="r") for noise in ("clean", "gaussian")}
    files = {noise: next((own.folder / "means").glob(f"rgb_noise-{noise}_split-val_*_mean.pt")) for noise in stores}
    assert len(list((own.folder / "means").iterdir())) == 2
    for noise, store in stores.items():
        mean = torch.load(files[noise], weights_only=True)
        assert torch.allclose(mean, mean_of(store["images"][:]), atol=1e-6), noise
        # A mean image in every store.
        assert torch.allclose(mean, torch.from_numpy(store["means"]["overall"][:]), atol=1e-6), noise
    checked = subprocess.run([SCHEDULER, "verify", "--config", own.file, "--sample", "2"], capture_output=True, text=True, timeout=120)
    assert checked.returncode == 0 and "were not compared" not in checked.stdout + checked.stderr, checked


def save_as_torchvision(folder, arch, digest, size=28):
    """Weights of a thousand classes as torchvision publishes them: the bare state dict under its file name."""
    folder.mkdir(parents=True)
    torch.save(make_model(arch, size, classes=1000).state_dict(), folder / f"{arch}-{digest}.pth")


def test_the_experiment_on_imagenet_is_recognised_and_runs_on_weights_by_torchvisions_names(tmp_path):
    make_dataset(tmp_path / "data", "imagenet", 28, 4, splits=("val",))
    save_as_torchvision(tmp_path / "weights", "resnet18", "f37072fd")
    run = Sweep(tmp_path, tmp_path, flag="imagenet", store={"dtype": "float32", "shard": 4})
    run.config["search_space"] |= {"splits": ["val"], "attribution_methods": [{"name": "DeepLIFT", "class": "DeepLift", "params": {"baselines": "global_mean"}}]}
    told = run.run("--check").stdout
    for line in ("reference resnet_imagenet (recognised by `data_flags` of `imagenet` alone; `reference: none` takes none)", "moved by 1", "precision float16", "of the split `val`"):
        assert line in told
    run.run()
    store = zarr.open_group(run.stores()[0], mode="r")
    assert store["model_predictions"].shape == (4, 1000)
    # What autocast computes is within the rounding of half precision of what single precision does.
    model = make_model("resnet18", 28, classes=1000)
    with torch.no_grad():
        logits = model(torch.from_numpy(store["images"][:])).numpy()
    assert 1e-7 < np.abs(store["model_predictions"][:] - logits).max() < 2e-2 * np.abs(logits).max()
    assert store.attrs["attrisweep"]["fingerprint"]["precision"] == "float16"


def test_two_files_by_torchvisions_names_are_a_mistake(tmp_path):
    make_dataset(tmp_path / "data", "imagenet", 28, 2, splits=("val",))
    save_as_torchvision(tmp_path / "weights", "resnet18", "f37072fd")
    (tmp_path / "weights" / "resnet18-5c106cde.pth").write_bytes((tmp_path / "weights" / "resnet18-f37072fd.pth").read_bytes())
    run = Sweep(tmp_path, tmp_path, flag="imagenet")
    run.config["search_space"]["splits"] = ["val"]
    told = run.run("--check", code=3).stderr
    assert "resnet18-5c106cde.pth` and `" in told and "resnet18-f37072fd.pth`, expected one of them" in told


def test_a_config_without_a_search_space_runs_as_it_is(tmp_path):
    # As the script reads it: images that were normalized, and a column of labels.
    images = (make_images(2, 224, 3, 0).transpose(0, 3, 1, 2).astype(np.float32) / 255 - 0.5) / 0.5
    root = zarr.open_group(tmp_path / "imagenet.zarr", mode="w")
    root.create_array("images", data=images, chunks=(128, 3, 224, 224))
    root.create_array("labels", data=np.array([[7], [993]]))
    save_as_torchvision(tmp_path / "weights", "resnet18", "f37072fd", size=64)
    run = Sweep(tmp_path, tmp_path)
    run.config = {
        "paths": {"input_zarr_path": str(tmp_path / "imagenet.zarr"), "output_root_dir": str(run.output), "imagenet_weights_root": str(tmp_path / "weights"), "means_dir": str(tmp_path / "means"), "scheduler_log_dir": str(tmp_path / "logs")},
        "settings": {"model_flag": "resnet18", "gpu_id": 0, "batch_sizes": {"default": 128, "DeepLIFT_baselines_global_mean": 1, "Occlusion": 256}},
        "noise_conditions": NOISES[:2],
        "attribution_methods": [{"name": "Saliency", "class": "Saliency", "params": {}}, {"name": "DeepLIFT", "class": "DeepLift", "params": {"baselines": "global_mean"}}],
        "devices": "cpu",
    }
    done = run.run("--check")
    assert "reference densenet_imagenet (recognised by `settings`" in done.stdout
    assert "has numbers for `Occlusion`, which are keys of no map" in done.stdout + done.stderr
    run.run()
    # Where later scripts look: in the folder that they are given, by model and noise.
    names = sorted(f"model-resnet18_noise-{noise['name']}" for noise in NOISES[:2])
    assert sorted(path.name for path in run.output.glob("model-*")) == names
    for name in names:
        found = {file.relative_to(run.output / name).as_posix() for file in (run.output / name).rglob("*.pt")}
        assert {"images.pt", "labels.pt", "model_predictions.pt", "means/overall.pt", "attributions/Saliency.pt"} <= found
    # As the script leaves them.
    root = run.output / "dataset-imagenet_split-val.pt"
    assert sorted(path.name for path in root.iterdir()) == sorted(f"model-resnet18_noise-{noise['name']}" for noise in NOISES[:2])
    store = root / f"model-resnet18_noise-{NOISES[0]['name']}"
    load = lambda name: torch.load(store / name, weights_only=True)  # noqa: E731
    assert (load("images.pt") - torch.from_numpy(images)).abs().max() <= 6e-8 and load("labels.pt").tolist() == [7, 993]
    assert sorted(path.stem for path in (store / "means").iterdir()) == ["class_7", "class_993", "overall"]
    assert load("model_predictions.pt").shape == (2, 1000) and load("attributions/Saliency.pt").dtype == torch.float16
    assert run.granted() == {"Saliency": "128", "DeepLIFT_baselines_global_mean": "1"}
    # The names are links, which are no stores of others, and are not counted twice; one that is lost is made again, and what is not ours stays.
    assert len(attrisweep.open_sweep(run.output)) == 2
    (run.output / names[0]).unlink()
    (run.output / names[1]).unlink()
    (run.output / names[1]).mkdir()
    again = run.run()
    assert "Nothing was left to compute" in again.stdout and f"`{run.output / names[1]}` is there and is not" in again.stdout + again.stderr
    assert torch.equal(torch.load(run.output / names[0] / "images.pt", weights_only=True), load("images.pt"))
    assert not list((run.output / names[1]).iterdir())
