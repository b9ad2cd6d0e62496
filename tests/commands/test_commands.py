"""`scheduler status`, `retry --failed` and `clean`, and the journal behind them, over real sweeps."""

import json
import os
import sqlite3
import subprocess
import time

import pytest
from support import METHODS, NOISES, SCHEDULER, children, kill, log, wait_for


def command(run, *arguments, code=0):
    done = subprocess.run([str(SCHEDULER), *arguments, "--config", str(run.file)], capture_output=True, text=True, timeout=300)
    assert done.returncode == code, f"exit code {done.returncode}, expected {code}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def status(run):
    return json.loads(command(run, "status", "--json"))


def rows(run, sql):
    return sqlite3.connect(run.output / "attrisweep-journal.sqlite").execute(sql).fetchall()


@pytest.fixture
def two_groups(sweep):
    run = sweep(limit=10)
    run.config["search_space"] |= {"noise_conditions": NOISES[:2], "attribution_methods": METHODS[:2]}
    return run


def test_status_tells_how_far_a_sweep_is_before_while_and_after_it_runs(two_groups, hold):
    run = two_groups
    before = status(run)
    assert before["running"] is None and [store["maps"] for store in before["stores"]] == [20, 20]
    assert not run.output.exists()
    release = hold(run)
    # The system's start of a process is told in whole ticks.
    before = time.time() - 2
    process = run.start()
    during = wait_for(lambda: (now := status(run)) and any(store["maps_done"] for store in now["stores"]) and now)
    assert during["running"]["pid"] == process.pid and before <= during["running"]["since"] <= time.time() + 2
    assert f"Running: process {process.pid} on " in command(run, "status")
    release()
    assert process.wait(timeout=120) == 0
    after = status(run)
    assert after["running"] is None and after["failed"] == []
    assert all(store["complete"] and store["shards_done"] == store["shards"] == 3 for store in after["stores"])
    assert after["last_sweep"]["outcome"] == "complete" and after["speed"] > 0 and after["left"] == 0


