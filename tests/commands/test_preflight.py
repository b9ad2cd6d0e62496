"""`preflight` finds batches that are fast and fit, survives what probes die of, and sweeps use and correct what it found."""

import json
import pathlib
import re
import signal
import subprocess
import sys

import pytest
from support import METHODS, PREFLIGHT, STAND_INS, WORKER, alive, asked, children, kill, make_dataset, wait_for
from support.sweep import noisy

DEEP_LIFT = {"name": "DeepLIFT", "class": "DeepLift", "params": {"baselines": "zero"}}
MIB = 1 << 20


@pytest.fixture
def flight(sweep):
    """A small sweep, and preflight on it."""

    def make(methods=(METHODS[0], DEEP_LIFT), **options):
        run = sweep(**{"devices": {"cpu": 1}, "store": {"shard": 24}, **options})
        run.config["search_space"]["attribution_methods"] = list(methods)
        return run

    return make


def command(run, *arguments):
    return [PREFLIGHT, "--config", run.file, *arguments]


def preflight(run, *arguments, code=0):
    done = subprocess.run(command(run, *arguments), capture_output=True, text=True, timeout=300)
    assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def results(run):
    return json.loads((run.output / "preflight_results.json").read_text())


def entries(run):
    """What the profile says of each variant."""
    found = json.loads((run.output / "preflight_profile.json").read_text())["entries"]
    assert len({entry["of"]["key"] for entry in found}) == len(found)
    return {entry["of"]["key"]: entry for entry in found}


def log(run):
    return "".join(path.read_text() for path in sorted((run.folder / "logs").glob("*.log")))


def test_batches_fit_the_memory_and_a_sweep_with_them_never_runs_out(flight):
    run = flight(memory="380MiB")
    done = preflight(run)
    found = entries(run)
    assert results(run) == {"resnet18": {key: entry["batch"] for key, entry in found.items()}}
    assert found.keys() == {"Saliency", "DeepLIFT_baselines_zero"}
    for entry in found.values():
        assert entry["bytes"]["base"] + entry["bytes"]["per_image"] * entry["batch"] < 380 * MIB
        assert 1 <= entry["batch"] <= 24 and entry["images_per_second"] > 0 and entry["by"] == "preflight"
    processes, bisection = map(int, re.search(r"(\d+) processes and \d+ sizes of a batch. Bisection .* takes (\d+) processes", done.stdout).groups())
    assert 3 * processes <= bisection
    run.run()
    assert run.granted() == {key: str(entry["batch"]) for key, entry in found.items()}
    assert "out of memory" not in log(run)
    # Only what is missing is measured, and what was found for more memory than there is.
    assert "0 batch sizes found, 0 known before, 2 not found" in preflight(run, "--memory", "300MiB", code=1).stdout
    assert "0 batch sizes found, 2 known before" in preflight(run).stdout
    run.config["search_space"]["attribution_methods"].append(METHODS[1])
    assert "1 batch sizes found, 2 known before" in preflight(run).stdout


def first_probe(folder, does, once=True):
    """A worker, the first probe of which (or each) does something else before it begins: a line of shell, which has the place of a file `once`."""
    worker, mark = folder / "worker", folder / "once"
    first = f'[ ! -e {mark} ]' if once else "true"
    worker.write_text(f'#!/bin/sh\nif [ "$1" = probe ] && {first}; then touch {mark}; {does}; fi\nexec {WORKER} "$@"\n')
    worker.chmod(0o755)
    return ("--worker", str(worker)), mark


@pytest.mark.parametrize(("sent", "words"), [("KILL", "was killed (signal 9"), ("STOP", "no answer within 6 s: the worker was ended"), ("ABRT", "ended by signal 6")])
def test_a_probe_that_dies_or_hangs_costs_one_process(flight, tmp_path, sent, words):
    run = flight()
    worker, _ = first_probe(tmp_path, f"kill -{sent} $$")
    done = preflight(run, "--stillness", "6", *worker)
    assert words in done.stderr and "it is tried again" in done.stderr, done.stderr
    assert "2 batch sizes found" in done.stdout and results(run)["resnet18"].keys() == {"Saliency", "DeepLIFT_baselines_zero"}


