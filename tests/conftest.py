"""Inputs and runs for the tests of the whole: real processes, real libtorch, real Captum, real Zarr readers."""

import pytest

pytest.register_assert_rewrite("support")
from support import Sweep, compiled, make_dataset, make_weights, variants  # noqa: E402
from support.peers.exported import program  # noqa: E402, F401
from support.faults import disturbed, small_disk, undisturbed  # noqa: E402, F401
from support.faults.disks import disk, small_inputs  # noqa: E402, F401
from support.stand_ins.machines.cable import cable  # noqa: E402, F401
from support.stand_ins.machines.environment import wheel  # noqa: E402, F401
from support.stand_ins.machines.missing import pytest_configure, pytest_terminal_summary  # noqa: E402, F401
from support.stand_ins.slurm import slurm  # noqa: E402, F401
from support.stand_ins.machines.sshd import sshd  # noqa: E402, F401


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
    variants in its last group, or another `array` of that group, until what this gives is called. A worker that waits so has left the file `held.<its id>`."""
    gate = tmp_path / "held"

    def begin(run, array=None):
        space = run.config["search_space"]
        store = f"dataset-{space['data_flags'][-1]}_model-{space['model_flags'][-1]}_noise-{space['noise_conditions'][-1]['name']}_split-test.zarr"
        if array is None:
            *_, (key, _) = variants(space["attribution_methods"][-1])
            array = f"attributions/{key}"
        gate.touch()
        for name, value in {"LD_PRELOAD": fake_disk, "FAKE_DISK_HOLD": gate, "FAKE_DISK_HELD": run.output / store / array / ".c."}.items():
            monkeypatch.setenv(name, str(value))
        return lambda: gate.unlink(missing_ok=True)

    yield begin
    gate.unlink(missing_ok=True)
