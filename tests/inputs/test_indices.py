"""Some images of a split: each is what it is among all of them, noise and maps included."""

import subprocess

import numpy as np
import pytest
import zarr
from support import METHODS, NOISES

CHOSEN = [6, 1, 2, 9]
SHAP = {"name": "GradientShap", "class": "GradientShap", "params": {"n_samples": 2, "baselines": "combined_zng"}}


@pytest.fixture
def run(sweep):
    run = sweep()
    run.config["search_space"] |= {"noise_conditions": NOISES[1:2], "attribution_methods": [METHODS[0], SHAP]}
    run.config["devices"] = {"cpu": 1}
    run.config["store"] = {"shard": 3}
    return run


def test_an_image_that_is_chosen_has_the_noise_and_the_maps_that_it_has_among_all(run):
    run.config["limit"] = 10
    run.run()
    every = zarr.open_group(run.stores()[0], mode="r")
    mean = (run.folder / "means" / "rgb_mean.pt").read_bytes()
    del run.config["limit"]
    run.output = run.folder / "chosen"
    run.config["paths"] |= {"final_output_dir": str(run.output), "means_dir": str(run.folder / "other_means")}
    run.config["indices"] = CHOSEN
    run.run()
    some = zarr.open_group(run.stores()[0], mode="r")
    assert some["original_indices"][:].tolist() == CHOSEN
    assert (some["images"][:] == every["images"][:][CHOSEN]).all()
    assert some["labels"][:].tolist() == every["labels"][:][CHOSEN].tolist()
    for key in ("Saliency", "GradientShap_baselines_combined_zng_n_samples_2"):
        maps, expected = some["attributions"][key][:].astype(np.float32), every["attributions"][key][:][CHOSEN].astype(np.float32)
        # Half precision: 2^-11 of a value; sums of batches of another size are rounded otherwise.
        np.testing.assert_allclose(maps, expected, atol=1e-3 * np.abs(expected).max(), err_msg=key)
    # A mean image is that of all images of the train split.
    assert (run.folder / "other_means" / "rgb_mean.pt").read_bytes() == mean
    verdict = subprocess.run([run.scheduler, "verify", "--config", run.file, "--sample", "2"], capture_output=True, text=True)
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr


def test_a_file_of_indices_is_the_same_choice_and_another_choice_is_another_dataset(run):
    run.config["search_space"]["attribution_methods"] = METHODS[:1]
    run.config["indices"] = CHOSEN
    run.run()
    before = run.digests()
    np.savetxt(run.folder / "indices.txt", CHOSEN, fmt="%d")
    run.config["indices"] = str(run.folder / "indices.txt")
    run.run()
    assert run.digests() == before
    status = subprocess.run([run.scheduler, "status", "--config", run.file], capture_output=True, text=True).stdout
    assert "complete" in status, status
    run.config["indices"] = sorted(CHOSEN)
    run.run("--check", code=4)
    run.config["indices"] = [3, 24]
    told = run.run("--check", code=3).stderr
    assert "`indices` names image 24, and the split `test` has 24 images, from 0 on" in told
    assert run.digests() == before