def test_a_probe_that_no_signal_ends_is_left_behind_and_the_rest_goes_on(flight, tmp_path, monkeypatch):
    worker, _ = first_probe(tmp_path, f"exec {sys.executable} {STAND_INS}/stuck.py")
    tracer = tmp_path / "tracer"
    monkeypatch.setenv("STUCK", str(tracer))
    run = flight()
    try:
        done = preflight(run, "--stillness", "6", *worker, code=1)
    finally:
        kill(int(tracer.read_text()))
    assert "Saliency: batch 4: the worker gave no answer, was killed, and has not ended 10 s later" in done.stdout, done.stdout
    assert "1 batch sizes found, 0 known before, 1 not found" in done.stdout
    assert results(run)["resnet18"].keys() == {"DeepLIFT_baselines_zero"}


def held(run):
    """Bytes that a worker holds before its next batch, once it has computed each of the variants."""
    space = run.config["search_space"]
    request = {"model": "resnet18", "weights": str(next(pathlib.Path(run.config["paths"]["medmnist_weights_root"]).rglob("weights_rgb/resnet18_28_*")))}
    request |= {"data": run.config["paths"]["medmnist_data_root"], "dataset": "rgb", "split": "test", "size": 28, "images": 4, "mean": None, "repeats": 1, "maps": None}
    request["numerics"] = {"seed": 0, "precision": "float32", "dtype": "float16", "fold_batch_norm": False}
    requests = [{**request, "variants": [variant]} for variant in asked(space["attribution_methods"], "exact", 4)]
    text = "".join(json.dumps(request) for request in [*requests, requests[0]])
    done = subprocess.run([WORKER, "probe", "--device", "cpu", "--threads", "1"], input=text, capture_output=True, text=True, check=True)
    return [json.loads(line)["base"] for line in done.stdout.splitlines()]


def test_a_sweep_whose_variants_fit_one_by_one_but_not_all_together_is_computed_to_the_end(flight):
    """Each makes something of the weights for itself, which a worker keeps as long as there is memory for it."""
    ablation = {"name": "FA", "class": "FeatureAblation", "params": {"patch_size": 14}}
    run = flight([METHODS[0], ablation], store={"shard": 4})
    loaded, *_, all_of_them = held(run)
    assert all_of_them - loaded > 60 * MIB, "of 45 MiB of weights"
    # Preflight leaves 32 MiB for images and maps in flight: of these layouts, 66 MiB, the larger one fits by itself.
    run.config["memory"] = all_of_them - 2 * MIB
    done = preflight(run)
    assert "2 batch sizes found" in done.stdout and " 1 processes" in done.stdout, done.stdout
    run.run()
    assert "is given back" in log(run) and "half of it" not in log(run) and " failed unit=" not in log(run)


def test_a_model_that_does_not_fit_is_told_and_the_rest_goes_on(flight):
    run = flight([METHODS[0]], models=("resnet18", "vit_cifar"), memory="260MiB")
    done = preflight(run, code=1)
    assert "resnet18 Saliency: one image at once does not fit: the worker may hold 260 MiB, and images and maps in flight take " in done.stdout, done.stdout
    assert results(run).keys() == {"vit_cifar"}


def test_memory_that_images_in_flight_use_up_is_told_before_anything_is_started(flight):
    run = flight([METHODS[0]], memory="2MiB")
    done = preflight(run, code=1)
    assert "there is no room for a model: the worker may hold 2 MiB" in done.stdout
    assert "0 processes" not in done.stdout and not (run.output / "preflight_results.json").exists()


@pytest.mark.parametrize("text", ["", "{", '{"version": 7, "entries": []}', '{"version": 1, "entries": [{"batch": 1e99}]}'])
def test_a_damaged_profile_is_told_put_aside_and_made_anew(flight, text):
    run = flight([METHODS[0]])
    run.output.mkdir()
    (run.output / "preflight_profile.json").write_text(text)
    done = preflight(run)
    assert "preflight_profile.json` cannot be used (" in done.stderr
    assert entries(run).keys() == {"Saliency"}
    assert (run.output / "preflight_profile.json.damaged").read_text() == text


