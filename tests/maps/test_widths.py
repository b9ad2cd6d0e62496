"""The same maps on every kind of processor: narrower registers, kernels that are wrong, devices of two kinds in one sweep."""

import json
import os
import platform
import subprocess

import numpy as np
import pytest
import torch
import zarr
from support import DETERMINISTIC, METHODS, SCHEDULER, WORKER, captum_maps, compiled, variants, wait_for
from support.peers.parity import torch_model

FLAGS = next((line.split() for line in open("/proc/cpuinfo") if line.startswith("flags")), [])
WIDEST = "avx512" if "avx512f" in FLAGS else "avx2" if "avx2" in FLAGS else "none"
needs_kernels = pytest.mark.skipif(WIDEST == "none", reason="this processor has neither AVX-512 nor AVX2")
# Where registers are of one width alone, the other kind of device computes without our kernels.
OTHER = "avx2" if WIDEST == "avx512" else "none"
PATHS = {"avx512": "lowered", "avx2": "lowered", "none": "plain"}


def makers(store):
    attributes = json.loads((store / "zarr.json").read_text())["attributes"]["attrisweep"]
    return [{name: maker.get(name) for name in ("isa", "path")} for maker in attributes["computed_by"]]


def maps(store):
    return {key: array[:].astype(np.float32) for key, array in zarr.open_group(store, mode="r")["attributions"].arrays()}


def apart(found, expected):
    """The length of the difference of two maps, of that of the second; of each image."""
    length = lambda values: np.sqrt((values.astype(np.float64) ** 2).sum((1, 2, 3)))
    return length(found - expected) / np.maximum(length(expected), 1e-30)


def of_methods(run):
    run.config["search_space"]["attribution_methods"] = [*METHODS, DETERMINISTIC[2], DETERMINISTIC[3]]
    return run


@pytest.mark.parametrize("isa", ["avx512", "avx2", "none"])
def test_a_store_says_what_computed_it_and_every_width_gives_the_same_maps(sweep, isa, monkeypatch):
    if isa == "avx512" and WIDEST != "avx512" or isa == "avx2" and WIDEST == "none":
        pytest.skip(f"this processor has {WIDEST}, not {isa}")
    run = of_methods(sweep(limit=7, store={"dtype": "float32"}))
    run.run()
    (store,) = run.stores()
    expected = maps(store)
    assert makers(store) == [{"isa": WIDEST, "path": PATHS[WIDEST]}]
    run.output = run.folder / "narrow"
    monkeypatch.setenv("ATTRISWEEP_MAX_CPU_ISA", isa)
    run.run("--output", str(run.output))
    (store,) = run.stores()
    assert makers(store) == [{"isa": isa, "path": PATHS[isa]}]
    found = maps(store)
    assert found.keys() == expected.keys()
    for key in found:
        # Kernels of another width add in another order, and a ReLU near zero may be open in one of them alone.
        assert apart(found[key], expected[key]).max() < 0.05, key
        assert np.median(apart(found[key], expected[key])) < 1e-3, key


# Passes forward, by the gradient, by another rule, and of hidden windows.
OF_EACH_BATCH = [
    ("Saliency", {}),
    ("IntegratedGradients", {"n_steps": 3, "baselines": "zero"}),
    ("DeepLift", {"baselines": "zero"}),
    ("Occlusion", {"sliding_window_shapes": 9, "strides": 9}),
]


