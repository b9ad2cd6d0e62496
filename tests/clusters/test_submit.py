"""A sweep whose scheduler is a job of the cluster itself."""

import re
import signal
import subprocess

import pytest

from support.processes import wait_for
from support.stand_ins.slurm import held, nobody_left
from support.sweep import log

# As the tests of Slurm, whose daemons they share.
pytestmark = pytest.mark.xdist_group("slurm")

SETTINGS = {"workers": 2, "gpu": "fake", "cpus": 1, "memory": "1GiB", "time": "30m", "poll": 1, "network": "lo"}
# Beside the jobs of workers, which take all memory of a node unless they say otherwise.
SMALL = ["--job-option=--mem=500", "--job-option=--time=20"]


@pytest.fixture
def run(big, slurm):
    slurm.wait_idle()
    run = big
    run.config["launcher"], run.config["devices"] = {"slurm": SETTINGS}, "cpu"
    yield run
    slurm.ask("scancel", "--me")


def submit(run, slurm, *arguments):
    command = [str(run.scheduler), "submit", "--config", str(run.file), *SMALL, *arguments]
    return subprocess.Popen(command, env=slurm.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def holding(hold, run):
    """What lets the workers of `run` go on: a sweep whose workers wait is not over before somebody has come back to it."""
    release, lines = held(hold, run)
    run.config["launcher"] = {"slurm": {**SETTINGS, "setup": lines}}
    return release


def until(process, words):
    """Reads lines of a process until one has these words."""
    said = []
    for line in process.stdout:
        said.append(line)
        if words in line:
            return
    raise AssertionError(f"{words} was not said:\n{''.join(said)}")


def ended(process, seconds=240):
    text, _ = process.communicate(timeout=seconds)
    return process.returncode, text


def test_a_submitted_sweep_is_followed_to_its_end_with_what_it_says_and_its_exit_code(run, slurm, expected):
    code, text = ended(submit(run, slurm))
    assert code == 0, text
    assert re.search(r"Job \d+ is submitted", text) and "ended with exit code 0" in text, text
    # What a sweep says at its end, as it says it on a terminal.
    assert "maps" in text, text
    nobody_left(slurm, run)
    assert run.digests() == expected


def test_whoever_follows_may_leave_and_come_back_and_others_ask_from_another_machine(run, slurm, expected, hold):
    release = holding(hold, run)
    following = submit(run, slurm)
    wait_for(lambda: "worker connected" in log(run))
    following.send_signal(signal.SIGINT)
    code, text = ended(following)
    assert code == 130 and "goes on" in text and re.search(r"`scancel \d+` cancels it", text), text
    # Under another name of the host, as if it were asked on another machine, where the kernel lets us have one.
    may = subprocess.run(["unshare", "--uts", "true"], capture_output=True).returncode == 0
    elsewhere = ["unshare", "--uts", "sh", "-c", 'hostname elsewhere && exec "$@"', "-"] if may else []
    status = [str(run.scheduler), "status", "--config", str(run.file)]
    asked = subprocess.run([*elsewhere, *status], env=slurm.environment, capture_output=True, text=True)
    assert "Running: process" in asked.stdout, asked
    # A sweep has one scheduler: the same command finds it.
    following = submit(run, slurm)
    until(following, "was submitted before")
    release()
    code, text = ended(following)
    assert code == 0, text
    verified = subprocess.run([str(run.scheduler), "verify", "--seconds", "1", "--config", str(run.file)], capture_output=True, text=True)
    assert verified.returncode == 0, verified
    nobody_left(slurm, run)
    assert run.digests() == expected


def test_a_job_that_is_cancelled_is_told_and_the_next_one_goes_on(run, slurm, expected, hold):
    release = holding(hold, run)
    following = submit(run, slurm)
    wait_for(lambda: "worker connected" in log(run))
    slurm.ask("scancel", re.search(r"Job (\d+)", following.stdout.readline()).group(1))
    code, text = ended(following)
    assert code == 5 and "ended without a word" in text, text
    release()
    code, text = ended(submit(run, slurm))
    assert code == 0, text
    nobody_left(slurm, run)
    assert run.digests() == expected


def test_mistakes_of_the_config_are_told_before_a_job_is_submitted_and_a_launcher_without_a_queue_says_so(run, slurm):
    run.config["launcher"] = "local"
    code, text = ended(submit(run, slurm))
    assert code == 5 and "has no queue" in text, text
    run.config["search_space"]["model_flags"] = ["resnet19"]
    code, text = ended(submit(run, slurm))
    assert code == 3 and "resnet19" in text, text
    assert not slurm.jobs()