def test_damaged_results_are_told_put_aside_and_made_anew(flight):
    run = flight([METHODS[0]])
    run.output.mkdir()
    (run.output / "preflight_results.json").write_text('{"resnet18": {"Saliency": 7')
    assert "preflight_results.json` cannot be used (" in preflight(run).stderr
    assert results(run)["resnet18"].keys() == {"Saliency"}
    assert (run.output / "preflight_results.json.damaged").read_text() == '{"resnet18": {"Saliency": 7'


def test_a_margin_is_remembered_and_another_one_is_measured_with(flight):
    run = flight([METHODS[0]])
    assert "1 batch sizes found" in preflight(run, "--margin", "40").stdout
    assert entries(run)["Saliency"]["margin"] == 0.4
    for arguments in (["--margin", "40"], []):
        assert "0 batch sizes found, 1 known before" in preflight(run, *arguments).stdout
    assert "1 batch sizes found" in preflight(run, "--margin", "10").stdout
    assert entries(run)["Saliency"]["margin"] == 0.1


def test_what_was_measured_on_something_else_is_measured_again(flight):
    run = flight([METHODS[0]])
    preflight(run)
    path = run.output / "preflight_profile.json"
    for change in ({"program": "attrisweep 0.0.1"}, {"libtorch": "1.0"}, {"of": {"device": "another"}}, {"of": {"weights": 1}}, {"of": {"precision": "float64"}}):
        profile = json.loads(path.read_text())
        (entry,) = profile["entries"]
        of = {**entry["of"], **change.get("of", {})}
        path.write_text(json.dumps({**profile, "entries": [{**entry, **change, "of": of}]}))
        assert "1 batch sizes found, 0 known before" in preflight(run).stdout, change
        current = [entry for entry in json.loads(path.read_text())["entries"] if entry["by"] == "preflight"]
        path.write_text(json.dumps({**profile, "entries": current[-1:]}))


def test_a_batch_that_does_not_fit_is_halved_the_unit_finished_and_the_profile_corrected(flight, tmp_path):
    make_dataset(tmp_path / "data", "rgb", 28, 128, splits=("test",))
    free = flight([DEEP_LIFT], batch_size=16, store={"shard": 128})
    free.config["paths"]["medmnist_data_root"] = str(tmp_path / "data")
    free.run()
    undisturbed = free.digests()
    # The model and what is around it take some 290 MiB, an image of the batch 0.6.
    tight = flight([DEEP_LIFT], memory="360MiB", store={"shard": 128})
    tight.config["paths"]["medmnist_data_root"] = str(tmp_path / "data")
    tight.output = tmp_path / "tight"
    tight.config["paths"]["final_output_dir"] = str(tight.output)
    tight.output.mkdir()
    (tight.output / "preflight_results.json").write_text(json.dumps({"resnet18": {"DeepLIFT_baselines_zero": 128}}))
    told = tight.run().stderr
    assert "memory ran out, and the batch is another one now" in told
    assert tight.digests() == undisturbed
    (entry,) = entries(tight).values()
    assert entry["batch"] < 128 and (entry["bound"], entry["by"]) == ("memory", "sweep")
    assert entry["bytes"]["base"] > 200 * MIB and entry["bytes"]["per_image"] > 0 and entry["images_per_second"] > 0


def test_without_a_profile_batches_grow_and_what_was_learned_is_kept(flight):
    run = flight([DEEP_LIFT], store={"shard": 24})
    run.config["search_space"]["splits"] = ["train", "val", "test"]
    run.run()
    assert run.granted(0) == {"DeepLIFT_baselines_zero": "4+"}
    (entry,) = entries(run).values()
    assert entry["by"] == "sweep" and entry["batch"] >= 4 and entry["images_per_second"] > 0
    assert entry["bytes"]["base"] > 200 * MIB


