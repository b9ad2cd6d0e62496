"""Preflight through the queue of a cluster: a job for each kind of device, and one profile."""

import json
import signal
import subprocess

import pytest

from support import METHODS, PREFLIGHT
from support.processes import wait_for
from support.stand_ins.slurm import nobody_left

# As the tests of Slurm, whose daemons they share.
pytestmark = pytest.mark.xdist_group("slurm")

SETTINGS = {"workers": 2, "cpus": 2, "memory": "1GiB", "time": "30m", "poll": 1, "network": "lo"}


@pytest.fixture
def run(sweep, slurm):
    slurm.wait_idle()
    run = sweep()
    run.config["search_space"]["attribution_methods"] = METHODS[:1]
    run.config["launcher"], run.config["devices"] = {"slurm": SETTINGS}, "cpu"
    yield run
    slurm.ask("scancel", "--me")


def preflight(run, slurm):
    command = [str(PREFLIGHT), "--config", str(run.file)]
    return subprocess.Popen(command, env=slurm.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_what_a_job_measures_is_what_workers_on_such_a_node_are_granted(run, slurm):
    process = preflight(run, slurm)
    text, _ = process.communicate(timeout=240)
    assert process.returncode == 0, text
    assert "processors: job" in text and "Batch sizes are in" in text, text
    entries = json.loads((run.output / "preflight_profile.json").read_text())["entries"]
    assert entries and {entry["of"]["device"].rsplit(", ", 1)[1] for entry in entries} == {"2 threads"}, "as many as a worker has there"
    nobody_left(slurm, run)
    run.run(env=slurm.environment)
    granted = run.granted()
    # A size that is only a guess has a plus.
    assert granted == {entry["of"]["key"]: str(entry["batch"]) for entry in entries}, granted
    assert "0 batch sizes found, 1 known before" in preflight(run, slurm).communicate(timeout=240)[0]


def test_every_kind_of_gpu_gets_a_job_and_what_is_wrong_there_is_told_with_the_kind(run, slurm):
    """GPUs of this cluster are none: each job finds that out by itself, and says so."""
    del run.config["devices"]
    process = preflight(run, slurm)
    text, _ = process.communicate(timeout=240)
    assert process.returncode == 5, text
    assert "gpu:fake:1: job" in text and "gpu:fake:1: " in text.split("gpu:fake:1: job")[1], text
    assert "no GPU can be used" in text, text
    nobody_left(slurm, run)


def test_preflight_that_is_interrupted_cancels_its_jobs(run, slurm):
    run.config["launcher"]["slurm"]["setup"] = "sleep 1000"
    process = preflight(run, slurm)
    wait_for(lambda: slurm.running())
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=240)
    assert process.returncode == 130 and "interrupted" in text, text
    wait_for(lambda: not slurm.jobs())
