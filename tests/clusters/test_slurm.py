"""Sweeps on a Slurm cluster of two nodes: what they write, and what they survive.

Workers are held in the last group of their sweep until the harm is done: how fast this machine is must not matter."""

import json
import re
import signal
import subprocess

import pytest
import yaml

from support import Sweep
from support.stand_ins.slurm import held, nobody_left, workers_of
from support.sweep import log
from support.processes import wait_for

# One cluster for all tests of this folder, one after the other: they share the daemon that signs for Slurm.
pytestmark = pytest.mark.xdist_group("slurm")

SETTINGS = {"workers": 4, "gpu": "fake", "cpus": 2, "memory": "1GiB", "time": "30m", "poll": 1}


def on(run, slurm, **settings):
    """`run` on the cluster, with these settings besides."""
    run.config["launcher"] = {"slurm": {**SETTINGS, **settings}}
    run.config["devices"] = "cpu"
    return {"env": slurm.environment}


@pytest.fixture(autouse=True)
def clean(slurm):
    try:
        slurm.wait_idle()
    except AssertionError:
        slurm.renew()
    yield
    slurm.ask("scancel", "--me")


def begun(slurm, run, count=2):
    """Waits until so many workers serve, and something is written."""
    wait_for(lambda: log(run).count("worker connected") >= count and run.maps())


def finished(process, code=0):
    assert process.wait(timeout=240) == code, process.stderr.read() if process.stderr else ""


def test_a_sweep_over_both_nodes_writes_what_one_local_worker_writes_and_leaves_nothing(slurm, big, expected, hold):
    release, lines = held(hold, big)
    process = big.start(**on(big, slurm, setup=lines), stderr=subprocess.PIPE, text=True)
    # No node is left over because the other one was faster.
    begun(slurm, big, 4)
    release()
    finished(process)
    nobody_left(slurm, big)
    assert big.digests() == expected
    text = log(big)
    assert {"n1", "n2"} <= set(re.findall(r"process \d+ of (n\d)", text)), text
    assert re.search(r"job \d+_\d+", text)
    # Once for all workers, and not once for each unit.
    assert text.count("an array of workers is handed in") == 1, text
    assert not list(big.output.glob(".attrisweep.*")), "no secret and no test file stays"


def test_what_slurm_does_to_jobs_and_to_itself_costs_no_unit_and_no_bytes(slurm, big, expected, hold):
    """Cancelled, put back into the queue, on a drained node, and Slurm itself away for a while."""
    release, lines = held(hold, big)
    options = on(big, slurm, setup=lines)
    process = big.start(**options, stderr=subprocess.PIPE, text=True)
    # All four: a job whose worker is not there yet leaves without a word.
    begun(slurm, big, 4)
    first, second, *_ = slurm.running()
    slurm.ask("scancel", first["id"])
    slurm.ask("scontrol", "requeue", second["id"])
    slurm.ask("scontrol", "update", "NodeName=n1", "State=DRAIN", "Reason=test")
    slurm.kill("slurmctld")
    slurm.start("slurmctld")
    wait_for(lambda: "UP" in slurm.ask("scontrol", "ping"))
    slurm.ask("scontrol", "update", "NodeName=n1", "State=RESUME")
    wait_for(lambda: "the worker has to leave" in log(big) and "how=TakenAway" in log(big))
    release()
    finished(process)
    nobody_left(slurm, big)
    assert big.digests() == expected
    text = log(big)
    assert "given up" not in text and "Crash" not in text