def test_the_scheduler_probes_first_where_the_config_asks_for_it(flight):
    run = flight(preflight_check={"enabled": True, "subset_size": 512, "start_batch_size": 512, "binary_search_depth": 4})
    told = run.run().stderr
    assert "Saliency: " in told and "images at once" in told
    assert run.granted() == {key: str(entry["batch"]) for key, entry in entries(run).items()}


def test_what_a_user_has_measured_counts_before_a_sweep_until_it_is_proven_wrong(flight):
    run = flight(preflight_check={"enabled": True})
    run.output.mkdir()
    file = run.output / "preflight_results.json"
    file.write_text('{"resnet18": {"Saliency": 1024}}')
    told = run.run("--limit", "2").stderr
    # The other one is measured, of as many images as there are.
    assert "DeepLIFT_baselines_zero: 2 images at once (a whole shard)" in told and "Saliency: " not in told, told
    assert results(run)["resnet18"] == {"Saliency": 1024, "DeepLIFT_baselines_zero": 2}
    # That was the limit's doing.
    assert "DeepLIFT_baselines_zero: 2 images" not in run.run().stderr
    assert results(run)["resnet18"]["Saliency"] == 1024 and results(run)["resnet18"]["DeepLIFT_baselines_zero"] > 2
    assert run.granted()["Saliency"] == "1024"


def test_a_full_test_writes_and_reads_back_everything_and_leaves_nothing_behind(flight, tmp_path):
    run = flight([METHODS[0]], preflight_check={"enabled": True, "results_path": str(tmp_path / "known" / "results.json")})
    (tmp_path / "known").mkdir()
    known = {tmp_path / "known" / "results.json": '{"resnet18": {"Saliency": 7}}', tmp_path / "known" / "preflight_profile.json": '{"version": 1, "entries": []}'}
    for path, text in known.items():
        path.write_text(text)
    done = preflight(run, "--mode", "full_test", "--memory", "500MiB")
    assert {path: path.read_text() for path in (tmp_path / "known").iterdir()} == known
    assert list(run.output.iterdir()) == []
    assert "Saliency: " in done.stderr, "preflight was rehearsed too"


def test_a_full_test_that_is_told_to_stop_stops_its_sweep_and_leaves_nothing_behind(flight, tmp_path, fake_disk):
    """Its worker waits in the last group, in a folder that has the name of the process."""
    run, whose, worker = noisy(flight([METHODS[0]]), 2), tmp_path / "whose", tmp_path / "worker"
    held = f"{run.output}/.full_test-$(cat {whose})/dataset-rgb_model-resnet18_noise-n1_split-test.zarr/attributions/{METHODS[0]['name']}/.c."
    lines = f"until [ -s {whose} ]; do sleep 0.1; done; export LD_PRELOAD={fake_disk} FAKE_DISK_HOLD={tmp_path} FAKE_DISK_HELD={held}"
    worker.write_text(f'#!/bin/sh\n[ "$1" != run ] || {{ {lines}; }}\nexec {WORKER} "$@"\n')
    worker.chmod(0o755)
    process = subprocess.Popen(command(run, "--mode", "full_test", "--worker", worker), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    whose.write_text(str(process.pid))
    (scheduler,) = wait_for(lambda: children(process.pid))
    wait_for(lambda: list(run.output.rglob("attributions/*/c.*")))
    process.terminate()
    assert process.wait(timeout=120) == 130
    assert not alive(scheduler) and list(run.output.iterdir()) == []


def test_preflight_that_is_told_to_stop_says_what_stays(flight, tmp_path):
    run = flight()
    worker, begun = first_probe(tmp_path, "exec sleep 1000", once=False)
    process = subprocess.Popen(command(run, *worker, "--stillness", "1000"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(begun.exists)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=240)
    assert process.returncode == 130 and "interrupted; what was found stays" in told, told


def test_a_full_test_is_given_the_memory_and_the_gpu_that_are_asked_for(flight):
    run = flight([METHODS[0]])
    assert "class=OutOfMemory" in preflight(run, "--mode", "full_test", "--memory", "2MiB", code=1).stderr
    assert "GPU" in preflight(run, "--mode", "full_test", "--gpu-id", "999", code=5).stderr
    assert list(run.output.iterdir()) == []
