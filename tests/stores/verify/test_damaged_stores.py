"""`scheduler verify`: every kind of damage is found, named by file, and redone to the bytes that were there."""

import json
import subprocess

import numpy as np
import pytest
import zarr
from support import METHODS, SCHEDULER, wait_for

KEY = "IntegratedGradients_baselines_zero_n_steps_5"


def flip(file):
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def truncate(file):
    file.write_bytes(file.read_bytes()[:-7])


def zero(file):
    file.write_bytes(bytes(len(file.read_bytes())))


def empty(file):
    file.write_bytes(b"")


@pytest.mark.parametrize("harm", [flip, truncate, zero, empty])
@pytest.mark.parametrize("shard", ["images/c.0.0.0.0", f"attributions/{KEY}/c.2.0.0.0", "labels/c.1", "model_predictions/c.1.0", "means/overall/c.0.0.0"])
def test_a_damaged_file_is_named_removed_and_made_anew(run, harm, shard):
    before = run.digests()
    file = run.stores()[0] / shard
    harm(file)
    told = run.verify("--sample", "0", code=7)
    assert told.count("unsound: ") == 1 and f"unsound: {file}: " in told, told
    assert f"removed: {file}" in run.verify("--sample", "0", "--redo", code=7)
    run.run()
    assert run.digests() == before
    assert "Everything is there and sound" in run.verify(code=0)


def rewrite(path, index, value):
    """Values that somebody wrote properly, checksums and all, and that are wrong."""

    def change(store):
        array = zarr.open_group(store, mode="r+", use_consolidated=False)[path]
        array[index] = value
        return path

    return change


# Each: what is changed in a whole store, what is told, and of which files.
WRONG = [
    (rewrite("labels", 5, 7), "image 5 has 7, expected", ["labels/c.1"]),
    (rewrite("original_indices", 9, 8), "image 9 has 8, expected 9", ["original_indices/c.2"]),
    (rewrite(f"attributions/{KEY}", (6, 1, 2, 3), np.nan), "image 6 has the value NaN", [f"attributions/{KEY}/c.1.0.0.0"]),
    (rewrite(f"attributions/{KEY}", (9, 0, 0, 0), np.inf), "image 9 has the value inf", [f"attributions/{KEY}/c.2.0.0.0"]),
    (rewrite("underflow/Saliency", 0, 1.5), "image 0 has the value 1.5, expected 0 to 1", ["underflow/Saliency/c.0"]),
    (rewrite("means/class_1", (0, 0, 0), 0.5), "it is not the mean of the stored images", ["means/class_1/c.0.0.0"]),
    (rewrite("model_predictions", 2, 1.0), "predictions of image 2 are not those of the stored image", ["model_predictions/c.0.0", "attributions/Saliency/c.0.0.0.0"]),
    (rewrite("images", 8, 0.0), "image 8 is not the one of the dataset", ["images/c.2.0.0.0", "model_predictions/c.2.0"]),
]


@pytest.mark.parametrize(("change", "reason", "files"), WRONG)
def test_wrong_values_with_good_checksums_are_found_and_made_anew(run, change, reason, files):
    before = run.digests()
    store = run.stores()[0]
    change(store)
    told = run.verify("--sample", "10", code=7)
    for file in files:
        assert any(f"unsound: {store / file}: " in line and reason in line for line in told.splitlines()), told
    run.verify("--sample", "10", "--redo", code=7)
    run.run()
    assert run.digests() == before


@pytest.mark.parametrize("file", ["images/zarr.json", f"attributions/{KEY}/zarr.json", "zarr.json", "means/overall/zarr.json"])
def test_changed_metadata_is_found_and_made_anew(run, file):
    before = run.digests()
    path = run.stores()[0] / file
    metadata = json.loads(path.read_text())
    if file == "zarr.json":
        metadata["consolidated_metadata"]["metadata"]["images"]["shape"][0] = 11
    else:
        metadata["data_type"] = "float64"
    path.write_text(json.dumps(metadata))
    assert f"unsound: {path}: " in run.verify("--sample", "0", code=7)
    run.verify("--sample", "0", "--redo", code=7)
    run.run()
    assert run.digests() == before


def test_a_root_that_no_longer_says_what_computed_its_maps_is_found_and_the_copy_says_it_again(run):
    before = run.digests()
    path = run.stores()[0] / "zarr.json"
    root = json.loads(path.read_text())
    makers = root["attributes"]["attrisweep"].pop("computed_by")
    path.write_text(json.dumps(root))
    assert f"unsound: {path}: " in run.verify("--sample", "0", code=7)
    run.verify("--sample", "0", "--redo", code=7)
    run.run()
    assert json.loads(path.read_text())["attributes"]["attrisweep"]["computed_by"] == makers
    assert run.digests() == before


def test_an_attribute_of_the_users_own_comes_and_goes_as_the_user_likes(run):
    path = run.stores()[0] / "zarr.json"
    before = path.read_bytes()
    root = json.loads(before)
    path.write_text(json.dumps({**root, "attributes": {**root["attributes"], "note": "mine"}}))
    run.run()
    assert "Everything is there and sound" in run.verify("--sample", "0", code=0)
    assert json.loads(path.read_text())["attributes"]["note"] == "mine"
    path.write_bytes(before)
    run.run()
    assert "Everything is there and sound" in run.verify("--sample", "0", code=0)
    assert "note" not in json.loads(path.read_text())["attributes"]


@pytest.mark.parametrize("file", ["attributions/Saliency/c.1.0.0.0", "means/class_0/c.0.0.0", "underflow/Saliency/zarr.json"])
def test_a_file_that_is_lost_is_not_there_yet_and_comes_back(run, file):
    before = run.digests()
    (run.stores()[0] / file).unlink()
    told = run.verify(code=1)
    assert "not there yet: " in told and ("shards 1 (1 of 3)" in told or file in told), told
    run.run()
    assert run.digests() == before


def test_a_variant_that_the_config_has_added_is_not_there_yet(run):
    run.config["search_space"]["attribution_methods"].append(METHODS[1])
    assert "variants that the config asks for: InputXGradient" in run.verify("--sample", "0", code=1)


def test_it_reads_beside_a_running_scheduler_and_writes_nothing(tmp_path, configured, hold):
    run = configured(tmp_path)
    assert "not begun" in run.verify(code=1)
    assert not run.output.exists()
    release = hold(run)
    process = run.start()
    # Both workers may be held at once, before either has written a map.
    wait_for(lambda: list(run.output.rglob("model_predictions/c.*")))
    told = run.verify(code=1)
    assert "not there yet" in told and "unsound" not in told, told
    told = subprocess.run([SCHEDULER, "verify", "--config", run.file, "--redo"], capture_output=True, text=True)
    assert told.returncode == 6 and "another scheduler is writing" in told.stderr, told.stderr
    release()
    assert process.wait(timeout=120) == 0
    before = run.digests()
    run.verify(code=0)
    assert run.digests() == before