@pytest.mark.parametrize("threads", [1, 2])
def test_maps_of_every_batch_from_1_to_17_images_are_captums(sweep, inputs, threads):
    run = sweep(limit=24, store={"dtype": "float32", "shard": 24}, devices={"cpu": 1}, threads=threads, semantics="captum")
    # Of 24 images a batch of most sizes leaves a rest, which is a batch of another size.
    batches = {f"{name}.{batch}": (name, params, batch) for batch in range(1, 18) for name, params in OF_EACH_BATCH}
    methods = [{"name": key, "class": name, "params": params} for key, (name, params, _) in batches.items()]
    run.config["search_space"]["attribution_methods"] = methods
    keys = {next(variants(method))[0]: batches[method["name"]] for method in methods}
    sizes = run.folder / "sizes.json"
    sizes.write_text(json.dumps({"resnet18": {key: batch for key, (*_, batch) in keys.items()}}))
    run.config["preflight_check"] = {"results_path": str(sizes)}
    run.run()
    assert {key: int(size) for key, size in run.granted().items()} == {key: batch for key, (*_, batch) in keys.items()}
    (store,) = run.stores()
    width = os.environ.get("ATTRISWEEP_MAX_CPU_ISA", WIDEST)
    assert makers(store) == [{"isa": width, "path": PATHS[width]}]
    images, logits = (torch.from_numpy(zarr.open_group(store, mode="r")[name][:]) for name in ("images", "model_predictions"))
    model, targets, found = torch_model(inputs, "rgb", 28, "resnet18"), logits.argmax(1), maps(store)
    theirs = {name: captum_maps.maps(model, name, params, images, targets, None, 8).numpy() for name, params in OF_EACH_BATCH}
    assert found.keys() == keys.keys()
    for key, (name, *_) in keys.items():
        peak = np.abs(theirs[name]).max((1, 2, 3), keepdims=True)
        # What is left of two logits after their subtraction has the rounding of the logits.
        error = np.maximum(np.abs(found[key] - theirs[name]) - 1e-6 * float(logits.abs().max()), 0) / peak
        assert error.max() < (1e-5 if width == "avx512" else 3e-5), f"{key}: {error.max((1, 2, 3))}"


@pytest.mark.parametrize("sizes", ["1", "2", "whole"])
def test_hidden_windows_have_the_same_maps_in_boxes_of_a_cpu_that_plays_a_gpu(sweep, sizes, monkeypatch):
    windows = [{"class": "FeatureAblation", "params": {"patch_size": 8}}, {"class": "Occlusion", "params": {"sliding_window_shapes": "1x9x9", "strides": 9}}]
    run = sweep(limit=5, size=64, store={"dtype": "float32"}, batch_size=3)
    run.config["search_space"]["attribution_methods"] = [{"name": method["class"], **method} for method in windows]
    run.run()
    expected = maps(run.stores()[0])
    run.output = run.folder / "emulated"
    monkeypatch.setenv("ATTRISWEEP_EMULATE_GPU", "1")
    monkeypatch.setenv("ATTRISWEEP_BOX_SIZES", sizes)
    run.run("--output", str(run.output))
    (store,) = run.stores()
    assert makers(store) == [{"isa": WIDEST, "path": "plain" if WIDEST == "none" else "lowered"}]
    found = maps(store)
    assert found.keys() == expected.keys() and len(found) == 2
    for key in found:
        assert np.abs(found[key] - expected[key]).max() < 3e-4 * np.abs(expected[key]).max(), key


@pytest.mark.skipif(platform.machine() != "x86_64", reason="libtorch has MKL on x86 alone")
def test_kernels_of_libraries_for_processors_of_another_maker_give_the_same_maps(sweep, tmp_path):
    run = sweep(models=("vit_cifar",), limit=4, store={"dtype": "float32"})
    run.run()
    expected = maps(run.stores()[0])
    run.output = run.folder / "other"
    other = compiled("other_maker.c", tmp_path / "other_maker.so")
    run.run("--output", str(run.output), env={**os.environ, "LD_PRELOAD": str(other)})
    found = maps(run.stores()[0])
    # Were all bits the same, no other kernel would have run.
    assert any((found[key] != expected[key]).any() for key in found)
    for key in found:
        # There is no ReLU in it that may flip. Single precision's sums of hundreds of products, layer after layer.
        assert apart(found[key], expected[key]).max() < 1e-3, key


