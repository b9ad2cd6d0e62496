"""Schedulers that die or stop, and workers that outlive them: nothing is computed twice, nobody is taken for dead who is not."""

import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time

import pytest
from support import ACCESS, METHODS, STAND_INS, WORKER, alive, children, kill, log, wait_for


def start(run, *arguments, lease=60):
    return run.start("--lease", str(lease), *arguments)


def serving(run, process, count=2):
    """Ids of the workers, once each of them is at work."""
    wait_for(lambda: log(run).count("worker connected") == count)
    wait_for(run.maps)
    return wait_for(lambda: (pids := children(process.pid)) and len(pids) == count and pids)


def told(run):
    """What the workers' logs say."""
    return "".join(path.read_text() for path in (run.folder / "logs").glob("worker-*.log"))


def done(run):
    """Every unit that a worker's log says was done, once for each time."""
    return re.findall(r" done unit=(\S+)", told(run))


def test_a_scheduler_that_is_killed_takes_its_workers_and_their_results_back(disturbed, undisturbed, hold):
    release = hold(disturbed)
    process = start(disturbed)
    workers = serving(disturbed, process)
    kill(process.pid)
    process.wait()
    # What they have is done while nobody hears of it, and what is left waits until the next scheduler was looked at.
    release()
    access = disturbed.output / ACCESS
    assert access.stat().st_mode & 0o777 == 0o600
    before = json.loads(access.read_text())
    assert sorted(of["pid"] for of in before["processes"].values()) == sorted(workers)
    time.sleep(1)
    assert all(map(alive, workers)), "unreachable is not dead"
    release = hold(disturbed)
    again = start(disturbed)
    wait_for(lambda: log(disturbed).count("worker connected") >= 4)
    assert json.loads(access.read_text()) == before
    release()
    assert again.wait(timeout=120) == 0
    assert disturbed.digests() == undisturbed[0]
    units = done(disturbed)
    assert len(units) == len(set(units)), "a unit was computed twice"
    assert not access.exists() and not any(map(alive, workers))


def test_a_worker_of_another_sweep_is_sent_away(disturbed, undisturbed, hold):
    methods = disturbed.config["search_space"]["attribution_methods"]
    disturbed.config["search_space"]["attribution_methods"] = methods[1:]
    release = hold(disturbed)
    process = start(disturbed)
    workers = serving(disturbed, process)
    kill(process.pid)
    process.wait()
    release()
    disturbed.config["search_space"]["attribution_methods"] = methods
    again = start(disturbed)
    wait_for(lambda: "of another sweep is sent away" in log(disturbed))
    assert again.wait(timeout=120) == 0
    assert not any(map(alive, workers))
    assert disturbed.digests() == undisturbed[0]


# Less than half of the lease, and more: then it knows that it stood still, and is patient with workers.
@pytest.mark.parametrize("seconds", [1, 21])
def test_a_scheduler_that_is_stopped_for_a_while_goes_on_with_the_same_workers(disturbed, undisturbed, hold, seconds):
    release = hold(disturbed)
    process = start(disturbed, lease=40)
    workers = serving(disturbed, process)
    os.kill(process.pid, signal.SIGSTOP)
    release()
    time.sleep(seconds)
    assert all(map(alive, workers))
    os.kill(process.pid, signal.SIGCONT)
    assert process.wait(timeout=120) == 0
    assert log(disturbed).count("worker connected") == 2
    assert disturbed.digests() == undisturbed[0]


def test_a_worker_that_is_stopped_for_less_than_a_lease_loses_nothing(disturbed, undisturbed, hold):
    release = hold(disturbed)
    process = start(disturbed)
    workers = serving(disturbed, process)
    os.kill(workers[0], signal.SIGSTOP)
    release()
    time.sleep(4)
    os.kill(workers[0], signal.SIGCONT)
    assert process.wait(timeout=120) == 0
    assert log(disturbed).count("worker connected") == 2
    assert disturbed.digests() == undisturbed[0]


def test_what_a_worker_had_that_no_signal_ends_is_done_by_others_and_the_sweep_ends(disturbed, undisturbed, hold, tmp_path, monkeypatch):
    release = hold(disturbed)
    worker, tracer = tmp_path / "worker", tmp_path / "tracer"
    first = f'if [ "$1" = run ] && mkdir {tmp_path}/first 2>/dev/null; then exec {sys.executable} {STAND_INS}/stuck.py {WORKER} "$@"; fi'
    worker.write_text(f'#!/bin/sh\n{first}\nexec {WORKER} "$@"\n')
    worker.chmod(0o755)
    monkeypatch.setenv("STUCK", str(tracer))
    process = disturbed.start("--lease", "20", "--worker", str(worker), stderr=subprocess.PIPE, text=True)
    try:
        workers = serving(disturbed, process)
        (stuck,) = (pid for pid in workers if children(pid))
        # A unit is in its hands then.
        wait_for((tmp_path / f"held.{stuck}").exists)
        kill(stuck)
        release()
        _, words = process.communicate(timeout=120)
    finally:
        kill(int(tracer.read_text()))
    assert process.returncode == 0, words
    assert f"process {stuck} on cpu" in words and "was killed and does not end: it waits inside the system" in words, words
    assert disturbed.digests() == undisturbed[0]
    journal = sqlite3.connect(disturbed.output / "attrisweep-journal.sqlite")
    assert journal.execute("SELECT count(*) FROM attempts WHERE state = 'lost'").fetchone() == (1,), "it held a unit"
    left = json.loads((disturbed.output / ACCESS).read_text())["processes"]
    assert [of["pid"] for of in left.values()] == [stuck], "the next scheduler must know of it"


