"""A store has several owners: other configs, and people who add what is theirs."""

import pathlib
import shutil
import subprocess

import numpy
import zarr
from support import METHODS, NOISES, SCHEDULER


def told(run, command, code=0):
    done = subprocess.run([SCHEDULER, command, "--config", run.file], capture_output=True, text=True, timeout=300)
    assert done.returncode == code, f"exit code {done.returncode}, expected {code}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def opened(run, mode="r"):
    (store,) = run.stores()
    return zarr.open_group(store, mode=mode)


def test_what_two_configs_ask_for_in_turn_is_there_for_both(sweep):
    run = sweep()
    methods = run.config["search_space"]["attribution_methods"]
    for method in (METHODS[0], METHODS[1], METHODS[0]):
        methods[:] = [method]
        run.run()
    for method in METHODS[:2]:
        methods[:] = [method]
        assert "Everything is there and sound" in told(run, "verify")
        assert "complete" in told(run, "status")
        assert "  complete  " in run.run("--check").stdout
    assert set(opened(run)["attributions"].keys()) == {METHODS[0]["name"], METHODS[1]["name"]}


def test_maps_that_a_config_no_longer_asks_for_and_that_are_not_all_there_do_not_hold_a_store_open(sweep):
    run = sweep()
    methods = run.config["search_space"]["attribution_methods"]
    methods[:] = [METHODS[0]]
    run.run()
    (store,) = run.stores()
    next((store / "attributions" / METHODS[0]["name"]).glob("c.*")).unlink()
    methods[:] = [METHODS[1]]
    run.run()
    assert opened(run).attrs["attrisweep"]["variants"] == [METHODS[1]["name"]]
    assert opened(run).attrs["attrisweep"]["complete"]
    # Whoever asks for them again gets what is missing.
    methods[:] = [METHODS[0]]
    run.run()
    assert not numpy.isnan(opened(run)["attributions"][METHODS[0]["name"]][:]).any()


def test_what_somebody_adds_with_zarr_python_is_kept_and_seen(sweep):
    run = sweep()
    run.run()
    store = opened(run, "r+")
    store.attrs["note"] = "for the paper"
    store.create_array("scores", data=numpy.arange(4.0))
    assert "Everything is there and sound" in told(run, "verify")
    run.run()
    assert opened(run).attrs["note"] == "for the paper"
    assert opened(run)["scores"][3] == 3.0
    # The root alone says whether all is written.
    assert "complete" not in opened(run)["attributions"].attrs["attrisweep"]
    assert opened(run).attrs["attrisweep"]["complete"] is True
    # A config that asks for more leaves them alone too.
    run.config["search_space"]["attribution_methods"] = METHODS[:2]
    run.run()
    assert opened(run).attrs["note"] == "for the paper" and "scores" in opened(run)


def test_a_store_without_any_metadata_is_told_as_that(sweep):
    run = sweep()
    run.run()
    (store,) = run.stores()
    for file in store.rglob("zarr.json"):
        file.unlink()
    for done in (run.run(code=4).stderr, told(run, "verify", 7), told(run, "status")):
        assert f"`{store / 'zarr.json'}` is not usable: it is missing, as is its copy below `attributions`, and shards are there" in done
    shutil.rmtree(store)
    run.run()


def test_a_store_of_the_reference_scripts_is_left_alone_and_the_other_groups_are_computed(sweep):
    run = sweep()
    run.config["search_space"]["noise_conditions"] = NOISES[:2]
    run.config["search_space"]["attribution_methods"] = [METHODS[0]]
    theirs = run.output / f"dataset-rgb_model-resnet18_noise-{NOISES[0]['name']}_split-test.zarr"
    root = zarr.open_group(theirs, mode="w", attributes={"data_flag": "rgb", "model_flag": "resnet18", "zarr_version": 3})
    root.create_array("images", data=numpy.zeros((4, 3, 28, 28), "float32"))
    root.create_group("attributions").create_array("Saliency", data=numpy.ones((4, 3, 28, 28), "float16"))
    before = {file: file.read_bytes() for file in theirs.rglob("*") if file.is_file()}
    sentence = f"`{theirs}` is a Zarr store of another program: it is left alone, and its group is not computed"
    assert sentence in run.run("--check").stderr
    done = run.run()
    assert sentence in done.stdout + done.stderr
    assert len(run.stores()) == 2 and "Wrote 24 attribution maps" in done.stdout
    assert sentence in told(run, "status") and sentence in told(run, "verify", 7)
    assert {file: file.read_bytes() for file in theirs.rglob("*") if file.is_file()} == before


def test_a_store_that_was_packed_into_a_zip_is_named_by_every_command_and_not_computed_beside(sweep):
    run = sweep()
    run.run()
    (store,) = run.stores()
    packed = pathlib.Path(shutil.make_archive(str(store), "zip", store))
    assert "Nothing was left to compute" in run.run().stdout
    shutil.rmtree(store)
    sentence = f"`{packed}` is a Zarr store in a zip: it is left alone, and its group is not computed"
    for done in (run.run("--check").stderr, run.run().stderr, told(run, "status"), told(run, "verify", 7)):
        assert sentence in done
    assert packed.is_file() and not run.stores()


def test_a_store_that_holds_nothing_stands_in_nobodys_way(sweep):
    run = sweep()
    run.run()
    (store,) = run.stores()
    for shard in store.rglob("c.*"):
        shard.unlink()
    run.config["seed"] = 5
    run.run()
    assert opened(run).attrs["attrisweep"]["fingerprint"]["seed"] == 5
    run.config["seed"] = 6
    assert "seed is 5 in the store and 6 in the config" in run.run(code=4).stderr
