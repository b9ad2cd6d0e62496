"""Inputs and runs for the tests of the whole: real processes, real libtorch, real Captum, real Zarr readers."""

import copy
import hashlib
import itertools
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import yaml

# Threads of these tests that wait leave the cores to the tests beside them. Read when torch is loaded; what they start, Captum in a
# benchmark or a scheduler, decides for itself.
SPIN = {} if "GOMP_SPINCOUNT" in os.environ else {"GOMP_SPINCOUNT": "2000"}
os.environ.update(SPIN)
# Where the worker keeps to a narrower width, so does torch, which Captum runs on: kernels of another width round otherwise, and a
# ReLU near zero may flip.
if os.environ.get("ATTRISWEEP_MAX_CPU_ISA") == "avx2":
    os.environ |= {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}
import torch
import torchvision

for name in SPIN:
    del os.environ[name]

ROOT = pathlib.Path(__file__).parent.parent
SCHEDULER = ROOT / "target" / "debug" / "scheduler"
WORKER = SCHEDULER.with_name("worker")
sys.path.insert(0, str(pathlib.Path(__file__).parent))
# With one, PyTorch takes convolutions of its own instead of oneDNN's: another rounding, and ReLUs near zero flip.
torch.set_num_threads(max(2, torch.get_num_threads()))

METHODS = [
    {"name": "Saliency", "class": "Saliency", "params": {}},
    {"name": "InputXGradient", "class": "InputXGradient", "params": {}},
    {"name": "GuidedBackprop", "class": "GuidedBackprop", "params": {}},
    {"name": "Deconvolution", "class": "Deconvolution", "params": {}},
    {"name": "IntegratedGradients", "class": "IntegratedGradients", "params": {"n_steps": [5, 12], "baselines": "zero"}},
]
# Every method that is a function of the image alone, beside those above; few patches, so that all of it is quick.
DETERMINISTIC = [
    {"name": "IG", "class": "IntegratedGradients", "params": {"n_steps": 7, "method": ["riemann_left", "riemann_right", "riemann_middle", "riemann_trapezoid"]}},
    {"name": "DeepLIFT", "class": "DeepLift", "params": {"baselines": ["global_mean", "zero"]}},
    {"name": "FeatureAblation", "class": "FeatureAblation", "params": {"patch_size": [14, 11]}},
    {"name": "Occlusion", "class": "Occlusion", "params": {"patch_size": 8, "baselines": "global_mean"}},
    {"name": "Occluded", "class": "Occlusion", "params": {"sliding_window_shapes": 9, "strides": 7}},
    {"name": "GradCam", "class": "LayerGradCam", "params": {"layer": "LAYER", "relu_attributions": False, "interpolate_mode": "nearest"}},
    {"name": "GuidedGradCam", "class": "GuidedGradCam", "params": {"layer": "LAYER"}},
]
NOISES = [
    {"name": "clean", "type": "none", "params": {}},
    {"name": "gaussian_std_0.15", "type": "gaussian", "params": {"std": 0.15}},
    {"name": "salt_pepper_amount_0.05", "type": "salt_pepper", "params": {"amount": 0.05}},
    {"name": "speckle_std_0.15", "type": "speckle", "params": {"std": 0.15}},
]


def variants(method):
    """Key and parameters of everything that one item of `attribution_methods` stands for."""
    names = list(method["params"])
    lists = [value if isinstance(value, list) else [value] for value in method["params"].values()]
    for values in itertools.product(*lists):
        params = dict(zip(names, values))
        yield "_".join([method["name"], *(f"{name}_{params[name]}" for name in sorted(params))]), params


def asked(methods, semantics, batch):
    """`methods` of a config as `worker probe` takes variants."""
    names = {"semantics": semantics, "batch": batch}
    return [{"key": key, "class": method["class"], "parameters": params, **names} for method in methods for key, params in variants(method)]


