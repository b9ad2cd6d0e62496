"""Shards that are split into pieces, so that every device has something to do: all of few, and the last ones of many."""

import re
import shutil

from support import METHODS, log, wait_for

OCCLUSION = {"name": "Occlusion", "class": "Occlusion", "params": {"patch_size": 7}}
SHAP = {"name": "GradientShap", "class": "GradientShap", "params": {"n_samples": [4, 8]}}


def one_shard(sweep, **options):
    run = sweep(store={"shard": 8}, limit=6, **options)
    run.config["search_space"]["attribution_methods"] = [*METHODS, OCCLUSION, SHAP]
    return run


def chunks(run):
    return {name: digest for name, digest in run.digests().items() if re.search(r"/c[./]", name)}


def done_by(run, worker):
    log = (run.folder / "logs" / f"worker-{worker}.log").read_text()
    return re.findall(r" done unit=\S+/(\S+)", log)


def test_one_shard_keeps_several_devices_busy_and_its_files_are_the_same(sweep, hold):
    run = one_shard(sweep, devices={"cpu": 3})
    # All devices are there before the first piece is done, for which all others wait.
    release = hold(run, "model_predictions")
    process = run.start()
    wait_for(lambda: log(run).count("worker connected") == 3)
    assert not run.maps()
    release()
    assert process.wait(timeout=300) == 0
    apart = chunks(run)
    done = [done_by(run, worker) for worker in range(3)]
    pieces = sorted(name for names in done for name in names)
    # Those of GradientShap are computed together.
    keys = {name.split("/attributions/")[1].split("/")[0] for name in apart if "/attributions/" in name} - {"GradientShap_n_samples_8"}
    assert pieces == sorted(["0:predictions", "means", *(f"0.{key}" for key in keys)])
    assert sum(any(name.startswith("0.") for name in names) for names in done) > 1, done
    (store,) = run.stores()
    shutil.rmtree(store)
    run.config["devices"] = "cpu"
    run.run()
    assert chunks(run) == apart and done_by(run, 0)[-2:] == ["0", "means"]


def test_a_split_sweep_goes_on_with_what_is_missing(sweep):
    run = one_shard(sweep, devices={"cpu": 2})
    run.run()
    before = chunks(run)
    (store,) = run.stores()
    for array in ("Occlusion_patch_size_7", "Saliency"):
        shutil.rmtree(store / "attributions" / array)
    run.run()
    # Logs are appended to.
    again = sorted(name for worker in range(2) for name in done_by(run, worker))
    assert again.count("0.Occlusion_patch_size_7") == 2 and again.count("0.Saliency") == 2 and again.count("0:predictions") == 1
    assert chunks(run) == before


def test_the_last_shards_of_many_are_split_by_variant_and_the_files_are_the_same(sweep):
    run = sweep(store={"shard": 3}, devices={"cpu": 2})
    integrated = {"name": "IG", "class": "IntegratedGradients", "params": {"n_steps": [2, 6]}}
    run.config["search_space"]["attribution_methods"] = [*METHODS, integrated, SHAP]
    run.run()
    apart = chunks(run)
    done = {name for worker in range(2) for name in done_by(run, worker)}
    assert {name for name in done if re.fullmatch(r"\d+", name)} == {"0", "1", "2", "3"}
    pieces = {name[1:] for name in done if name[0] in "4567"}
    shared = {":predictions", ":pass", ".IG_n_steps_2", ".IG_n_steps_6", ".GradientShap_n_samples_4"}
    assert shared <= pieces and not pieces & {".Saliency", ".GradientShap_n_samples_8"}, pieces
    (store,) = run.stores()
    shutil.rmtree(store)
    run.config["devices"] = "cpu"
    run.run()
    assert chunks(run) == apart