def test_a_frozen_node_is_done_without_and_its_worker_is_sent_away_when_it_thaws(slurm, big, expected, hold):
    release, lines = held(hold, big)
    options = on(big, slurm, workers=2, cpus=3, setup=lines)
    process = big.start("--lease", "3", **options, stderr=subprocess.PIPE, text=True)
    begun(slurm, big)
    # One job on each node, as three of its four cores are taken.
    pid, job = re.search(r"process (\d+) of n1, job (\S+?)[\s\"]", log(big)).groups()
    subprocess.run(["kill", "-STOP", pid], check=True)
    slurm.daemons["n1"].send_signal(signal.SIGSTOP)
    wait_for(lambda: "a worker that was killed does not end" in log(big))
    release()
    finished(process)
    assert big.digests() == expected
    slurm.daemons["n1"].send_signal(signal.SIGCONT)
    subprocess.run(["kill", "-CONT", pid])
    nobody_left(slurm, big)
    # The worker may have been in the middle of a file, which stays unfinished: no reader takes it for one of the store.
    after = {name: digest for name, digest in big.digests().items() if not name.endswith(".tmp")}
    assert after == expected


def test_a_scheduler_that_was_killed_takes_its_jobs_back_and_a_node_may_die_meanwhile(slurm, big, expected, hold):
    release, lines = held(hold, big)
    options = on(big, slurm, setup=lines)
    process = big.start(**options)
    # All four, as each node has two of them.
    begun(slurm, big, 4)
    before = {job["id"] for job in slurm.jobs()}
    process.kill()
    process.wait()
    process = big.start(**options, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: log(big).count("a worker of an earlier scheduler lives") >= 4)
    there = set(re.findall(r"process (\d+) of n2", log(big)))
    assert there
    for pid in there:
        subprocess.run(["kill", "-KILL", pid])
    slurm.kill("n2")
    assert {job["id"] for job in slurm.running()} & before, "those of the scheduler before"
    slurm.start("n2")
    release()
    finished(process)
    nobody_left(slurm, big)
    assert big.digests() == expected


def test_a_sweep_that_is_stopped_leaves_no_job_and_goes_on_later(slurm, big, expected, hold):
    """Two jobs run and two wait, as each takes three of the four cores of a node."""
    release, lines = held(hold, big)
    options = on(big, slurm, cpus=3, setup=lines)
    process = big.start(**options)
    begun(slurm, big)
    assert len(slurm.jobs()) == 4
    process.send_signal(signal.SIGINT)
    finished(process, 130)
    nobody_left(slurm, big)
    # An urgent job takes a node away in the middle of the second run, and gives it back.
    process = big.start(**options, stderr=subprocess.PIPE, text=True)
    begun(slurm, big, 2 + log(big).count("worker connected"))
    urgent = slurm.ask("sbatch", "--parsable", "--partition=urgent", "--exclusive", "--nodelist=n1", "--output=/dev/null", "--wrap=sleep 5").strip()
    assert urgent in {job["id"] for job in slurm.jobs()}
    # It has the node for itself, so that the worker that was there has gone.
    wait_for(lambda: {"id": urgent, "state": "PENDING"} not in [{name: job[name] for name in ("id", "state")} for job in slurm.jobs()])
    release()
    finished(process)
    nobody_left(slurm, big)
    assert big.digests() == expected


def test_jobs_of_a_scheduler_that_died_end_with_its_lease_also_those_that_wait(slurm, big, hold):
    _, lines = held(hold, big)
    options = on(big, slurm, cpus=3, setup=lines)
    process = big.start("--lease", "3", **options)
    begun(slurm, big)
    assert len(slurm.jobs()) == 4
    process.kill()
    process.wait()
    nobody_left(slurm, big)


def test_what_slurm_refuses_is_told_in_its_own_words(slurm, big):
    done = big.run(code=5, **on(big, slurm, partition="nowhere"))
    assert "invalid partition" in done.stderr.lower(), done.stderr
    assert not slurm.jobs()


def test_mistakes_in_the_settings_are_told_with_their_lines_before_anything_starts(big):
    big.config["launcher"] = {"slurm": {"partitoin": "x", "time": "soon", "options": ["--clusters=b"]}}
    done = big.run(code=3)
    lines = yaml.safe_dump(big.config, sort_keys=False).splitlines()
    for key in ["partitoin", "time", "options"]:
        line = next(number for number, text in enumerate(lines, 1) if text.strip().startswith(f"{key}:"))
        found = [told for told in done.stderr.splitlines() if f"launcher.slurm.{key}" in told]
        assert found and any(f":{at}" in found[0] or f"line {at}" in found[0] for at in [line, line + 1]), done.stderr
    big.config["launcher"] = "slrum"
    assert "unknown launcher `slrum`, did you mean `slurm`" in big.run(code=3).stderr