def make_images(n, size, channels, seed):
    """Smooth random images with some grain: gradients of every sign, pixels of every value."""
    rng = np.random.default_rng(seed)
    coarse = torch.from_numpy(rng.random((n, channels, size // 7, size // 7), dtype=np.float32))
    grain = torch.from_numpy(rng.random((n, channels, size, size), dtype=np.float32))
    fine = torch.nn.functional.interpolate(coarse, size=size, mode="bicubic") * 0.9 + grain * 0.1
    pixels = (fine.clamp(0, 1) * 255).byte().permute(0, 2, 3, 1).numpy()
    return pixels[..., 0] if channels == 1 else pixels


def make_dataset(folder, flag, size, n, channels=3, splits=("train", "val", "test"), seed=0):
    name = f"{flag}.npz" if size == 28 else f"{flag}_{size}.npz"
    members = {}
    for index, split in enumerate(splits):
        members[f"{split}_images"] = make_images(n, size, channels, seed + index)
        members[f"{split}_labels"] = np.random.default_rng(index).integers(0, 4, (n, 1)).astype(np.uint8)
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / name, **members)


def architecture(arch, size, classes):
    """torchvision's model, or one of its class in another size."""
    if arch in ("vit_s_16", "vit_cifar"):
        patch, layers = (16, 12) if arch == "vit_s_16" else (4, 6)
        sizes = {"image_size": size, "patch_size": patch, "num_layers": layers, "num_heads": 6}
        return torchvision.models.VisionTransformer(**sizes, hidden_dim=384, mlp_dim=4 * 384, num_classes=classes)
    if arch == "vit_b_16":
        return torchvision.models.vit_b_16(num_classes=classes, image_size=size)
    if arch.startswith("vgg"):
        # torchvision's two hidden layers of 4096 are most of its weights; narrower ones load all the same.
        model = torchvision.models.get_model(arch, num_classes=classes)
        linear = torch.nn.Linear
        model.classifier[0], model.classifier[3], model.classifier[6] = linear(512 * 49, 96), linear(96, 64), linear(64, classes)
        return model
    return torchvision.models.get_model(arch, num_classes=classes)


def make_model(arch, size, classes=4, seed=0):
    """Random weights with the statistics of real images in its batch norms."""
    torch.manual_seed(seed)
    model = architecture(arch, size, classes).train()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        if isinstance(module, torchvision.models.VisionTransformer):
            # Zero in a new model: all logits would be equal.
            torch.nn.init.normal_(module.heads.head.weight, std=0.1)
    side = size if arch.startswith("vit") else 64
    with torch.no_grad():
        for _ in range(3):
            model(torch.rand(8, 3, side, side) * 2 - 1)
    return model.eval()


def make_weights(folder, flag, arch, size, **options):
    path = folder / f"weights_{flag}" / f"{arch}_{size}_1.pth"
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"net": make_model(arch, size, **options).state_dict()}, path)
    return path


