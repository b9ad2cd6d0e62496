"""Whatever is killed or stopped, whenever: the stores end with the bytes of an undisturbed run, and `scheduler verify` is content."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest
from support import METHODS, NOISES, SCHEDULER, Sweep, kill, wait_for
from support.faults.kills import strike

KILLS = int(os.environ.get("ATTRISWEEP_KILLS", "40"))
SEED = int(os.environ.get("ATTRISWEEP_SEED", "6"))


def configured(folder, inputs):
    run = Sweep(folder, inputs, limit=22)
    run.config["search_space"] |= {"noise_conditions": NOISES, "attribution_methods": [*METHODS[:2], METHODS[4]]}
    return run


def split(folder, inputs):
    """A sweep of one shard, which three devices share."""
    run = Sweep(folder, inputs, store={"shard": 24}, devices={"cpu": 3})
    run.config["search_space"]["attribution_methods"] = METHODS
    return run


def lose_something(run, moments):
    """A sweep that ended too early has something to do again."""
    lost = moments.choice(sorted(path for path in run.output.rglob("c.*") if ".zarr/" in str(path)))
    lost.unlink()


@pytest.mark.parametrize(("configured", "most"), [(configured, KILLS), (split, KILLS // 2)])
def test_kills_at_random_leave_the_bytes_of_an_undisturbed_run(tmp_path, inputs, configured, most):
    print(f"ATTRISWEEP_SEED={SEED} ATTRISWEEP_KILLS={KILLS}", file=sys.stderr)
    (tmp_path / "undisturbed").mkdir()
    (tmp_path / "killed").mkdir()
    undisturbed, run = configured(tmp_path / "undisturbed", inputs), configured(tmp_path / "killed", inputs)
    undisturbed.run()
    moments = random.Random(SEED)
    kills = 0
    codes = set()
    while kills < most:
        process = run.start()
        while process.poll() is None and kills < most:
            time.sleep(moments.uniform(0.05, 2.5))
            if process.poll() is None:
                kills += strike(run, process, moments)
                time.sleep(0.05)
        if kills >= most:
            kill(process.pid)
        codes.add(process.wait(timeout=60))
        if process.returncode == 0:
            lose_something(run, moments)
    # 5: the worker that was killed was answering the scheduler's questions.
    assert codes <= {0, 5, -signal.SIGKILL}, codes
    run.run()
    assert run.digests() == undisturbed.digests()
    assert not list(run.output.rglob(".*.tmp"))
    # Its maps have the bytes of the undisturbed run: one of each variant computed again is as good as many.
    verified = subprocess.run([SCHEDULER, "verify", "--config", run.file, "--seconds", "0"], capture_output=True, text=True, timeout=120)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert not list(run.output.glob("*.damaged-*")), "no kill may damage the journal"


def test_of_two_schedulers_at_once_one_works_and_the_other_is_told_who(tmp_path, inputs, hold):
    run = configured(tmp_path, inputs)
    release = hold(run)
    both = [run.start(stderr=subprocess.PIPE, text=True) for _ in range(2)]
    wait_for(lambda: any(process.poll() is not None for process in both))
    release()
    told = {process.pid: process.communicate(timeout=240)[1] for process in both}
    codes = {process.returncode: process.pid for process in both}
    assert set(codes) == {0, 6}, told
    assert f"another scheduler is writing to `{run.output}` (process {codes[0]} on " in told[codes[6]]
    verified = subprocess.run([SCHEDULER, "verify", "--config", run.file], capture_output=True, text=True, timeout=120)
    assert verified.returncode == 0, verified.stdout + verified.stderr
