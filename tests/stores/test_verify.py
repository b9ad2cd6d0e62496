"""`scheduler verify`: every kind of damage is found, named by file, and redone to the bytes that were there."""

import hashlib
import json
import shutil
import subprocess

import numpy as np
import pytest
import zarr
from support import METHODS, NOISES, SCHEDULER, Sweep, make_weights, wait_for

KEY = "IntegratedGradients_baselines_zero_n_steps_5"


def verify(run, *arguments, code):
    command = [str(SCHEDULER), "verify", "--config", str(run.file), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == code, f"exit code {done.returncode}, expected {code}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def configured(folder, inputs):
    run = Sweep(folder, inputs, limit=10)
    run.config["search_space"] |= {"noise_conditions": NOISES[1:2], "attribution_methods": [METHODS[0], METHODS[4]]}
    return run


@pytest.fixture(scope="module")
def finished(tmp_path_factory, inputs):
    run = configured(tmp_path_factory.mktemp("finished"), inputs)
    run.run()
    return run


def exchanged(run, key, one, other):
    """Two maps of a variant in each other's place, written by zarr-python: every checksum is right."""
    (store,) = run.stores()
    maps = zarr.open_group(store, mode="r+")["attributions"][key]
    maps[one], maps[other] = maps[other], maps[one]


@pytest.fixture
def run(tmp_path, inputs, finished):
    shutil.copytree(finished.output, tmp_path / "out")
    return configured(tmp_path, inputs)


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
    told = verify(run, "--sample", "0", code=7)
    assert told.count("unsound: ") == 1 and f"unsound: {file}: " in told, told
    assert f"removed: {file}" in verify(run, "--sample", "0", "--redo", code=7)
    run.run()
    assert run.digests() == before
    assert "Everything is there and sound" in verify(run, code=0)


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
    told = verify(run, "--sample", "10", code=7)
    for file in files:
        assert any(f"unsound: {store / file}: " in line and reason in line for line in told.splitlines()), told
    verify(run, "--sample", "10", "--redo", code=7)
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
    assert f"unsound: {path}: " in verify(run, "--sample", "0", code=7)
    verify(run, "--sample", "0", "--redo", code=7)
    run.run()
    assert run.digests() == before


def test_a_root_that_no_longer_says_what_computed_its_maps_is_found_and_the_copy_says_it_again(run):
    before = run.digests()
    path = run.stores()[0] / "zarr.json"
    root = json.loads(path.read_text())
    makers = root["attributes"]["attrisweep"].pop("computed_by")
    path.write_text(json.dumps(root))
    assert f"unsound: {path}: " in verify(run, "--sample", "0", code=7)
    verify(run, "--sample", "0", "--redo", code=7)
    run.run()
    assert json.loads(path.read_text())["attributes"]["attrisweep"]["computed_by"] == makers
    assert run.digests() == before


def test_an_attribute_of_the_users_own_comes_and_goes_as_the_user_likes(run):
    path = run.stores()[0] / "zarr.json"
    before = path.read_bytes()
    root = json.loads(before)
    path.write_text(json.dumps({**root, "attributes": {**root["attributes"], "note": "mine"}}))
    run.run()
    assert "Everything is there and sound" in verify(run, "--sample", "0", code=0)
    assert json.loads(path.read_text())["attributes"]["note"] == "mine"
    path.write_bytes(before)
    run.run()
    assert "Everything is there and sound" in verify(run, "--sample", "0", code=0)
    assert "note" not in json.loads(path.read_text())["attributes"]


def test_what_single_precision_has_moved_within_tolerance_is_told_with_the_variant_and_how_far(run):
    (store,) = run.stores()
    maps = zarr.open_group(store, mode="r+")["attributions/Saliency"]
    values = maps[:].astype(np.float32)
    for image in values:
        at = np.unravel_index(image.argmax(), image.shape)
        # Of the length of a map it is little.
        image[at] *= 0.996
    maps[:] = values
    told = verify(run, code=0)
    assert "Single precision has moved maps of Saliency by up to 0.4 % of their peak (image " in told, told
    assert "Everything is there and sound" in told and f"maps of {KEY}" not in told, told


@pytest.mark.parametrize("file", ["attributions/Saliency/c.1.0.0.0", "means/class_0/c.0.0.0", "underflow/Saliency/zarr.json"])
def test_a_file_that_is_lost_is_not_there_yet_and_comes_back(run, file):
    before = run.digests()
    (run.stores()[0] / file).unlink()
    told = verify(run, code=1)
    assert "not there yet: " in told and ("shards 1 (1 of 3)" in told or file in told), told
    run.run()
    assert run.digests() == before


def test_without_a_worker_all_but_predictions_and_what_maps_show_is_read(run):
    told = verify(run, "--worker", "/nonexistent", code=7)
    assert "predictions and maps were not compared: cannot start `/nonexistent`" in told and "unsound:" not in told
    assert "Everything is there and sound" in verify(run, "--worker", "/nonexistent", "--sample", "0", code=0)


def test_it_reads_beside_a_running_scheduler_and_writes_nothing(tmp_path, inputs, hold):
    run = configured(tmp_path, inputs)
    assert "not begun" in verify(run, code=1)
    assert not run.output.exists()
    release = hold(run)
    process = run.start()
    # Both workers may be held at once, before either has written a map.
    wait_for(lambda: list(run.output.rglob("model_predictions/c.*")))
    told = verify(run, code=1)
    assert "not there yet" in told and "unsound" not in told, told
    told = subprocess.run([SCHEDULER, "verify", "--config", run.file, "--redo"], capture_output=True, text=True)
    assert told.returncode == 6 and "another scheduler is writing" in told.stderr, told.stderr
    release()
    assert process.wait(timeout=120) == 0
    before = run.digests()
    verify(run, code=0)
    assert run.digests() == before


def test_a_variant_that_the_config_has_added_is_not_there_yet(run):
    run.config["search_space"]["attribution_methods"].append(METHODS[1])
    assert "variants that the config asks for: InputXGradient" in verify(run, "--sample", "0", code=1)


@pytest.mark.parametrize("key", ["Saliency", KEY])
def test_two_maps_that_were_exchanged_are_found_and_made_anew(run, key):
    before = run.digests()
    exchanged(run, key, 1, 6)
    told = verify(run, code=7)
    for shard, image in enumerate([1, 6]):
        path = f"attributions/{key}/c.{shard}.0.0.0: the map of image {image} is not the one of the stored image and model"
        assert path in told, told
    assert told.count("unsound: ") == 2 * (3 if key == KEY else 2), told
    verify(run, "--redo", code=7)
    run.run()
    assert run.digests() == before
    assert "20 maps were computed again" not in told and "30 maps were computed again" in verify(run, code=0)


def test_maps_of_two_variants_that_were_exchanged_are_found_by_a_sample_of_one(run):
    (store,) = run.stores()
    one, other = (store / "attributions" / key / "c.0.0.0.0" for key in ("IntegratedGradients_baselines_zero_n_steps_5", "IntegratedGradients_baselines_zero_n_steps_12"))
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    assert "is not the one of the stored image" in verify(run, code=7)


def test_maps_that_are_off_as_those_of_wrong_kernels_were_are_found(run):
    (store,) = run.stores()
    maps = zarr.open_group(store, mode="r+")["attributions"]["Saliency"]
    image = maps[3]
    image[:, 20:] *= 1.05
    maps[3] = image
    told = verify(run, code=7)
    assert "the map of image 3 is not the one" in told and "accepted" in told


def test_without_time_one_map_of_each_variant_is_computed_again(run):
    assert "; 3 maps were computed again" in verify(run, "--seconds", "0", code=0)
    assert "computed again" not in verify(run, "--sample", "0", code=0)


def with_facts(store, change):
    """The store as if another build of the program had written it, with its facts changed, sealed as it seals."""
    for file in (store / "attributions" / "zarr.json", store / "zarr.json"):
        root = json.loads(file.read_text())
        ours = root["attributes"]["attrisweep"]
        change(ours["fingerprint"])
        ours["digest"] = ""
        if "consolidated_metadata" in root:
            root["consolidated_metadata"]["metadata"]["attributions"] = json.loads((store / "attributions" / "zarr.json").read_text())
        ours["digest"] = hashlib.sha256(json.dumps(root, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()
        file.write_text(json.dumps(root, indent=2, ensure_ascii=False) + "\n")


def test_a_store_of_another_version_is_read_and_nothing_of_it_is_removed(run):
    (store,) = run.stores()
    with_facts(store, lambda facts: facts.update(results_version=4))
    assert "Everything is there and sound" in verify(run, code=0)
    exchanged(run, "Saliency", 1, 6)
    before = run.digests()
    assert "the map of image 1 is not the one" in verify(run, code=7)
    told = verify(run, "--redo", code=7)
    assert "its maps are of results_version 4, and this program computes 5" in told, told
    assert "nothing was removed" in told and "move the stores away of which nothing was removed" in told, told
    assert run.digests() == before


def test_a_store_of_one_logit_by_an_earlier_build_is_told_what_its_maps_explain(tmp_path, inputs):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "data").symlink_to(inputs / "data")
    make_weights(tmp_path / "in" / "weights", "rgb", "resnet18", 28, classes=1)
    run = Sweep(tmp_path, tmp_path / "in", limit=4)
    run.config["search_space"]["attribution_methods"] = [{"name": "InputXGradient"}]
    run.run()
    assert "Everything is there and sound" in verify(run, code=0)
    (store,) = run.stores()
    group = zarr.open_group(store, mode="r+")
    negative = group["model_predictions"][:, 0] <= 0
    assert negative.any()
    group["attributions/InputXGradient"][:] = np.where(negative[:, None, None, None], -1, 1) * group["attributions/InputXGradient"][:]
    with_facts(store, lambda facts: facts.pop("one_logit"))
    told = verify(run, code=7)
    assert "its maps explain the one logit itself" in told, told
