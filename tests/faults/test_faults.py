"""Processes that are killed: the next run goes on, and the bytes are those of an undisturbed run."""

import os
import random
import signal
import subprocess
import time

import pytest
from support import METHODS, alive, children, kill, log, wait_for

INTERRUPTED = "stopping; what is written stays"


def no_unfinished_files(run):
    return not list(run.output.rglob(".*.tmp"))


@pytest.mark.parametrize("victim", ["worker", "scheduler", "everything"])
def test_a_sweep_killed_again_and_again_ends_with_the_bytes_of_an_undisturbed_one(disturbed, undisturbed, hold, victim):
    expected, seconds = undisturbed
    moments = random.Random(victim)
    kills = 0
    release = hold(disturbed)
    while kills < 7:
        process = disturbed.start()
        if kills:
            time.sleep(moments.uniform(0.3, max(1.0, 0.6 * seconds)))
        else:
            wait_for(disturbed.maps)
            release()
        if process.poll() is not None:
            break
        workers = children(process.pid)
        if victim == "worker" and workers:
            kill(moments.choice(workers))
            kills += 1
            if process.wait(timeout=120) == 0:
                break
            continue
        kill(process.pid)
        if victim == "everything":
            for worker in workers:
                kill(worker)
        process.wait()
        kills += 1
    disturbed.run()
    assert disturbed.digests() == expected
    assert no_unfinished_files(disturbed)
    assert kills > 0


def test_workers_end_when_their_scheduler_is_killed_and_none_takes_its_place(disturbed, hold):
    release = hold(disturbed)
    process = disturbed.start("--lease", "5")
    wait_for(lambda: log(disturbed).count("worker connected") >= 2)
    wait_for(disturbed.maps)
    workers = children(process.pid)
    assert workers and process.poll() is None
    kill(process.pid)
    process.wait()
    release()
    wait_for(lambda: not any(map(alive, workers)))
    assert len(disturbed.maps()) < 2 * 6 * 6, "they ended because nobody gave them anything"


def test_a_frozen_worker_is_ended_after_its_lease_and_the_sweep_completes(disturbed, undisturbed, hold):
    release = hold(disturbed)
    process = disturbed.start("--lease", "5")
    wait_for(disturbed.maps)
    os.kill(children(process.pid)[0], signal.SIGSTOP)
    release()
    assert process.wait(timeout=120) == 0
    assert disturbed.digests() == undisturbed[0]


def test_ctrl_c_stops_cleanly_and_the_same_command_goes_on(disturbed, undisturbed, hold):
    release = hold(disturbed)
    process = disturbed.start(stderr=subprocess.PIPE, text=True)
    wait_for(disturbed.maps)
    process.send_signal(signal.SIGINT)
    wait_for(lambda: INTERRUPTED in log(disturbed))
    release()
    _, told = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "the same command goes on" in told
    assert no_unfinished_files(disturbed)
    disturbed.run()
    assert disturbed.digests() == undisturbed[0]


def test_a_finished_sweep_does_nothing_and_a_lost_shard_is_done_again(disturbed, undisturbed):
    disturbed.run()
    before = disturbed.digests()
    stamps = {path: path.stat().st_mtime_ns for path in disturbed.output.rglob("c.*")}
    assert "Nothing was left to compute" in disturbed.run().stdout
    assert {path: path.stat().st_mtime_ns for path in disturbed.output.rglob("c.*")} == stamps
    lost = disturbed.stores()[0] / "attributions" / "Deconvolution" / "c.2.0.0.0"
    lost.unlink()
    assert "Wrote 4 attribution maps" in disturbed.run().stdout
    assert disturbed.digests() == before == undisturbed[0]
    changed = [path for path, stamp in stamps.items() if path.stat().st_mtime_ns != stamp]
    assert {path for path in changed if "means" not in str(path)} == {lost, disturbed.stores()[0] / "underflow/Deconvolution/c.2"}


def test_an_added_method_extends_the_stores(disturbed, undisturbed):
    disturbed.config["search_space"]["attribution_methods"] = METHODS[:2]
    disturbed.run()
    disturbed.config["search_space"]["attribution_methods"] = METHODS
    disturbed.run()
    assert disturbed.digests() == undisturbed[0]