def test_the_journal_has_every_attempt_with_its_device_times_maps_and_bytes(two_groups):
    run = two_groups
    run.run()
    assert rows(run, "SELECT outcome, units FROM sweeps") == [("complete", 6)]
    attempts = rows(run, "SELECT unit, attempt, device, state, ended >= started, seconds > 0, maps, bytes > 0 FROM attempts WHERE unit NOT LIKE '%means'")
    # A unit that waited behind another one may have been taken back for a worker that had nothing to do.
    assert {row[3] for row in attempts} <= {"done", "stopped"}
    attempts = [row for row in attempts if row[3] == "done"]
    assert len({row[0] for row in attempts}) == len(attempts) == 6
    threads = max(1, len(os.sched_getaffinity(0)) // 2)
    device = f"cpu, {threads} thread" + ("s" if threads > 1 else "")
    assert {row[2:6] for row in attempts} == {(device, "done", 1, 1)}
    assert sum(row[6] for row in attempts) == 40 and all(row[7] for row in attempts)


def test_a_killed_worker_and_a_killed_scheduler_are_told_apart_from_failures(two_groups, hold):
    run = two_groups
    release = hold(run)
    process = run.start()
    wait_for(run.maps)
    kill(children(process.pid)[0])
    wait_for(lambda: "how=Signal(9)" in log(run))
    kill(process.pid)
    process.wait()
    release()
    told = status(run)
    assert told["running"] is None and told["failed"] == [] and told["last_sweep"]["ended"] is None
    assert "its end: killed" in command(run, "status")
    run.run()
    assert rows(run, "SELECT count(*) FROM sweeps") == [(2,)]
    assert status(run)["failed"] == []


def damage_predictions(run):
    """Shard 1 of the clean group has predictions that cannot be read, and a map to compute from them."""
    store = next(store for store in run.stores() if "noise-clean" in store.name)
    predictions = store / "model_predictions" / "c.1.0"
    predictions.write_bytes(predictions.read_bytes()[:-3])
    (store / "attributions/Saliency/c.1.0.0.0").unlink()
    return store, predictions


def test_retry_runs_the_units_that_failed_and_nothing_else(two_groups):
    run = two_groups
    run.run()
    expected = run.digests()
    store, predictions = damage_predictions(run)
    run.run(code=1)
    failed = status(run)["failed"]
    assert [(unit["unit"], unit["class"]) for unit in failed] == [(f"{store.stem}/1", "Input")]
    assert "c.1.0` is not usable" in failed[0]["error"]
    assert f"{store.stem}/1: Input: " in command(run, "status")
    # The cause is mended; elsewhere something else is missing, which is not what is asked for.
    predictions.unlink()
    elsewhere = next(other for other in run.stores() if other != store) / "attributions/Saliency/c.0.0.0.0"
    elsewhere.unlink()
    assert "Wrote 4 attribution maps" in command(run, "retry", "--failed")
    assert not elsewhere.exists() and predictions.is_file()
    told = {store["name"]: store["complete"] for store in status(run)["stores"]}
    assert told == {store.stem: True, elsewhere.parents[2].stem: False}
    assert status(run)["failed"] == []
    assert "No unit that this config asks for has failed" in command(run, "retry", "--failed")
    run.run()
    assert run.digests() == expected


def test_retry_does_not_close_a_group_of_which_something_else_is_missing(two_groups):
    run = two_groups
    run.run()
    expected = run.digests()
    store, predictions = damage_predictions(run)
    run.run(code=1)
    predictions.unlink()
    (store / "images/c.2.0.0.0").unlink()
    command(run, "retry", "--failed")
    told = {store["name"]: (store["complete"], store["shards_done"]) for store in status(run)["stores"]}
    assert told[store.stem] == (False, 2)
    run.run()
    assert run.digests() == expected


@pytest.mark.parametrize("harm", [lambda data: bytes(len(data)), lambda data: data[: len(data) // 2], lambda data: b"no database\n" * 99, lambda data: data[:-777]])
def test_a_journal_that_cannot_be_read_costs_history_and_nothing_else(two_groups, harm):
    run = two_groups
    run.run()
    expected = run.digests()
    journal = run.output / "attrisweep-journal.sqlite"
    for companion in ("-wal", "-shm"):
        journal.with_name(journal.name + companion).unlink(missing_ok=True)
    damaged = harm(journal.read_bytes())
    journal.write_bytes(damaged)
    assert "Of earlier runs nothing is known: the journal" in command(run, "status")
    (run.stores()[0] / "images/c.0.0.0.0").unlink()
    told = run.run().stderr
    assert told.count("the journal") == 1 and ".damaged-" in told, told
    assert run.digests() == expected
    assert rows(run, "SELECT outcome FROM sweeps") == [("complete",)]
    assert [path.read_bytes() for path in run.output.glob("*.damaged-*")] == [damaged]


def test_status_names_the_processes_that_work_and_at_what(sweep, hold):
    run = sweep()
    run.config["search_space"]["noise_conditions"] = NOISES
    release = hold(run)
    process = run.start()
    told = wait_for(lambda: status(run)["under_way"])
    assert {work["pid"] for work in told} <= set(children(process.pid)), told
    # One that waited behind another may have been taken back for a worker that had nothing to do.
    assert all(work["unit"].startswith("dataset-rgb_model-resnet18_noise-") and work["attempt"] >= 1 for work in told)
    release()
    assert process.wait(timeout=120) == 0
    assert status(run)["under_way"] == []


@pytest.mark.parametrize("suffixes", [["-shm", "-wal", "-journal"], [""]])
def test_a_journal_that_is_emptied_under_a_running_sweep_does_not_end_it(sweep, suffixes, hold):
    run = sweep()
    release = hold(run)
    process = run.start()
    wait_for(lambda: list(run.output.rglob("images/c.0*")))
    for suffix in suffixes:
        file = run.output / f"attrisweep-journal.sqlite{suffix}"
        if file.exists():
            os.truncate(file, 0)
    release()
    assert process.wait(timeout=120) == 0
    assert rows(run, "SELECT outcome FROM sweeps") == [("complete",)]


def test_clean_removes_leftovers_of_ours_and_nothing_else(two_groups):
    run = two_groups
    run.run()
    expected = run.digests()
    logs = run.folder / "logs"
    means = run.folder / "means"
    means.mkdir()
    ours = [run.stores()[0] / "images/.c.1.0.0.0.77-1.tmp", run.output / "attrisweep-journal.sqlite.damaged-1", means / ".rgb_mean.pt.77.tmp"]
    theirs = [run.output / "notes.txt", logs / "worker-notes.log", logs / "other.log", means / "rgb_mean.pt", means / ".x.tmp", run.output / ".mine.tmp"]
    foreign = run.output / "theirs.zarr"
    foreign.mkdir()
    theirs.append(foreign / ".c.0.x.tmp")
    for path in ours + theirs:
        path.write_text("x")
    outside = run.folder / "outside"
    outside.mkdir()
    (outside / ".a.b.tmp").write_text("x")
    (run.stores()[0] / "link").symlink_to(outside)
    ours += [logs / "scheduler.log", logs / "worker-0.log", logs / "worker-1.log"]
    told = command(run, "clean", "--dry-run")
    assert all(str(path) in told and path.exists() for path in ours)
    told = command(run, "clean")
    assert all(str(path) in told and not path.exists() for path in ours)
    assert all(path.exists() for path in theirs) and (outside / ".a.b.tmp").exists()
    assert {path: digest for path, digest in run.digests().items() if "theirs.zarr" not in path} == expected
    assert (run.output / "attrisweep-journal.sqlite").is_file()


def test_clean_leaves_a_running_sweep_alone(two_groups, hold):
    release = hold(two_groups)
    process = two_groups.start()
    wait_for(two_groups.maps)
    command(two_groups, "clean", code=6)
    command(two_groups, "clean", "--dry-run")
    release()
    assert process.wait(timeout=120) == 0


def test_clean_leaves_the_logs_of_another_sweep_in_the_same_folder(two_groups, tmp_path):
    run = two_groups
    run.run()
    logs = run.folder / "logs"
    first = {path.name for path in logs.iterdir()}
    output = run.config["paths"]["final_output_dir"]
    run.config["paths"]["final_output_dir"] = str(tmp_path / "elsewhere")
    run.run()
    second = {path.name for path in logs.iterdir()} - first
    assert len(second) == 3 and all("-" in name for name in second), second
    kept = {name: (logs / name).read_bytes() for name in first}
    command(run, "clean")
    assert {path.name: path.read_bytes() for path in logs.iterdir()} == kept
    run.config["paths"]["final_output_dir"] = output
    command(run, "clean")
    assert not list(logs.iterdir())