@needs_kernels
def test_devices_of_two_widths_share_a_store_whose_maps_verify_takes_for_its_own(sweep, tmp_path, hold):
    worker = tmp_path / "worker"
    # Of the devices that are asked for units, the second one is of another kind.
    other = f'if [ "$1" = run ] && ! mkdir {tmp_path}/first 2>/dev/null; then export ATTRISWEEP_MAX_CPU_ISA={OTHER}; fi'
    worker.write_text(f'#!/bin/sh\n{other}\nexec {WORKER} "$@"\n')
    worker.chmod(0o755)
    run = of_methods(sweep(limit=24, store={"shard": 2}))
    release = hold(run)
    process = run.start("--worker", str(worker))
    # Each waits in its first unit: none does the work of both.
    wait_for(lambda: len(list(tmp_path.glob("held.*"))) == 2)
    release()
    assert process.wait(timeout=240) == 0
    (store,) = run.stores()
    assert sorted(maker["isa"] for maker in makers(store)) == sorted([WIDEST, OTHER])
    done = subprocess.run([SCHEDULER, "verify", "--config", run.file], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    of_one = of_methods(sweep(limit=24, store={"shard": 2}))
    of_one.output = run.folder / "one"
    of_one.run("--output", str(of_one.output))
    for key, found in maps(store).items():
        assert apart(found, maps(of_one.stores()[0])[key]).max() < 0.05, key


@needs_kernels
@pytest.mark.parametrize(("isa", "first"), [(WIDEST, 2), (WIDEST, 3), ("avx2", 3)])
def test_a_kernel_that_is_wrong_is_found_by_the_worker_whose_maps_are_then_plain(sweep, tmp_path, isa, first, monkeypatch):
    monkeypatch.setenv("ATTRISWEEP_MAX_CPU_ISA", isa)
    run = of_methods(sweep(limit=7, store={"dtype": "float32"}, devices={"cpu": 1}))
    run.run()
    expected = maps(run.stores()[0])
    run.output = run.folder / "broken"
    broken = {"LD_PRELOAD": compiled("broken_kernel.c", tmp_path / "broken.so"), "BROKEN_KERNEL_FROM": str(first)}
    done = run.run("--output", str(run.output), env={**os.environ, **{name: str(value) for name, value in broken.items()}})
    assert "the fused kernels of this processor are not used (" in done.stdout
    assert ": they disagree with plain operations: logits of 1 of" in done.stdout
    assert "several times the cost; what was written is right" in done.stdout
    (store,) = run.stores()
    assert {"isa": isa, "path": "plain"} in makers(store)
    for key, found in maps(store).items():
        assert np.abs(found - expected[key]).max() < 1e-4 * np.abs(expected[key]).max(), key


@needs_kernels
def test_two_workers_that_begin_together_prove_each_pass_once(sweep, tmp_path):
    run = of_methods(sweep(limit=24, store={"shard": 2}))
    run.run(env={**os.environ, "ATTRISWEEP_CACHE": str(tmp_path / "cache")})
    # Whoever proves a pass adds the name of the pass to the file of the model.
    (file,) = (tmp_path / "cache" / "proofs").iterdir()
    lines = [line for line in file.read_text().splitlines() if line]
    # Whose gradient is proved, its pass forward is, too: each worker notes that for itself, and proves nothing.
    proved = sorted(line for line in lines if not line.startswith("forward (traced)"))
    assert len(proved) > 5 and len(proved) == len(set(proved)), proved


@pytest.mark.parametrize(("name", "expected"), [("ATTRISWEEP_MAX_CPU_ISA", "expected avx512, avx2 or none"), ("ATTRISWEEP_FILL_MEMORY", "expected nan, or nothing"), ("ATTRISWEEP_BOX_SIZES", "expected whole, 1 or 2"), ("ATTRISWEEP_EMULATE_GPU", "expected 1, or nothing")])
def test_a_variable_that_says_what_is_not_known_is_told(sweep, name, expected):
    done = sweep(limit=1).run(code=5, env={**os.environ, name: "sse9"})
    assert f"{name}=sse9, {expected}" in done.stdout + done.stderr
