"""Mean images: what `means` writes opens with torch.load, and what torch.save wrote is read."""

import hashlib
import json
import os
import pathlib
import struct
import subprocess

import numpy as np
import pytest
import torch
import zarr
from support import ROOT, Sweep, make_dataset, make_weights

MEANS = ROOT / "target" / "debug" / "means"


def means(run, *arguments, code=0):
    done = subprocess.run([MEANS, "--config", run.file, *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == code, f"exit code {done.returncode}, expected {code}\n{done.stdout}\n{done.stderr}"
    return done


def expected(data, flag):
    """The mean as the Python scripts make it: images scaled in float32, summed in float64."""
    with np.load(data / f"{flag}.npz") as file:
        images = file["train_images"]
    if images.ndim == 3:
        images = images[..., None].repeat(3, axis=-1)
    scaled = (torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.5
    return scaled.double().mean(0).float()


@pytest.fixture
def own(tmp_path):
    """A sweep with inputs of its own, and the folder of its means."""
    make_dataset(tmp_path / "in" / "data", "rgb", 28, 12)
    make_dataset(tmp_path / "in" / "data", "grey", 28, 5, channels=1)
    for flag in ("rgb", "grey"):
        # Folders of weights tell which datasets there are; means are made without any weights.
        (tmp_path / "in" / "weights" / f"weights_{flag}").mkdir(parents=True)
    run = Sweep(tmp_path, tmp_path / "in")
    run.config["paths"]["means_dir"] = str(tmp_path / "means")
    run.config["search_space"]["data_flags"] = []
    return run, tmp_path / "in" / "data", tmp_path / "means"


@pytest.mark.parametrize("options", [{"weights_only": True}, {"weights_only": False}, {"weights_only": True, "mmap": True}])
def test_torch_load_opens_a_mean_that_is_the_mean_of_the_train_split(own, options):
    run, data, folder = own
    told = means(run).stdout
    for flag in ("grey", "rgb"):
        mean = torch.load(folder / f"{flag}_mean.pt", **options)
        assert (mean.dtype, mean.shape, mean.is_contiguous()) == (torch.float32, (3, 28, 28), True)
        assert torch.equal(mean, expected(data, flag)), flag
        assert f"written  {folder}/{flag}_mean.pt  {5 if flag == 'grey' else 12} images" in told
    assert sorted(path.name for path in folder.iterdir()) == ["grey_mean.pt", "rgb_mean.pt"]


SAVED = {
    "as it is": lambda mean: mean,
    "double": lambda mean: mean.double(),
    "with a batch of one": lambda mean: mean[None],
    "of channels": lambda mean: mean.mean((1, 2), keepdim=True),
    "transposed": lambda mean: mean.permute(1, 2, 0).contiguous().permute(2, 0, 1),
    "a view": lambda mean: torch.cat([mean, mean])[3:],
    "with a gradient": lambda mean: mean.clone().requires_grad_(),
}


@pytest.mark.parametrize("form", SAVED)
def test_a_mean_that_torch_saved_is_kept_unless_forced(own, form):
    run, data, folder = own
    folder.mkdir()
    torch.save(SAVED[form](expected(data, "rgb")), folder / "rgb_mean.pt")
    before = (folder / "rgb_mean.pt").read_bytes()
    told = means(run).stdout
    assert f"kept     {folder}/rgb_mean.pt" in told and f"written  {folder}/grey_mean.pt" in told
    assert (folder / "rgb_mean.pt").read_bytes() == before
    assert f"written  {folder}/rgb_mean.pt" in means(run, "--force").stdout
    assert torch.equal(torch.load(folder / "rgb_mean.pt"), expected(data, "rgb"))


UNUSABLE = {
    "it holds a `torch._utils._rebuild_parameter`": lambda path, mean: torch.save(torch.nn.Parameter(mean), path),
    "it holds something else than a tensor": lambda path, mean: torch.save({"mean": mean}, path),
    "`torch.HalfStorage`, expected float32 or float64": lambda path, mean: torch.save(mean.half(), path),
    "the format of PyTorch before 1.6": lambda path, mean: torch.save(mean, path, _use_new_zipfile_serialization=False),
    "its pickle has protocol 4, expected 2": lambda path, mean: torch.save(mean, path, pickle_protocol=4),
    "it holds NaN (value 7)": lambda path, mean: torch.save(mean.flatten().index_fill(0, torch.tensor([7]), torch.nan).view(3, 28, 28), path),
    "has the shape [3, 27, 28], expected [3, 28, 28]": lambda path, mean: torch.save(mean[:, 1:].clone(), path),
    "it has the shape [28, 28], expected [channels, height, width]": lambda path, mean: torch.save(mean[0].clone(), path),
    "it is not a file of torch.save": lambda path, mean: path.write_text("mean"),
}


@pytest.mark.parametrize("message", UNUSABLE)
def test_a_file_that_is_no_mean_of_the_images_is_told_and_left_alone(own, message):
    run, data, folder = own
    folder.mkdir()
    UNUSABLE[message](folder / "rgb_mean.pt", expected(data, "rgb"))
    before = (folder / "rgb_mean.pt").read_bytes()
    told = means(run, code=3).stderr
    assert message in told and "rgb_mean.pt`" in told and "`--force` makes it anew" in told
    assert [path.name for path in folder.iterdir()] == ["rgb_mean.pt"]
    assert (folder / "rgb_mean.pt").read_bytes() == before
    means(run, "--force")
    assert torch.equal(torch.load(folder / "rgb_mean.pt"), expected(data, "rgb"))


def test_all_mistakes_are_told_at_once_and_nothing_is_written(own):
    run, data, folder = own
    make_dataset(data, "grey", 28, 5, channels=1, splits=("test",))
    run.config["search_space"]["data_flags"] = ["grey", "nowhere"]
    told = means(run, code=3).stderr
    assert told.startswith("error: 2 mistakes in ")
    assert "no data for `nowhere` at 28 px" in told
    assert "a mean image is made of the split `train`" in told and "has no member `train_images`" in told
    assert not folder.exists()


def test_of_damaged_images_no_mean_is_written(own):
    run, data, folder = own
    with np.load(data / "rgb.npz") as file:
        np.savez(data / "rgb.npz", **file)
    damaged = bytearray((data / "rgb.npz").read_bytes())
    damaged[2000] ^= 0x10
    (data / "rgb.npz").write_bytes(damaged)
    run.config["search_space"]["data_flags"] = ["rgb"]
    told = means(run, code=3).stderr
    assert "damaged: its checksum is" in told and "train_images" in told
    assert not folder.exists()


def test_a_means_folder_that_cannot_be_written_is_told(own):
    run, _, folder = own
    folder.write_text("a file where a folder should be")
    assert "cannot write mean image" in means(run, code=6).stderr


def test_help_documents_every_exit_code():
    told = subprocess.run([MEANS, "--help"], capture_output=True, text=True, check=True).stdout
    for code in (0, 2, 3, 6):
        assert f"\n  {code:<4} " in told, code


def test_a_pickle_that_would_run_a_program_runs_nothing(own):
    run, _, folder = own
    proof = folder / "executed"

    class Hostile:
        def __reduce__(self):
            return (pathlib.Path.touch, (proof,))

    folder.mkdir()
    torch.save(Hostile(), folder / "rgb_mean.pt")
    assert "rgb_mean.pt" in means(run, code=3).stderr
    assert not proof.exists()


@pytest.fixture
def taking(own):
    """A sweep with one method whose baseline is the mean image of the dataset."""
    run, data, folder = own
    told = subprocess.run([ROOT / "target" / "debug" / "worker", "catalogue"], capture_output=True, text=True, check=True).stdout
    methods = [method["item"] for method in json.loads(told)["methods"]]
    classes = [item["name"] for item in methods if '"global_mean"' in json.dumps(item["parameters"])]
    if not classes:
        pytest.skip("no method of this build takes a mean image")
    make_weights(run.folder / "in" / "weights", "rgb", "resnet18", 28)
    method = {"name": "Mean", "class": classes[0], "params": {"baselines": "global_mean"}}
    run.config["search_space"] |= {"data_flags": ["rgb"], "attribution_methods": [method]}
    run.config["limit"] = 2
    return run, data, folder


def test_a_sweep_computes_the_mean_that_it_needs_and_its_store_says_which(taking):
    run, data, folder = taking
    assert f"{folder}/rgb_mean.pt (mean image, computed before the sweep begins)" in run.run("--check").stdout
    assert not folder.exists() and not run.output.exists()
    run.run()
    mean = torch.load(folder / "rgb_mean.pt")
    assert torch.equal(mean, expected(data, "rgb"))
    attributes = zarr.open_group(run.stores()[0], mode="r")["attributions/Mean_baselines_global_mean"].attrs["attrisweep"]
    assert attributes["mean_sha256"] == hashlib.sha256(struct.pack("<3Q", 3, 28, 28) + mean.numpy().tobytes()).hexdigest()
    assert attributes["semantics"] == "exact"
    # Computed anew, a mean is the same: the sweep goes on.
    (folder / "rgb_mean.pt").unlink()
    assert "Nothing was left to compute" in run.run().stdout


def test_the_next_start_removes_what_a_killed_process_left_of_a_mean_and_no_other(taking):
    run, _, folder = taking
    folder.mkdir()
    # No process has the largest number; that of this test lives.
    dead, living = (folder / f".other_mean.pt.{process}.tmp" for process in (2**32 - 1, os.getpid()))
    for path in (dead, living):
        path.write_text("torn")
    run.run("--check")
    assert dead.exists(), "a check writes nothing"
    run.run()
    assert not dead.exists() and living.exists() and (folder / "rgb_mean.pt").exists()


@pytest.mark.parametrize("there", [True, False])
def test_a_store_of_another_mean_is_refused_and_left_alone(taking, there):
    run, data, folder = taking
    folder.mkdir()
    torch.save(torch.full((3, 1, 1), 0.25), folder / "rgb_mean.pt")
    run.run()
    before = run.digests()
    (folder / "rgb_mean.pt").unlink()
    if there:
        torch.save(expected(data, "rgb"), folder / "rgb_mean.pt")
    assert "Mean_baselines_global_mean: mean_sha256 is" in run.run(code=4).stderr
    assert run.digests() == before


def test_what_a_mean_needs_is_told_before_anything_starts(taking):
    run, data, folder = taking
    make_dataset(data, "rgb", 28, 12, splits=("test",))
    told = run.run(code=3).stderr
    assert "has no member `train_images`" in told and "(baseline of `Mean_baselines_global_mean`)" in told
    assert not run.output.exists() and not folder.exists()


def test_a_config_that_names_no_folders_leaves_means_and_stores_in_those_of_the_working_folder(taking, tmp_path):
    run, data, _ = taking
    for key in ("means_dir", "final_output_dir"):
        del run.config["paths"][key]
    run.run(cwd=tmp_path)
    assert torch.equal(torch.load(tmp_path / "means" / "rgb_mean.pt"), expected(data, "rgb"))
    (store,) = (tmp_path / "outputs").glob("*.zarr")
    assert zarr.open_group(store, mode="r").attrs["attrisweep"]["complete"]
