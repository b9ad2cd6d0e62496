"""What every launcher has to do: the same sweep, the same harm, the same stores. A new launcher joins by a line in `LAUNCHERS`."""

import contextlib
import json
import os
import signal
import subprocess

import pytest

from support import WORKER, Sweep
from support.processes import wait_for
from support.stand_ins.slurm import held, workers_of
from support.sweep import SAME, log

# As the tests of Slurm, whose daemons they share.
pytestmark = pytest.mark.xdist_group("slurm")


def local(request):
    return "local", os.environ


def command(request):
    # A shell between that passes nothing on but the worker's own end.
    return {"command": {"start": "sh -c '\"$0\" \"$@\"; exit $?' {worker}", "workers": 2, "network": "lo"}}, os.environ


def ssh(request):
    options = request.getfixturevalue("sshd")
    return {"ssh": {"hosts": ["127.0.0.1", {"localhost": 1}], "options": options, "network": "lo"}}, os.environ


def slurm(request):
    cluster = request.getfixturevalue("slurm")
    cluster.wait_idle()
    return {"slurm": {"workers": 2, "gpu": "fake", "memory": "1GiB", "poll": 1}}, cluster.environment


LAUNCHERS = [local, command, ssh, slurm]


def named(launcher):
    return launcher.__name__


@pytest.fixture(params=LAUNCHERS, ids=named)
def launched(request, sweep):
    """A sweep by each launcher, with two workers on processors, and the environment of its scheduler."""
    run = sweep(**SAME)
    run.config["launcher"], environment = request.param(request)
    run.config["devices"] = {"cpu": 2}
    return run, {"env": dict(environment)}


@pytest.fixture
def begins(launched):
    """Makes a worker run a line of shell before it begins, whoever starts it and wherever: what the scheduler is to be told."""
    program = launched[0].folder / "begins"

    def first(line):
        program.write_text(f'#!/bin/sh\n[ "$1" != run ] || {{ {line}; }}\nexec "{WORKER}" "$@"\n')
        program.chmod(0o755)
        return "--worker", str(program)

    return first


@pytest.fixture(scope="module")
def of_one_group(tmp_path_factory, inputs):
    run = Sweep(tmp_path_factory.mktemp("local"), inputs, **SAME)
    run.config["devices"] = "cpu"
    run.run()
    return run.digests()


def test_a_sweep_writes_what_one_local_worker_writes_outlives_harm_and_leaves_no_worker(launched, of_one_group, begins, hold):
    run, options = launched
    release, lines = held(hold, run)
    waiting = begins(lines)
    process = run.start("--lease", "4", *waiting, **options, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: "worker connected" in log(run))
    # A worker is killed, then the scheduler; the next one goes on, with whoever lives.
    os.kill(wait_for(lambda: real_workers(run))[0], signal.SIGKILL)
    process.kill()
    process.wait()
    release()
    run.run("--lease", "4", *waiting, **options)
    assert run.digests() == of_one_group
    wait_for(lambda: not workers_of(run.output))
    assert not list(run.output.glob(".attrisweep.access*")), "the secret went with the scheduler"


def test_a_sweep_that_is_interrupted_leaves_no_worker(launched, begins, hold):
    run, options = launched
    _, lines = held(hold, run)
    process = run.start(*begins(lines), **options)
    wait_for(lambda: "worker connected" in log(run))
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=240) == 130
    wait_for(lambda: not workers_of(run.output))


def test_the_secret_is_in_no_command_line_and_readable_by_its_owner_only(launched, begins, hold):
    run, options = launched
    _, lines = held(hold, run)
    process = run.start(*begins(lines), **options)
    access = run.output / ".attrisweep.access"
    wait_for(lambda: workers_of(run.output) and access.exists())
    token = json.loads(access.read_text())["token"]
    assert access.stat().st_mode & 0o777 == 0o600
    lines = subprocess.run(["ps", "-ww", "-eo", "args="], capture_output=True, text=True).stdout
    assert token not in lines
    process.send_signal(signal.SIGINT)
    process.wait(timeout=240)


# A worker of this machine sees what its scheduler sees.
@pytest.mark.parametrize("launched", [launcher for launcher in LAUNCHERS if launcher is not local], ids=named, indirect=True)
def test_a_folder_that_workers_do_not_see_is_told_once_with_its_name(launched, begins):
    run, options = launched
    # The weights are taken away when the first worker begins, as if they were not mounted elsewhere.
    missing = run.folder / "weights"
    os.symlink(run.config["paths"]["medmnist_weights_root"], missing)
    run.config["paths"]["medmnist_weights_root"] = str(missing)
    process = run.start(*begins(f'rm -f "{missing}"'), **options, stderr=subprocess.PIPE, text=True)
    _, words = process.communicate(timeout=240)
    assert process.returncode == 5, words
    assert str(missing) in words and "is not seen from this machine" in words, words


def real_workers(run):
    """Workers themselves, and not who stands for them."""
    found = []
    for pid in workers_of(run.output):
        # One may end meanwhile.
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/{pid}/exe").endswith("/worker"):
                found.append(pid)
    return found
