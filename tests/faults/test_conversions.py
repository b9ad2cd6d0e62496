"""Kills, crashes at writes and full disks while finished stores get another form, or become folders again: nothing is lost, and the end
has the bytes of an undisturbed run."""

import os
import random
import shutil
import signal
import sys
import time

import pytest
from support import METHODS, Sweep, kill
from support.faults.disks import chosen

KILLS = int(os.environ.get("ATTRISWEEP_KILLS", "40")) // 2
SEED = int(os.environ.get("ATTRISWEEP_SEED", "8"))


def configured(folder, inputs, form, methods):
    folder.mkdir(exist_ok=True)
    run = Sweep(folder, inputs, limit=10, store={"shard": 4, "format": form})
    run.config["search_space"]["attribution_methods"] = METHODS[:methods]
    return run


def content(run):
    """Every file of every store, by path, whatever the form."""
    files = [path for path in run.output.rglob("*") if path.is_file() and path.relative_to(run.output).parts[0].startswith("dataset-")]
    return {str(path.relative_to(run.output)): path.read_bytes() for path in files}


def seen(run):
    """Names of stores in the output folder, unfinished ones included."""
    names = {name for name in os.listdir(run.output) if "dataset-" in name}
    inside = {name for folder in names if folder.endswith(".pt") for name in listed(run.output / folder)}
    return names | inside


def listed(folder):
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def kill_at_a_change(run, process, moments):
    """Kills the scheduler a moment after stores appeared or went, or after a while; whether it still ran."""
    before, end = seen(run), time.monotonic() + moments.uniform(1, 12)
    while time.monotonic() < end and process.poll() is None:
        if (now := seen(run)) != before:
            before = now
            if moments.random() < 0.4:
                time.sleep(moments.choice([0, 0.001, 0.01, 0.1, 2]) * moments.random())
                break
    return process.poll() is None and kill(process.pid)


@pytest.mark.parametrize("form", ["zarr.zip", "pt"])
def test_kills_while_a_store_changes_its_form_leave_the_bytes_of_an_undisturbed_run(tmp_path, inputs, form):
    print(f"ATTRISWEEP_SEED={SEED} ATTRISWEEP_KILLS={2 * KILLS}", file=sys.stderr)
    begun, whole = (configured(tmp_path / name, inputs, form, methods) for name, methods in (("begun", 1), ("whole", 2)))
    begun.run()
    whole.run()
    wanted, moments = content(whole), random.Random(SEED)
    run = configured(tmp_path / "killed", inputs, form, 2)
    shutil.copytree(begun.output, run.output)
    kills = rounds = 0
    while kills < KILLS:
        process = run.start()
        kills += kill_at_a_change(run, process, moments)
        assert process.wait(timeout=120) in (0, -signal.SIGKILL)
        if process.returncode == 0:
            assert content(run) == wanted
            rounds += 1
            shutil.rmtree(run.output)
            shutil.copytree(begun.output, run.output)
    run.run()
    assert content(run) == wanted
    assert not [name for name in seen(run) if name.endswith(".tmp")]
    print(f"{kills} kills, {rounds} whole conversions between them", file=sys.stderr)


def begun(disk, name, finished, form, methods=2):
    """A sweep whose stores of another form, or with fewer methods, are finished; the same command now wants `form`."""
    made = disk(name, limit=4, form=form)
    space = made.run.config["search_space"]
    space["attribution_methods"] = space["attribution_methods"][:methods]
    if finished:
        shutil.copytree(finished.run.output, made.run.output)
    return made


def changed(disk, finished, form):
    """What a conversion that nothing disturbs leaves, and how many calls it took."""
    whole = begun(disk, f"whole-{form}", finished, form)
    whole.finish()
    return content(whole.run), whole.calls()


@pytest.mark.parametrize("start, form", [("zarr", "zarr.zip"), ("zarr", "pt"), ("pt", "zarr.zip"), ("zarr.zip", "zarr.zip")])
def test_a_crash_or_a_full_disk_at_any_write_of_a_conversion_loses_nothing(disk, start, form):
    """From one form to another one, or, where both are the same, to a folder that is extended and back again."""
    print(f"ATTRISWEEP_SEED={SEED}", file=sys.stderr)
    finished = begun(disk, "finished", None, start, methods=1 if start == form else 2)
    finished.finish()
    wanted, calls = changed(disk, finished, form)
    moments, ends = random.Random(SEED), []
    for number, at in enumerate(chosen(calls, moments)):
        fault = {"AT": at, "WHEN": moments.choice(["before", "after", "full"]), "WHOM": moments.choice(["caller", "all"])}
        print(fault, file=sys.stderr)
        run = begun(disk, f"run-{number}", finished, form)
        process = run.start(**fault)
        _, told = process.communicate(timeout=300)
        # 5: the worker that crashed was answering the scheduler's questions. 6: the disk was full before the sweep began, or at its end.
        assert process.returncode in (0, 1, 5, 6, -signal.SIGKILL), (fault, told)
        ends.append(process.returncode)
        run.finish()
        assert content(run.run) == wanted, (fault, told)
        assert not [name for name in seen(run.run) if name.endswith(".tmp")], (fault, told)
        run.assert_sound()
        shutil.rmtree(run.run.output)
    assert -signal.SIGKILL in ends, ends


@pytest.mark.parametrize("form", ["zarr.zip", "pt"])
def test_a_file_that_cannot_be_removed_costs_a_conversion_nothing_and_a_later_run_removes_it(disk, form):
    finished = begun(disk, "finished", None, "zarr")
    finished.finish()
    wanted, _ = changed(disk, finished, form)
    run = begun(disk, "busy", finished, form)
    # In a folder that is being removed, files are named by their names alone.
    process = run.start(BUSY="c.0.0.0.0")
    _, told = process.communicate(timeout=300)
    assert process.returncode == 0, told
    assert content(run.run) == wanted
    (left,) = (name for name in os.listdir(run.run.output) if name.endswith("-old.tmp"))
    assert [path.name for path in (run.run.output / left).rglob("c.0.0.0.0")], "it is still there"
    run.finish()
    assert not (run.run.output / left).exists() and content(run.run) == wanted
    run.assert_sound()
