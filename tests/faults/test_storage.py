"""A disk that is full and a store that is gone for a while: the sweep waits, says so once, and goes on by itself."""

import re
import sqlite3
import subprocess
import time

from support import NOISES, SCHEDULER, Sweep, log, wait_for
from support.faults import GOES_ON, WAITS, disk, fill, started


def granted(run):
    """How often workers say that they failed."""
    logs = "".join(path.read_text() for path in (run.folder / "logs").glob("worker-*.log"))
    return len(re.findall(r" failed unit=", logs))


def test_a_full_disk_pauses_the_sweep_until_there_is_room(small_disk, undisturbed, hold):
    release = hold(small_disk)
    process = started(small_disk)
    wait_for(small_disk.maps)
    fill(small_disk.output)
    release()
    wait_for(lambda: WAITS in log(small_disk))
    # Several tries, none of which costs a unit or makes a worker compute what cannot be written: two workers fail at what they
    # have, which are two units each.
    wait_for(lambda: log(small_disk).count("is tried again after a pause") >= 5)
    assert granted(small_disk) <= 4
    assert process.poll() is None
    (small_disk.output / "somebody_elses").unlink()
    _, told = process.communicate(timeout=120)
    assert process.returncode == 0, told
    assert told.count(WAITS) == 1 and told.count(GOES_ON) == 1, told
    assert "No space left on device" in told
    with sqlite3.connect(small_disk.output / "attrisweep-journal.sqlite") as journal:
        assert journal.execute("SELECT count(*) FROM attempts WHERE state IS NULL").fetchone() == (0,), "what waited is written"
    assert small_disk.digests() == undisturbed[0]


def test_a_sweep_of_12_mb_on_a_disk_of_10_waits_until_that_is_larger(tmp_path, inputs):
    # 24 images of 9 kB, 14 variants and four noises.
    store = {"shard": 8, "dtype": "float32", "compression": "none"}
    runs = []
    for name in ("roomy", "tight"):
        (tmp_path / name).mkdir()
        run = Sweep(tmp_path / name, inputs, store=store)
        gradients = [{"name": f"Saliency{index}", "class": "Saliency", "params": {}} for index in range(14)]
        run.config["search_space"] |= {"attribution_methods": gradients, "noise_conditions": NOISES}
        runs.append(run)
    roomy, tight = runs
    roomy.run()
    assert sum(path.stat().st_size for path in roomy.output.rglob("c.*")) > 12e6
    with disk(tight.output, 10):
        process = started(tight)
        wait_for(lambda: WAITS in log(tight), 120)
        time.sleep(2)
        assert process.poll() is None
        subprocess.run(["mount", "-o", "remount,size=200m", str(tight.output)], check=True)
        _, told = process.communicate(timeout=240)
        assert process.returncode == 0, told
        assert tight.digests() == roomy.digests()
        # Its maps have the bytes of the undisturbed run: one of each variant computed again is as good as many.
        verified = subprocess.run([SCHEDULER, "verify", "--config", tight.file, "--seconds", "0"], capture_output=True, text=True, timeout=240)
        assert verified.returncode == 0, verified.stdout + verified.stderr


def test_a_disk_that_is_full_at_the_start_ends_the_run_with_its_code(small_disk):
    fill(small_disk.output)
    assert "cannot be written" in (failed := small_disk.run(code=6).stderr) or "cannot write" in failed


def test_a_store_that_is_gone_for_a_while_is_waited_for(disturbed, undisturbed, hold):
    release = hold(disturbed)
    process = started(disturbed)
    wait_for(disturbed.maps)
    away = disturbed.output.with_name("away")
    disturbed.output.rename(away)
    release()
    wait_for(lambda: WAITS in log(disturbed))
    time.sleep(3)
    assert process.poll() is None
    assert not disturbed.output.exists(), "nothing may be written beside the disk that is to come back"
    away.rename(disturbed.output)
    _, told = process.communicate(timeout=120)
    assert process.returncode == 0, told
    assert told.count(WAITS) == 1
    assert disturbed.digests() == undisturbed[0]