def compiled(source, library):
    """The shared library of a C file beside the tests, which stands in for one of the machine's."""
    command = ["cc", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", library, ROOT / "tests" / source, "-ldl"]
    subprocess.run(command, check=True)
    return library


def wait_for(what, seconds=120):
    """What `what` gives as soon as that is anything."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(0.02)
    raise AssertionError(f"{seconds} s are over")


def children(pid):
    """Processes that `pid` has started and that are its own."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout
    return [int(child) for child in listed.split()]


def alive(pid):
    """Whether it computes or waits: one that has ended and that nobody has asked about does not."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def has_argument(pid, argument):
    """The id of a process that died may be somebody else's by now."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as line:
            return os.fsencode(argument) in line.read().split(b"\0")
    except OSError:
        return False


def has_variable(pid, name, value):
    """Whether the process is there, with this in its environment."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as environment:
            return os.fsencode(f"{name}={value}") in environment.read().split(b"\0")
    except OSError:
        return False


def kill(pid):
    """SIGKILL; whether there was anybody."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


class Sweep:
    """A config in a folder of its own, and runs of the scheduler on it."""

    def __init__(self, folder, inputs, flag="rgb", size=28, models=("resnet18",), **top):
        self.folder = folder
        self.output = folder / "out"
        self.config = {
            "paths": {
                "medmnist_weights_root": str(inputs / "weights"),
                "medmnist_data_root": str(inputs / "data"),
                "scheduler_log_dir": str(folder / "logs"),
                "final_output_dir": str(self.output),
                "means_dir": str(folder / "means"),
            },
            "search_space": {
                "data_flags": [flag],
                "model_flags": list(models),
                "splits": ["test"],
                "image_size": size,
                "noise_conditions": copy.deepcopy(NOISES[:1]),
                "attribution_methods": copy.deepcopy(METHODS),
            },
            "devices": {"cpu": 2},
            "store": {"shard": 4},
            **top,
        }

    @property
    def file(self):
        path = self.folder / "config.yml"
        text = yaml.safe_dump(self.config, sort_keys=False)
        # A scheduler that has just been started may be reading it.
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
        return path

    def command(self, *arguments):
        return [str(SCHEDULER), "--config", str(self.file), *arguments]

    def run(self, *arguments, code=0, **options):
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=300, **options)
        assert done.returncode == code, f"exit code {done.returncode}, expected {code}\n{done.stdout}\n{done.stderr}"
        return done

    def start(self, *arguments, **options):
        return subprocess.Popen(self.command(*arguments), **{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **options})

    def maps(self):
        """Files of maps that are there."""
        return list(self.output.rglob("attributions/*/c.*"))

    def granted(self, index=-1):
        """The batch of each variant as it was granted last; those that are guesses have a `+`."""
        told = re.findall(r'sizes="(.*)"', (self.folder / "logs" / "scheduler.log").read_text())
        return dict(pair.split("=") for pair in told[index].split())

    def stores(self):
        return sorted(self.output.glob("*.zarr"))

    def digests(self):
        """SHA-256 of every file of every store, by path: what "the same bytes" means."""
        files = [path for path in self.output.rglob("*") if path.is_file() and ".zarr/" in str(path)]
        return {str(path.relative_to(self.output)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="session")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    make_dataset(folder / "data", "rgb", 28, 24)
    make_dataset(folder / "data", "grey", 28, 6, channels=1)
    make_dataset(folder / "data", "rgb", 64, 6)
    models = [("rgb", "resnet18", 28), ("grey", "resnet18", 28), ("rgb", "resnet18", 64), ("rgb", "resnet50", 64)]
    models += [("rgb", "densenet121", 64), ("rgb", "vgg11_bn", 64), ("rgb", "vit_s_16", 64), ("rgb", "vit_cifar", 28)]
    for flag, arch, size in models:
        make_weights(folder / "weights", flag, arch, size)
    return folder


@pytest.fixture
def sweep(tmp_path, inputs):
    def make(**options):
        return Sweep(tmp_path, inputs, **options)

    return make


@pytest.fixture(scope="session")
def fake_disk(tmp_path_factory):
    return compiled("fake_disk.c", tmp_path_factory.mktemp("disk") / "disk.so")


@pytest.fixture
def hold(tmp_path, fake_disk, monkeypatch):
    """Keeps a sweep from being over before a test has looked: its workers wait where they would write maps of the last of its
    variants in its last group, until what this gives is called."""
    gate = tmp_path / "held"

    def begin(run):
        space = run.config["search_space"]
        *_, (key, _) = variants(space["attribution_methods"][-1])
        store = f"dataset-{space['data_flags'][-1]}_model-{space['model_flags'][-1]}_noise-{space['noise_conditions'][-1]['name']}_split-test.zarr"
        gate.touch()
        for name, value in {"LD_PRELOAD": fake_disk, "FAKE_DISK_HOLD": gate, "FAKE_DISK_HELD": run.output / store / "attributions" / key / ".c."}.items():
            monkeypatch.setenv(name, str(value))
        return lambda: gate.unlink(missing_ok=True)

    yield begin
    gate.unlink(missing_ok=True)
