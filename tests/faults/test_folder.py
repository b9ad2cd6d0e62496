"""An output folder in which something else stands, which is moved away, or which cannot be locked."""

import copy
import os
import shutil
import signal
import subprocess

from support import Sweep, alive, children, compiled, has_argument, log, wait_for
from support.faults import fill, started

MOVED = "was moved away, or its lock file was deleted"


def test_what_killed_workers_left_makes_room_on_a_full_disk(small_disk, undisturbed, hold):
    release = hold(small_disk)
    process = started(small_disk)
    array = wait_for(small_disk.maps).pop().parent
    ended = subprocess.Popen(["true"])
    ended.wait()
    # A shard that a worker was writing when it was killed takes all the room that there is.
    fill(array)
    (array / "somebody_elses").rename(array / f".c.1.{ended.pid}-1.tmp")
    release()
    _, told = process.communicate(timeout=120)
    assert process.returncode == 0, told
    assert small_disk.digests() == undisturbed[0]


def test_a_folder_that_was_moved_away_is_not_written_to_when_another_scheduler_has_its_place(disturbed, undisturbed, hold):
    release = hold(disturbed)
    process = started(disturbed)
    wait_for(disturbed.maps)
    disturbed.output.rename(disturbed.output.with_name("away"))
    release()
    wait_for(lambda: MOVED in log(disturbed) or "is not there" in log(disturbed))
    other = started(disturbed)
    wait_for(lambda: (disturbed.output / ".attrisweep.lock").exists())
    _, told = other.communicate(timeout=120)
    assert other.returncode == 0, told
    # The first one goes on once the folder is nobody's, finds everything there, and ends.
    _, told = process.communicate(timeout=120)
    assert process.returncode == 0, told
    assert disturbed.digests() == undisturbed[0]
    assert not list(disturbed.output.rglob(".*.tmp"))


def test_a_sweep_in_a_copy_of_the_folder_of_a_running_one_leaves_that_ones_workers_alone(sweep, hold):
    run = sweep(devices={"cpu": 1})
    release = hold(run)
    process = started(run)
    wait_for(run.maps)
    (worker,) = [child for child in children(process.pid) if has_argument(child, "run")]
    # Neither answers for as long as the copy is at work.
    stopped = (process.pid, worker)
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    copied = Sweep(run.folder, run.folder)
    copied.config, copied.output = copy.deepcopy(run.config), run.folder / "copy"
    copied.config["paths"] |= {"final_output_dir": str(copied.output), "scheduler_log_dir": str(run.folder / "other logs")}
    shutil.copytree(run.output, copied.output)
    release()
    copied.run("--lease", "10")
    assert alive(worker)
    for pid in stopped:
        os.kill(pid, signal.SIGCONT)
    assert process.wait(timeout=120) == 0
    assert "signal 9" not in log(run)


def test_a_link_to_a_folder_that_is_gone_is_told_as_that(sweep):
    run = sweep()
    run.output.symlink_to(run.folder / "scratch" / "purged")
    sentence = f"it is a link to `{run.folder}/scratch/purged`, which is not there"
    assert sentence in run.run(code=6).stderr
    run.output.unlink()
    logs = run.folder / "logs"
    logs.symlink_to(run.folder / "gone")
    done = run.run(code=6)
    assert f"it is a link to `{run.folder}/gone`" in done.stdout + done.stderr


def test_a_lock_file_that_is_deleted_is_made_anew_before_anything_else_is_granted(disturbed, undisturbed, hold):
    release = hold(disturbed)
    process = started(disturbed)
    lock = disturbed.output / ".attrisweep.lock"
    wait_for(disturbed.maps)
    lock.unlink()
    wait_for(lock.exists)
    release()
    _, told = process.communicate(timeout=120)
    assert process.returncode == 0, told
    assert disturbed.digests() == undisturbed[0]


def test_something_else_in_the_place_of_an_array_stops_its_units_and_no_others(disturbed, undisturbed, hold):
    release = hold(disturbed)
    process = started(disturbed)
    wait_for(disturbed.maps)
    # The one that nobody can write to before the two lines are done.
    (array,) = disturbed.output.glob("*noise-gaussian*/attributions/IntegratedGradients_*_n_steps_12")
    array.rename(disturbed.folder / "away")
    array.write_text("no folder")
    release()
    _, told = process.communicate(timeout=120)
    assert process.returncode == 1, told
    assert f"{array}" in told and "Not a directory" in told and "the sweep waits" not in told
    others = [store for store in disturbed.stores() if store not in array.parents]
    assert others and all('"complete": true' in (store / "zarr.json").read_text() for store in others)
    array.unlink()
    disturbed.run()
    assert disturbed.digests() == undisturbed[0]


def test_a_file_system_without_locks_is_told_as_such(sweep, tmp_path):
    library = compiled("no_locks.c", tmp_path / "no_locks.so")
    run = sweep()
    refused = run.run(code=6, env={**os.environ, "LD_PRELOAD": str(library)}).stderr
    assert "file system without locks" in refused and "Operation not supported" in refused and "flock" in refused
    assert not run.stores()
    run.run()


def test_in_a_folder_of_a_group_everything_can_be_written_by_the_group(sweep):
    """As long as the umask says so: a colleague goes on with the sweep, and with its history."""
    run = sweep(limit=2)
    space = run.config["search_space"]
    space["attribution_methods"] = [{"name": "DeepLIFT", "class": "DeepLift", "params": {"baselines": "global_mean"}}]
    run.run(umask=0o002)
    # `--config` lies there before, and was made with the umask of this process.
    written = [path for path in run.folder.rglob("*") if path != run.file and path.is_file()]
    assert {"attrisweep-journal.sqlite", "scheduler.log", "worker-0.log", "rgb_mean.pt"} <= {path.name for path in written}
    assert {oct(path.stat().st_mode & 0o777) for path in written} == {"0o664"}
    run.run("--limit", "4", umask=0o022)
    assert oct((run.output / "attrisweep-journal.sqlite").stat().st_mode & 0o777) == "0o664"
