"""A crash at every write: what is on the disk then is enough for the next run, whose bytes are those of an undisturbed one."""

import os
import random
import sys
import time

from support import WORKER, log, wait_for
from support.faults import GOES_ON, WAITS
from support.faults.disks import CRASHES, chosen

SEED = int(os.environ.get("ATTRISWEEP_SEED", "6"))


def undisturbed(disk, **options):
    """The bytes of an undisturbed run, and how many calls it took."""
    whole = disk("undisturbed", **options)
    whole.finish()
    return whole.run.digests(), whole.calls()


def test_a_crash_at_any_write_leaves_what_the_next_run_needs(disk):
    print(f"ATTRISWEEP_SEED={SEED} ATTRISWEEP_CRASHES={CRASHES}", file=sys.stderr)
    expected, calls = undisturbed(disk)
    assert calls > 200, "the library is in use"
    moments, ends = random.Random(SEED), []
    for number, at in enumerate(chosen(calls, moments)):
        fault = {"AT": at, "WHEN": moments.choice(["before", "after"]), "WHOM": moments.choice(["caller", "all"])}
        print(fault, file=sys.stderr)
        crashed = disk(f"crash-{number}")
        process = crashed.start(**fault)
        process.communicate(timeout=120)
        ends.append(process.returncode)
        if crashed.calls() >= at and fault["WHOM"] == "all":
            assert process.returncode == -9
        crashed.finish()
        crashed.assert_finished(expected)
    # 5: the worker that crashed was answering the scheduler's questions.
    assert set(ends) <= {0, 5, -9} and ends.count(-9) >= len(ends) / 2, ends


def test_what_computed_is_known_though_nobody_lived_to_tell_it(disk, tmp_path):
    expected, _ = undisturbed(disk)
    crashed, hold = disk("untold"), tmp_path / "hold"
    go, worker = tmp_path / "go", tmp_path / "worker"
    worker.write_text(f'#!/bin/sh\n[ "$1" != run ] || until [ -e {go} ]; do sleep 0.1; done\nexec {WORKER} "$@"\n')
    worker.chmod(0o755)
    process = crashed.start("--worker", str(worker), HOLD=hold, HELD=crashed.store / ".zarr.json")
    # The store is there before that, and its workers do not begin yet: they cannot have completed it.
    wait_for(lambda: "the sweep begins" in log(crashed.run))
    # From here on the scheduler writes no root: all maps are there, and the store says as little as before.
    hold.touch()
    go.touch()
    wait_for(lambda: len(crashed.run.maps()) == 2 * 2)
    crashed.end()
    process.communicate(timeout=120)
    assert '"complete": false' in (crashed.store / "zarr.json").read_text()
    hold.unlink()
    crashed.finish()
    crashed.assert_finished(expected)


def test_a_slow_disk_changes_no_byte_and_makes_no_worker_look_dead(disk, tmp_path):
    expected, _ = undisturbed(disk)
    slow, hold = disk("slow"), tmp_path / "hold"
    hold.touch()
    # Each call is slow, and one of a worker takes longer than its lease.
    process = slow.start("--lease", "30", DELAY=5_000, HOLD=hold, HELD=slow.maps(0))
    wait_for(lambda: "worker connected" in log(slow.run))
    time.sleep(40)
    hold.unlink()
    _, told = process.communicate(timeout=240)
    assert process.returncode == 0, told
    # What stands still beside other tests may be the scheduler.
    wrong = [line for line in log(slow.run).splitlines() if ("WARN" in line or "ERROR" in line) and "stood still" not in line]
    assert not wrong
    slow.assert_finished(expected)


def test_a_disk_that_turns_read_only_is_waited_for(disk, tmp_path):
    expected, _ = undisturbed(disk, limit=8)
    run, hold = disk("readonly", limit=8), tmp_path / "hold"
    hold.touch()
    process = run.start(HOLD=hold, HELD=run.maps(1))
    wait_for(run.run.maps)
    run.readonly.touch()
    hold.unlink()
    wait_for(lambda: WAITS in log(run.run))
    wait_for(lambda: log(run.run).count("is tried again after a pause") >= 2)
    assert process.poll() is None
    run.readonly.unlink()
    _, told = process.communicate(timeout=120)
    assert process.returncode == 0, told
    assert told.count(WAITS) == 1 and told.count(GOES_ON) == 1, told
    assert "Read-only file system" in told
    run.assert_finished(expected)
