"""GPUs of a shared server as the driver shows them: a library stands in for NVML, the CPU for the GPUs. The rest is real."""

import os
import sqlite3
import subprocess

import pytest
from conftest import ROOT, WORKER, wait_for
from test_faults import disturbed, undisturbed  # noqa: F401
from test_leases import log


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nvml")
    source = ROOT / "tests" / "fake_nvml.c"
    command = ["cc", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", folder / "libnvidia-ml.so.1", source]
    subprocess.run(command, check=True)
    return folder


class Server:
    """Three GPUs, and a sweep that computes on them."""

    def __init__(self, run, library, folder):
        self.run, self.folder = run, folder
        for index in range(3):
            (folder / f"gpu{index}").mkdir(parents=True)
        run.config["devices"] = "auto"
        # Whoever is to compute with CUDA does so on the CPU.
        self.worker = folder / "worker"
        self.worker.write_text(f'#!/bin/bash\nexec {WORKER} "${{@/#cuda/cpu}}"\n')
        self.worker.chmod(0o755)
        self.environment = {**os.environ, "LD_LIBRARY_PATH": str(library), "FAKE_NVML": str(folder), "OMP_NUM_THREADS": "1"}

    def set(self, gpu, name, value=""):
        # A reader must not see half of it.
        (self.folder / "new").write_text(value)
        (self.folder / "new").rename(self.folder / f"gpu{gpu}" / name)

    def start(self):
        command = self.run.command("--worker", str(self.worker))
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=self.environment)

    def devices(self):
        """By device the units that were done there."""
        with sqlite3.connect(self.run.output / "attrisweep-journal.sqlite") as journal:
            return dict(journal.execute("SELECT device, count(*) FROM readable WHERE state = 'done' GROUP BY device"))


@pytest.fixture
def server(disturbed, library, tmp_path):  # noqa: F811
    return Server(disturbed, library, tmp_path / "gpus")


def test_auto_takes_the_gpus_on_which_nobody_works(server, undisturbed):  # noqa: F811
    server.set(1, "busy")
    process = server.start()
    assert process.wait(timeout=240) == 0, process.stderr.read()
    assert set(server.devices()) == {"gpu:0 (Fake 0)", "gpu:2 (Fake 2)"}
    assert server.run.digests() == undisturbed[0]


@pytest.mark.parametrize(("name", "value", "words"), [
    ("xid", "79", "XID 79: it has fallen off the bus"),
    ("xid", "48", "XID 48: a memory error that could not be corrected"),
    ("ecc", "3", "3 memory errors that could not be corrected"),
    ("lost", "", "the NVIDIA driver says"),
])
def test_a_gpu_that_goes_bad_is_left_alone_and_the_others_do_its_work(server, undisturbed, name, value, words):  # noqa: F811
    process = server.start()
    wait_for(lambda: list(server.run.output.rglob("attributions/*/c.*")))
    server.set(0, name, value)
    wait_for(lambda: words in log(server.run))
    log_of_worker = (server.run.folder / "logs" / "worker-0.log")
    ended = log_of_worker.stat().st_size
    assert process.wait(timeout=240) == 0, process.stderr.read()
    # A minute's pause: it was not started again.
    assert log_of_worker.stat().st_size - ended < 2000 and "gpu:1 (Fake 1)" in server.devices()
    assert server.run.digests() == undisturbed[0]


def test_an_error_of_a_program_is_no_fault_of_the_gpu(server, undisturbed):  # noqa: F811
    process = server.start()
    wait_for(lambda: list(server.run.output.rglob("attributions/*/c.*")))
    server.set(0, "xid", "31")
    wait_for(lambda: not (server.folder / "gpu0" / "xid").exists())
    assert process.wait(timeout=240) == 0, process.stderr.read()
    assert "this GPU is bad" not in log(server.run) and "gpu:0 (Fake 0)" in server.devices()
    assert server.run.digests() == undisturbed[0]
