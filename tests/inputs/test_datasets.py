"""Datasets as people save them: labels of any type or none, pixels of any type."""

import subprocess

import numpy as np
import pytest
import zarr
from support import METHODS, SCHEDULER, Sweep, make_dataset, make_weights


def command(run, name, *arguments, code=0):
    done = subprocess.run([SCHEDULER, name, "--config", run.file, *arguments], capture_output=True, text=True, timeout=300)
    assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture
def own(tmp_path):
    """A sweep of 6 images with its own data, and what its file holds."""
    make_dataset(tmp_path / "in" / "data", "rgb", 28, 6)
    make_weights(tmp_path / "in" / "weights", "rgb", "resnet18", 28)
    run = Sweep(tmp_path, tmp_path / "in")
    run.config["search_space"]["attribution_methods"] = METHODS[:1]
    run.config["devices"] = {"cpu": 1}
    file = tmp_path / "in" / "data" / "rgb.npz"
    return run, file, dict(np.load(file))


def test_images_without_labels_are_explained_and_the_store_says_so(own):
    run, file, data = own
    without = {name: value for name, value in data.items() if "labels" not in name}
    np.savez(file, **without)
    told = run.run().stderr
    assert told.count("has no labels that can be used (the file has none)") == 1 and "(split test)" in told
    store = zarr.open_group(run.stores()[0], mode="r")
    assert store["labels"][:].tolist() == [-1] * 6
    assert list(store["means"].array_keys()) == ["overall"]
    assert np.isfinite(store["attributions/Saliency"][:]).all()
    assert "complete" in command(run, "status")
    command(run, "verify", "--sample", "0")
    file.unlink()
    # Without the dataset labels are not compared, and -1 is no sign of damage.
    verdict = command(run, "verify", "--sample", "0", code=7)
    assert "labels were not compared" in verdict and "unsound" not in verdict


def test_labels_that_pandas_has_saved_are_read_and_those_of_no_class_count_for_none(own):
    run, file, data = own
    data["test_labels"] = np.asfortranarray(np.array([[2.0], [np.nan], [0.0], [-1.0], [2.0], [0.0]], dtype=">f8"))
    np.savez(file, **data)
    assert "images without a label of 0 or more" in run.run().stderr
    store = zarr.open_group(run.stores()[0], mode="r")
    assert store["labels"][:].tolist() == [2, -1, 0, -1, 2, 0]
    assert sorted(store["means"].array_keys()) == ["class_0", "class_2", "overall"]
    np.testing.assert_allclose(store["means/class_2"][:], store["images"][:][[0, 4]].mean(axis=0), atol=1e-6)
    command(run, "verify", "--sample", "0")


def test_floats_of_a_range_that_the_config_says_give_the_maps_of_the_bytes(own):
    run, file, data = own
    run.run()
    expected = zarr.open_group(run.stores()[0], mode="r")["attributions/Saliency"][:]
    data["test_images"] = np.asfortranarray(data["test_images"].astype(np.float32) / 255)
    np.savez(file, **data)
    run.output = run.folder / "floats"
    run.config["paths"]["final_output_dir"] = str(run.output)
    told = run.run("--check", code=3).stderr
    assert "pixels of type `<f4`" in told and "`float_range: [0, 1]` below `search_space`" in told
    run.config["search_space"]["float_range"] = [0, 1]
    run.run()
    assert (zarr.open_group(run.stores()[0], mode="r")["attributions/Saliency"][:] == expected).all()
    command(run, "verify")


def test_pixels_that_do_not_fit_are_told_before_anything_starts(own):
    run, file, data = own
    images = data["test_images"]
    for wrong, told in [
        (images.transpose(0, 3, 1, 2), "transpose(0, 2, 3, 1)"),
        (images.astype(">i4") * 256, "expected 0 to 255"),
    ]:
        np.savez(file, **(data | {"test_images": wrong}))
        assert told in run.run("--check", code=3).stderr


def test_of_all_folders_of_weights_those_are_done_that_have_images_and_the_others_are_told(own):
    run, file, _ = own
    weights = file.parent.parent / "weights"
    for flag in ("organmnist3d", "backup"):
        (weights / f"weights_{flag}").mkdir()
    run.config["search_space"]["data_flags"] = []
    told = run.run().stderr
    assert "weights_backup` is left out: there is no `" in told
    assert "weights_organmnist3d` is left out: `organmnist3d` has volumes" in told
    assert [store.name for store in run.stores()] == ["dataset-rgb_model-resnet18_noise-clean_split-test.zarr"]
    assert "backup" not in command(run, "status") and command(run, "verify", "--sample", "0")
    file.rename(file.with_name("away.npz"))
    # There is nothing to do any more, and what was done is still told.
    assert "nothing is left of it" in run.run("--check", code=3).stderr
    assert "dataset-rgb" in command(run, "status")


def test_noises_are_spelled_as_the_reference_scripts_take_them_and_the_config_is_where_they_look(own):
    run, _, _ = own
    spelled = [{"name": "a", "type": "clean"}, {"name": "b", "type": "gaussian"}, {"name": "c", "type": "salt_pepper"}]
    in_full = [("none", {}), ("gaussian", {"std": 0.15}), ("salt_pepper", {"amount": 0.05})]
    run.config["search_space"]["noise_conditions"] = spelled
    assert run.file.name == "config.yml"
    done = subprocess.run([SCHEDULER], cwd=run.folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    images = run.digests()
    run.config["search_space"]["noise_conditions"] = [{"name": noise["name"], "type": kind, "params": params} for noise, (kind, params) in zip(spelled, in_full)]
    # Of another noise a store would be refused.
    run.run()
    assert run.digests() == images
    absent = subprocess.run([SCHEDULER, "--check"], cwd=run.output, capture_output=True, text=True)
    assert absent.returncode == 3 and "config.yml: is not there; name the config of the sweep with `--config <file>`" in absent.stderr