def test_a_worker_that_is_terminated_is_replaced_and_costs_no_retry(disturbed, undisturbed, hold):
    disturbed.config["scheduler"] = {"max_retries": 0}
    release = hold(disturbed)
    process = start(disturbed)
    os.kill(serving(disturbed, process)[0], signal.SIGTERM)
    release()
    assert process.wait(timeout=120) == 0
    assert disturbed.digests() == undisturbed[0]


def held_with_another_unit(run, gate, workers):
    """The one of the workers that waits where it would write a file of a unit, and that has another unit behind that one."""
    file, waiting = run.output / "attrisweep-journal.sqlite", []
    # Somebody else writes it.
    with contextlib.suppress(sqlite3.OperationalError), contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as journal:
        rows = journal.execute("SELECT pid FROM attempts WHERE state IS NULL GROUP BY pid HAVING count(*) > 1")
        waiting = [pid for pid, in rows if pid in workers and gate.with_name(f"{gate.name}.{pid}").exists()]
    return next(iter(waiting), None)


def told_to_leave(run, expected, release, gate):
    """How many attempts ended in which way in a sweep of which one worker had to leave, after everything that must hold."""
    process = start(run)
    workers = serving(run, process)
    victim = wait_for(lambda: held_with_another_unit(run, gate, workers))
    os.kill(victim, signal.SIGTERM)
    wait_for(lambda: "told to leave by SIGTERM" in told(run))
    release()
    wait_for(lambda: not alive(victim))
    wait_for(lambda: "how=Code(87)" in log(run))
    assert process.wait(timeout=120) == 0
    assert run.digests() == expected
    with contextlib.closing(sqlite3.connect(run.output / "attrisweep-journal.sqlite")) as journal:
        return dict(journal.execute("SELECT state, count(*) FROM attempts GROUP BY state"))


def test_a_worker_that_has_to_leave_finishes_its_files_and_gives_its_units_back(disturbed, undisturbed, hold, tmp_path):
    ends = told_to_leave(disturbed, undisturbed[0], hold(disturbed), tmp_path / "held")
    assert ends.keys() == {"done", "stopped"}, "it is nobody's failure, and a unit was given back"


def test_a_worker_that_has_to_leave_while_it_has_nothing_to_do_leaves_at_once(sweep, hold):
    run = sweep(limit=4)
    run.config["search_space"]["attribution_methods"] = [METHODS[4]]
    release = hold(run)
    process = start(run)
    workers = serving(run, process)
    # One shard for two of them: the predictions and one variant are done, and the other variant is one's.
    wait_for(lambda: len(done(run)) == 2)
    for worker in workers:
        os.kill(worker, signal.SIGTERM)
    release()
    wait_for(lambda: not any(map(alive, workers)))
    assert process.wait(timeout=120) == 0


def test_whoever_takes_the_port_of_a_dead_scheduler_learns_no_secret_and_is_not_obeyed(disturbed, undisturbed, hold):
    release = hold(disturbed)
    process = start(disturbed)
    workers = serving(disturbed, process)
    access = json.loads((disturbed.output / ACCESS).read_text())
    token, port = access["token"], int(access["address"].rsplit(":", 1)[1])
    kill(process.pid)
    process.wait()
    release()
    heard = []
    with socket.create_server(("127.0.0.1", port)) as impostor:
        impostor.settimeout(120)
        for _ in range(4):
            line, _ = impostor.accept()
            with line, line.makefile("rw") as lines:
                line.settimeout(120)

                def say(message):
                    lines.write(json.dumps(message) + "\n")
                    lines.flush()

                say({"Challenge": {"challenge": "ab" * 32}})
                heard.append(lines.readline())
                # What the worker says is no proof of the scheduler's.
                proof = json.loads(heard[-1])["Hello"]["proof"]
                for message in ({"Proof": {"proof": proof}}, "Stop"):
                    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                        say(message)
                with contextlib.suppress(ConnectionResetError):
                    assert lines.read() == "", "nothing of the sweep is told"
    assert len(heard) == 4 and not any(token in hello for hello in heard)
    assert all(map(alive, workers))
    again = start(disturbed)
    assert again.wait(timeout=120) == 0
    assert disturbed.digests() == undisturbed[0]
    assert "whoever answers there is not the scheduler" in told(disturbed)