def test_a_check_asks_slurm_without_a_job_and_status_tells_why_a_worker_waits(slurm, big, hold):
    options = on(big, slurm, cpus=3)
    told = big.run("--check", **options).stdout
    assert re.search(r"launcher .*Job \d+ to start at", told), told
    assert not slurm.jobs()
    assert "license" in big.run("--check", code=5, **on(big, slurm, licenses="none_such")).stderr.lower()
    release, lines = held(hold, big)
    process = big.start(**on(big, slurm, cpus=3, setup=lines))
    wait_for(lambda: len(slurm.running()) == 2 and len(slurm.jobs()) == 4)
    begun(slurm, big)
    asked = subprocess.run([str(big.scheduler), "status", "--json", "--config", str(big.file)], capture_output=True, text=True, **options)
    workers = json.loads(asked.stdout)["workers"]
    assert {worker["node"] for worker in workers} == {"n1", "n2"}, workers
    for worker in workers:
        # As Slurm and the system of this machine know them.
        assert worker["job"] in {f"{job['array']}_{job['index']}" for job in slurm.running()}
        assert worker["node"] in ("n1", "n2") and worker["restart"] == 0 and worker["threads"] == 1
        assert workers_of(big.output) and worker["pid"] in workers_of(big.output)
        assert worker["memory"] == 1 << 30 and worker["host_memory"] > 1 << 28 and worker["libtorch"].count(".") == 2
        assert 0 < worker["ends_in"] <= 30 * 60, "half an hour, as the config says"
    command = [str(big.scheduler), "status", "--config", str(big.file)]
    # Slurm gives a reason the next time that it looks at the queue.
    wait_for(lambda: re.search(r"waits +worker \d: (Resources|Priority)", subprocess.run(command, capture_output=True, text=True, **options).stdout))
    process.send_signal(signal.SIGINT)
    finished(process, 130)


def said_by_workers(sweep: Sweep) -> str:
    return "".join(file.read_text() for file in (sweep.folder / "logs").glob("worker-*.log"))


def test_a_real_time_limit_ends_no_worker_as_each_leaves_before_it_and_another_goes_on(slurm, big, expected, hold):
    """Jobs of a minute by Slurm's own clock, of which a worker uses three quarters. The first one waits in the last group until these are over."""
    release, lines = held(hold, big)
    options = on(big, slurm, workers=1, time="1m", setup=lines)
    process = big.start("--lease", "60", **options, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: "the job ends soon: units are given back" in said_by_workers(big))
    release()
    finished(process)
    nobody_left(slurm, big)
    assert big.digests() == expected
    ended = slurm.ask("squeue", "--noheader", "--array", "--states=all", "--format=%T %j").split("\n")
    assert not [line for line in ended if line.startswith("TIMEOUT")], ended
    assert log(big).count("an array of workers is handed in") >= 2
    assert "given up" not in log(big)


def test_workers_leave_before_their_jobs_end_and_others_go_on_where_they_stopped(slurm, big, expected, hold):
    """The first two wait in the last group until their jobs are nearly over."""
    release, lines = held(hold, big)
    # Newer versions of Slurm say so; jobs of twenty seconds, of which a worker uses fifteen.
    options = on(big, slurm, workers=2, setup=f"export SLURM_JOB_END_TIME=$(($(date +%s) + 20)); {lines}")
    process = big.start(**options, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: "the job ends soon: units are given back" in said_by_workers(big))
    release()
    finished(process)
    nobody_left(slurm, big)
    assert big.digests() == expected
    assert log(big).count("an array of workers is handed in") > 1
    assert "given up" not in log(big)
