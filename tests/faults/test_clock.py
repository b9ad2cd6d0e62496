"""A clock that is set forward, back, and to before 1970 while a sweep runs, by a library that is preloaded."""

import os
import random
import subprocess
import time

import pytest
from support import METHODS, NOISES, SCHEDULER, Sweep, compiled, kill, log

DAY = 86400
# 1970 is 1.8e9 seconds ago.
JUMPS = [0, 1, -1, 3600, -3600, DAY, -DAY, 400 * DAY, -400 * DAY, 10_000 * DAY, -2_000_000_000, 8_000_000_000]


@pytest.fixture(scope="session")
def clock(tmp_path_factory):
    return compiled("fake_clock.c", tmp_path_factory.mktemp("clock") / "clock.so")


def configured(folder, inputs):
    folder.mkdir()
    run = Sweep(folder, inputs, limit=22)
    integrated = {"name": "Others", "class": "IntegratedGradients", "params": {"n_steps": [3, 4, 6]}}
    run.config["search_space"] |= {"noise_conditions": NOISES, "attribution_methods": [*METHODS, integrated]}
    return run


def test_a_clock_that_jumps_changes_no_byte_and_loses_no_worker(tmp_path, inputs, clock, hold):
    undisturbed, run = configured(tmp_path / "undisturbed", inputs), configured(tmp_path / "jumping", inputs)
    undisturbed.run()
    off = tmp_path / "off"
    environment = {**os.environ, "LD_PRELOAD": str(clock), "FAKE_CLOCK": str(off)}

    def set_to(seconds):
        # A reader must not see half of it.
        (tmp_path / "new").write_text(str(seconds))
        (tmp_path / "new").rename(off)

    def start():
        return subprocess.Popen(run.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)

    set_to(JUMPS[-1])
    shown = subprocess.run(["date", "+%Y"], capture_output=True, text=True, env=environment).stdout
    assert int(shown) > 2200, "the library is in use"
    moments, jumps = random.Random(6), 0
    # Once workers are there, or there again; the third scheduler is left alone. Nothing is over before that.
    killed_at, release = [2, 4], hold(run)
    environment |= {name: os.environ[name] for name in ("FAKE_DISK_HOLD", "FAKE_DISK_HELD")}
    environment["LD_PRELOAD"] = f"{clock} {os.environ['LD_PRELOAD']}"
    process = start()
    while process.poll() is None:
        set_to(moments.choice(JUMPS))
        jumps += 1
        time.sleep(moments.uniform(0.02, 0.2))
        if killed_at and run.maps() and log(run).count("worker connected") >= killed_at[0]:
            # Its workers go on, and the next one, whose clock says something else, takes them back.
            kill(process.pid)
            process.wait()
            killed_at.pop(0)
            process = start()
        if not killed_at and jumps > 40:
            release()
    assert process.returncode == 0, log(run)
    assert not killed_at, "it was killed twice"
    assert run.digests() == undisturbed.digests()
    text = log(run)
    # What stands still beside other tests may be the scheduler.
    wrong = [line for line in text.splitlines() if ("WARN" in line or "ERROR" in line) and "stood still" not in line]
    assert not wrong
    status = subprocess.run([SCHEDULER, "status", "--config", run.file], capture_output=True, text=True, env=environment)
    assert status.returncode == 0, status.stderr
    # Its maps have the bytes of the undisturbed run: one of each variant computed again is as good as many.
    verified = subprocess.run([SCHEDULER, "verify", "--config", run.file, "--seconds", "0"], capture_output=True, text=True, env=environment)
    assert verified.returncode == 0, verified.stdout + verified.stderr
