"""The Quantus notebook: its network is the one of the catalogue, its config is sound, and its script tells what it could not fetch."""

import gzip
import importlib.util
import os
import subprocess
import sys

import numpy
import torch
import yaml
import zarr
from support import ROOT, SCHEDULER

SCRIPT = ROOT / "scripts" / "demo" / "quantus_notebook.py"


def script():
    spec = importlib.util.spec_from_file_location("quantus_notebook", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_idx(folder, split, images, labels):
    """Images and labels in the format of MNIST: a magic number, sizes as big-endian numbers, bytes."""
    header = lambda *numbers: b"".join(number.to_bytes(4, "big") for number in numbers)
    (folder / f"{split}-images-idx3-ubyte.gz").write_bytes(gzip.compress(header(0x803, *images.shape) + images.tobytes()))
    (folder / f"{split}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(header(0x801, len(labels)) + labels.tobytes()))


def test_its_config_computes_the_three_metrics_of_four_methods_on_images_from_zero_to_one(tmp_path):
    notebook = script()
    data, weights = tmp_path / "data" / "fashionmnist", tmp_path / "weights" / "weights_fashionmnist"
    data.mkdir(parents=True)
    weights.mkdir(parents=True)
    random = numpy.random.default_rng(0)
    images, labels = random.integers(0, 256, (6, 28, 28), numpy.uint8), random.integers(0, 10, 6).astype(numpy.uint8)
    for split in ("train", "t10k"):
        write_idx(data, split, images, labels)
    torch.manual_seed(0)
    model = notebook.LeNet().eval()
    torch.save(model.state_dict(), weights / "lenet_28_1.pth")
    assert sum(parameter.numel() for parameter in model.parameters()) == 214_634
    config = yaml.safe_load((ROOT / "configs" / "quantus_notebook.yml").read_text())
    config["paths"] = {"weights_root": str(tmp_path / "weights"), "data_root": str(tmp_path / "data"), "scheduler_log_dir": str(tmp_path / "logs"), "final_output_dir": str(tmp_path / "out")}
    config |= {"limit": 3, "devices": {"cpu": 1}}
    (tmp_path / "config.yml").write_text(yaml.safe_dump(config))
    done = subprocess.run([SCHEDULER, "--config", tmp_path / "config.yml"], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    (store,) = (tmp_path / "out").glob("*.zarr")
    group = zarr.open_group(store, mode="r")
    numpy.testing.assert_allclose(group["images"][:, 0], images[:3] / 255, atol=1e-6)
    with torch.no_grad():
        wanted = model(torch.from_numpy(images[:3, None].astype(numpy.float32) / 255)).numpy()
    # Rounding in single precision: a logit is a sum of some 2000 products of size 0.1, each good to 6e-8.
    numpy.testing.assert_allclose(group["model_predictions"][:], wanted, atol=1e-3)
    found = {key.split("_")[0]: list(group["scores"][key].keys()) for key in group["scores"].keys()}
    assert set(found) == {"FaithfulnessCorrelation", "RelativeInputStability", "Sparseness"}
    assert {key.split("_")[0] for key in found["Sparseness"]} == set(notebook.PUBLISHED)


def test_images_that_cannot_be_fetched_are_told_with_the_place_where_they_are_looked_for(tmp_path):
    # No program is found, so that nothing is fetched; the copy of the script looks beside itself.
    home = tmp_path / "home" / "scripts" / "demo"
    home.mkdir(parents=True)
    (home / SCRIPT.name).write_text(SCRIPT.read_text())
    done = subprocess.run([sys.executable, home / SCRIPT.name], env={**os.environ, "PATH": str(tmp_path)}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    assert "FashionMNIST could not be fetched as Debian's package dataset-fashion-mnist" in done.stderr
    assert f"into {tmp_path / 'home' / 'demo' / 'quantus_notebook' / 'data' / 'fashionmnist'} and run this again" in done.stderr
