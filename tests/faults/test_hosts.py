"""Two hosts that share an output folder, on a file system whose locks are local to each of them."""

import json
import os
import signal
import subprocess
import time

import pytest
from support import LOCK, compiled, log, signature, wait_for
from support.faults import WAITS, fill, started

ELSEWHERE = {"holder": {"pid": 77, "host": "elsewhere", "since": 5}, "boot": "another", "token": "its own", "beat": 0}


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    return compiled("local_locks.c", tmp_path_factory.mktemp("locks") / "local_locks.so")


@pytest.fixture
def on(library, tmp_path):
    """The environment of a process on the host of this name."""

    def environment(host):
        (tmp_path / host).write_text(f"{host}\n")
        # Beside what is preloaded already.
        preloaded = " ".join(filter(None, (str(library), os.environ.get("LD_PRELOAD"))))
        return {**os.environ, "LD_PRELOAD": preloaded, "HOST_FILE": str(tmp_path / host)}

    return environment


def begin(run, env):
    return subprocess.Popen(run.command(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=env)


def test_a_scheduler_on_another_host_is_refused_while_the_first_one_lives(sweep, on, hold):
    run = sweep()
    release = hold(run)
    first = begin(run, on("one"))
    holder = wait_for(lambda: signature(run))["holder"]
    assert (holder["pid"], holder["host"]) == (first.pid, "one")
    for command in ([], ["clean"]):
        arguments = command + ["--config", str(run.file)]
        refused = subprocess.run([run.command()[0], *arguments], capture_output=True, text=True, timeout=60, env=on("two"))
        assert refused.returncode == 6, refused.stderr
        assert f"another scheduler is writing to `{run.output}` (process {first.pid} on one)" in refused.stderr
        assert "was locked by process" in refused.stderr, "it says what it waits for"
    status = [run.command()[0], "status", "--config", str(run.file)]
    told = lambda: subprocess.run(status, capture_output=True, text=True, timeout=60, env=on("two")).stdout
    # Its beat may be late, beside other tests.
    wait_for(lambda: f"Running: process {first.pid} on one" in told())
    assert first.poll() is None
    # It gives the folder back: nobody waits to see whether it lives.
    first.send_signal(signal.SIGTERM)
    release()
    first.communicate(timeout=120)
    assert not (run.output / LOCK).exists()
    subprocess.run([run.command()[0], "clean", "--config", str(run.file)], check=True, capture_output=True, timeout=60, env=on("two"))


def test_of_two_hosts_that_start_at_the_same_moment_one_gets_the_folder(sweep, on, hold):
    run = sweep()
    release = hold(run)
    processes = [begin(run, on(host)) for host in ("one", "two")]
    (refused,) = wait_for(lambda: [process for process in processes if process.poll() is not None])
    (other,) = set(processes) - {refused}
    told = refused.communicate(timeout=120)[1]
    assert refused.returncode == 6, told
    assert f"another scheduler is writing to `{run.output}` (process {other.pid} on " in told
    wait_for(lambda: list(run.output.rglob("c.*")))
    assert other.poll() is None
    other.send_signal(signal.SIGTERM)
    release()
    other.communicate(timeout=120)


def test_one_that_was_frozen_and_taken_over_writes_nothing_until_the_other_one_has_ended(disturbed, undisturbed, on, hold):
    release = hold(disturbed)
    process = begin(disturbed, on("one"))
    wait_for(disturbed.maps)
    process.send_signal(signal.SIGSTOP)
    theirs = json.dumps(ELSEWHERE).ljust(511) + "\n"
    (disturbed.output / LOCK).write_text(theirs)
    process.send_signal(signal.SIGCONT)
    release()
    wait_for(lambda: f"another scheduler has taken `{disturbed.output}` (process 77 on elsewhere)" in log(disturbed))
    # Another beat, and another try.
    wait_for(lambda: "it is taken over in" in log(disturbed))
    time.sleep(3)
    assert (disturbed.output / LOCK).read_text() == theirs and process.poll() is None
    (disturbed.output / LOCK).unlink()
    _, told = process.communicate(timeout=120)
    assert process.returncode == 0, told
    assert WAITS in told
    assert disturbed.digests() == undisturbed[0]


def test_a_full_disk_does_not_stop_the_heart(small_disk, hold):
    release = hold(small_disk)
    process = started(small_disk)
    wait_for(small_disk.maps)
    fill(small_disk.output)
    release()
    wait_for(lambda: WAITS in log(small_disk))
    before = signature(small_disk)
    after = wait_for(lambda: (now := signature(small_disk))["beat"] > before["beat"] + 1 and now)
    assert after == {**before, "beat": after["beat"]}
    (small_disk.output / "somebody_elses").unlink()
    _, told = process.communicate(timeout=120)
    assert process.returncode == 0, told


def test_status_tells_of_a_host_that_is_silent(sweep):
    run = sweep()
    run.output.mkdir()
    (run.output / LOCK).write_text(json.dumps(ELSEWHERE))
    told = subprocess.run([run.command()[0], "status", "--config", str(run.file)], capture_output=True, text=True, timeout=60, check=True).stdout
    assert "Not running." in told and "process 77 on elsewhere, which did not give the folder back" in told
