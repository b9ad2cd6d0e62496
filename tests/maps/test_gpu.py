"""What only a GPU can show. On a machine without one these tests are skipped."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
import zarr
from support import METHODS, ROOT, captum_maps, variants
from support.peers.parity import methods_with, torch_model

GIB = 1 << 30
# One after the other: they fill its memory.
pytestmark = [pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"), pytest.mark.xdist_group("gpu")]


def maps(run):
    """Every map of the only store."""
    (path,) = run.stores()
    store = zarr.open_group(path, mode="r")
    return {key: torch.from_numpy(store["attributions"][key][:].astype(np.float32)) for key in store["attributions"]}, store


@pytest.fixture
def exact():
    """PyTorch computes in single precision, and not in TF32, as it otherwise does in convolutions."""
    for backend in (torch.backends.cudnn, torch.backends.cuda.matmul):
        backend.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32 = True


@pytest.mark.parametrize(("arch", "layer"), [("resnet18", "layer4"), ("densenet121", "features.denseblock3"), ("vit_s_16", "conv_proj")])
def test_maps_are_captums_on_the_same_gpu(sweep, inputs, exact, arch, layer):
    run = sweep(size=64, models=[arch], store={"shard": 4, "dtype": "float32"}, limit=4, semantics="captum", devices="auto")
    run.config["search_space"]["attribution_methods"] = methods_with(layer)
    run.run()
    found, store = maps(run)
    model = torch_model(inputs, "rgb", 64, arch).cuda()
    images, logits = (torch.from_numpy(store[name][:]).cuda() for name in ("images", "model_predictions"))
    mean = torch.load(run.folder / "means" / "rgb_mean.pt", weights_only=True).cuda()
    with torch.no_grad():
        assert torch.allclose(model(images), logits, atol=1e-4)
    for method in methods_with(layer):
        for key, params in variants(method):
            theirs = captum_maps.maps(model, method["class"], params, images, logits.argmax(1), mean).cpu()
            error = (found[key] - theirs).abs().amax((1, 2, 3)) / theirs.abs().amax((1, 2, 3)).clamp_min(1e-12)
            cosine = torch.nn.functional.cosine_similarity(found[key].flatten(1), theirs.flatten(1))
            # Kernels differ in their last bits, and here and there a ReLU near zero flips.
            assert float(cosine.min()) > 0.999 and float(error.median()) < 1e-3, f"{key}: {error}, {cosine}"


def test_two_runs_have_the_same_bytes(sweep):
    run = sweep(size=64, devices="auto", limit=4)
    run.config["search_space"]["attribution_methods"] = METHODS + [{"name": "GradientShap", "class": "GradientShap", "params": {"n_samples": 4}}]
    run.run()
    first = run.digests()
    for store in run.stores():
        subprocess.run(["rm", "-r", store], check=True)
    run.run()
    assert {name: digest for name, digest in run.digests().items() if "/c/" in name} == {name: digest for name, digest in first.items() if "/c/" in name}


@pytest.mark.parametrize("precision", ["tf32", "bfloat16", "float16"])
def test_narrower_types_give_maps_that_are_alike(sweep, precision):
    occlusion = [{"name": "Occlusion", "class": "Occlusion", "params": {"patch_size": 16}}]
    of = {}
    for name in ("float32", precision):
        run = sweep(size=64, devices="auto", limit=4, precision=name)
        run.output = run.folder / name
        run.config["paths"]["final_output_dir"] = str(run.output)
        run.config["search_space"]["attribution_methods"] = occlusion
        run.run()
        of[name] = next(iter(maps(run)[0].values()))
    alike = torch.nn.functional.cosine_similarity(of["float32"].flatten(1), of[precision].flatten(1))
    assert 0.95 < float(alike.median()) and not torch.equal(of["float32"], of[precision])


class Neighbour:
    """Another user's process that holds the memory of the GPU, all but so many bytes."""

    def __init__(self, leaves):
        program = f"""
import sys, torch
free, _ = torch.cuda.mem_get_info()
held = torch.empty(free - {leaves}, dtype=torch.uint8, device="cuda")
print("there", flush=True)
sys.stdin.read()
"""
        self.process = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "there\n"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def test_a_batch_that_does_not_fit_beside_a_neighbour_is_halved_and_everything_is_written(sweep):
    run = sweep(size=64, models=["densenet121"], devices=[0], limit=6, store={"shard": 6}, batch_size=6)
    integrated = {"name": "IG", "class": "IntegratedGradients", "params": {"n_steps": 400}}
    run.config["search_space"]["attribution_methods"] = [integrated]
    with Neighbour(leaves=GIB):
        run.run()
    assert "half of it is tried" in (run.folder / "logs" / "worker-0.log").read_text()
    found, _ = maps(run)
    assert all(len(of_variant) == 6 and bool(of_variant.abs().sum() > 0) for of_variant in found.values())


def test_gpus_on_which_others_work_are_left_alone(sweep):
    run = sweep(devices="auto", limit=4)
    with Neighbour(leaves=8 * GIB):
        done = subprocess.run(run.command(), capture_output=True, text=True, timeout=120)
    assert done.returncode != 0 and re.search("busy|others|in use", done.stderr), done.stderr
    assert not run.stores()


def test_preflight_measures_the_gpu_and_a_sweep_takes_its_batches(sweep):
    run = sweep(size=64, devices="auto", limit=6, store={"shard": 6})
    done = subprocess.run([str(ROOT / "target" / "debug" / "preflight"), "--config", str(run.file)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    profile = json.loads((run.output / "preflight_profile.json").read_text())
    assert {entry["of"]["device"] for entry in profile["entries"]} == {torch.cuda.get_device_name()}
    run.run()
    assert not any("+" in batch for batch in run.granted().values())
