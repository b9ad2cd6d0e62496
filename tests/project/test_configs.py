"""The configs of the reference experiments are sound once their paths are filled in, and --check tells what they stand for."""

import itertools
import pathlib
import re
import subprocess

import numpy as np
import pytest
import torch
import zarr
from PIL import Image
from support import NOISES, ROOT, SCHEDULER, make_dataset, make_images, make_model, make_weights

# The notebook's config has no place to fill in: tests/project/test_quantus_notebook.py.
CONFIGS = sorted(path.stem for path in (ROOT / "configs").glob("*_*.yml") if path.stem != "quantus_notebook")

# Groups, maps of a group, and lines that --check prints of each.
EXPECTED = {
    "resnet_medmnist": (2 * 3 * 4, 16, ["resnet_medmnist (named by the config)", "2p x 2p px", "precision float32", "split `train`", "zarr.zip"]),
    "densenet_medmnist": (3 * 4, 16, ["densenet_medmnist (named by the config)", "moved by 1", "precision float32", "split `train`"]),
    "resnet_imagenet": (2 * 4, 16, ["resnet_imagenet (named by the config)", "moved by 1", "precision float16", "split `val`"]),
    "decorr_medmnist": (2 * 3 * 4, 8, ["decorr (named by the config)", "precision float16", "weights for themselves"]),
    "densenet_imagenet": (4, 16, ["densenet_imagenet (recognised by `settings`", "2p x 2p px", "precision float32", "each group's own images"]),
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """Tiny data and weights where the configs look for them, each in the form that its script reads."""
    folder = tmp_path_factory.mktemp("filled")
    make_dataset(folder / "data", "bloodmnist", 224, 2)
    pictures = make_images(2, 240, 3, 0)
    for picture, name in zip(pictures, ("n01440764", "n01443537")):
        (folder / "data" / "val" / name).mkdir(parents=True)
        Image.fromarray(picture).save(folder / "data" / "val" / name / "ILSVRC2012_val_00000293.JPEG")
    root = zarr.open_group(folder / "imagenet.zarr", mode="w")
    root.create_array("images", data=np.zeros((2, 3, 224, 224), np.float32), chunks=(128, 3, 224, 224))
    root.create_array("labels", data=np.array([0, 1]))
    for arch, digest in (("resnet18", "f37072fd"), ("resnet50", "11ad3fa6"), ("densenet121", "a639ec97")):
        make_weights(folder / "weights", "bloodmnist", arch, 224)
        torch.save(make_model(arch, 224, classes=1000).state_dict(), folder / "weights" / f"{arch}-{digest}.pth")
    for arch, base in (("resnet18", "base_resnet"), ("densenet121", "base")):
        make_decorrelated(folder, arch, base)
    return folder


def make_decorrelated(folder, arch, base):
    """Eight files that are one set of weights, and the stores that a script left for each noise and split."""
    weights = folder / "weights" / f"bloodmnist_{arch}"
    weights.mkdir()
    for index, seed in enumerate([42, 123, 456, 789, 101112, 131415, 161718, 192021]):
        (weights / f"split_{index}_seed_{seed}.pth").symlink_to(folder / "weights" / "weights_bloodmnist" / f"{arch}_224_1.pth")
    with np.load(folder / "data" / "bloodmnist_224.npz") as file:
        for split, noise in itertools.product(("train", "val", "test"), NOISES):
            root = zarr.open_group(folder / base / f"dataset-bloodmnist_model-{arch}_noise-{noise['name']}_split-{split}.zarr", mode="w")
            pixels = (file[f"{split}_images"].transpose(0, 3, 1, 2).astype(np.float32) / 255 - 0.5) / 0.5
            for path, values in (("images", pixels), ("labels", file[f"{split}_labels"]), ("model_predictions", np.ones((2, 4), np.float32))):
                root.create_array(path, data=values)


def config(filled, name, tmp_path):
    text = (ROOT / "configs" / f"{name}.yml").read_text()
    for path in ("stores", "logs", "means"):
        text = text.replace(f"FILL_IN/{path}", str(tmp_path / path))
    text = text.replace("FILL_IN", str(filled))
    assert "FILL_IN/" not in text
    file = tmp_path / "config.yml"
    file.write_text(text + "devices: {cpu: 1}\n")
    return file


def test_every_experiment_has_a_config():
    assert CONFIGS == sorted(EXPECTED)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_config_with_its_paths_filled_in_is_sound_and_told(filled, tmp_path, name):
    done = subprocess.run([SCHEDULER, "--config", config(filled, name, tmp_path), "--check"], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    groups, variants, lines = EXPECTED[name]
    for line in lines:
        assert line in done.stdout, f"{line}\n{done.stdout}"
    # Two images of each group are one shard.
    assert f"{groups} groups x {variants} variants: {groups * variants * 2} maps in {groups} units to do; " in done.stdout
    # Images in float32 and maps in float16 of 3 x 224 x 224; logits, labels, indices, deltas and up to three means beside them.
    values, classes = 3 * 224 * 224, 1000 if "imagenet" in name else 4
    least = groups * 2 * values * (4 + 2 * variants)
    most = least + groups * (4 * values * 3 + 2 * (4 * classes + 8 + 8 + 4 * variants))
    told, unit = done.stdout.split(" units to do; ")[1].split()[:2]
    assert unit == "MB" and least <= float(told) * 1e6 + 5e4 and float(told) * 1e6 - 5e4 <= most
    assert "not known: nothing was measured there (preflight measures)" in done.stdout
    assert not list(tmp_path.glob("stores/*")), "--check writes nothing"


@pytest.mark.parametrize("name", CONFIGS)
def test_a_config_whose_paths_are_not_filled_in_is_told_each_of_them(tmp_path, name):
    file = pathlib.Path(ROOT / "configs" / f"{name}.yml")
    done = subprocess.run([SCHEDULER, "--config", file, "--check"], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 3 and "FILL_IN/weights" in done.stderr


def test_the_time_of_the_work_is_told_once_such_work_was_measured(sweep):
    run = sweep(limit=4, devices={"cpu": 1})
    assert "1 groups x 6 variants: 24 maps in 1 units to do" in run.run("--check").stdout
    run.run()
    told = run.run("--check").stdout
    assert "0 maps in 0 units to do" in told and "forecast" not in told
    run.config["limit"] = 12
    told = run.run("--check").stdout
    assert "48 maps in 2 units to do" in told
    assert re.search(r"forecast  1 x .*: \d+ (s|min)$", told, re.M), told
    run.config["search_space"]["attribution_methods"].append({"name": "DeepLIFT", "class": "DeepLift", "params": {"baselines": "zero"}})
    told = run.run("--check").stdout
    assert re.search(r"forecast  1 x .*: \d+ (s|min), and the time of 12 maps that were not measured there$", told, re.M), told
