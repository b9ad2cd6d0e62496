"""What is counted against units and groups: by a worker that misbehaves on purpose, and by schedulers that are killed."""

import json
import shutil
import sqlite3

from support import METHODS, WORKER, children, kill, wait_for


def misbehaving(folder, on_run):
    """A worker program that does this, in the shell, before it serves a sweep."""
    program = folder / "misbehaving"
    program.write_text(f'#!/bin/sh\nif [ "$1" = run ]; then\n{on_run}\nfi\nexec "{WORKER}" "$@"\n')
    program.chmod(0o755)
    return ["--worker", str(program)]


def crashes(run):
    """Rows of the journal about crashes, while somebody else writes it."""
    file = run.output / "attrisweep-journal.sqlite"
    if not file.exists():
        return 0
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as journal:
        try:
            return journal.execute("SELECT count(*) FROM attempts WHERE class = 'Crash'").fetchone()[0]
        except sqlite3.OperationalError:
            return 0


def test_weights_that_change_stop_their_group_with_one_line_and_the_others_are_written(sweep, inputs, tmp_path):
    shutil.copytree(inputs / "weights", tmp_path / "weights")
    run = sweep(models=("resnet18", "vit_cifar"), devices={"cpu": 1})
    run.config["paths"]["medmnist_weights_root"] = str(tmp_path / "weights")
    run.config["search_space"]["attribution_methods"] = METHODS[:1]
    weights = tmp_path / "weights" / "weights_rgb" / "vit_cifar_28_1.pth"
    told = run.run(*misbehaving(tmp_path, f'printf changed > "{weights}"'), code=1).stderr
    # Six shards and the means of one group: the reason stands there once.
    log, _, told = told.partition("7 units failed")
    assert "what is left of the group is given up" in log and log.count("unit given up") <= 2
    assert told.count(f"`{weights}` has changed since the sweep was checked") == 1
    assert " and 5 more: bad input of its group: " in told
    complete = [json.loads((store / "zarr.json").read_text())["attributes"]["attrisweep"]["complete"] for store in run.stores()]
    assert complete == [True, False]


def test_a_unit_that_crashed_before_the_scheduler_was_killed_has_what_is_left_of_its_budget(sweep, hold, tmp_path):
    run = sweep(devices={"cpu": 1}, limit=4)
    run.config["search_space"]["attribution_methods"] = METHODS[:2]
    hold(run)
    # No worker gets further than the last file of the unit. Each of them crashes there, but for the third one, which is there
    # when all are killed.
    crashing = misbehaving(tmp_path, f"""
        number=1; until mkdir "{tmp_path}/$number" 2>/dev/null; do number=$((number + 1)); done
        [ $number = 3 ] || ( while kill -0 $$ && ! [ -e "{tmp_path}/held.$$" ]; do sleep 0.1; done; kill -ILL $$ ) &""")
    process = run.start(*crashing)
    wait_for(lambda: crashes(run) == 2)
    wait_for(lambda: len(list(tmp_path.glob("held.*"))) == 3)
    workers = children(process.pid)
    for pid in [process.pid, *workers]:
        kill(pid)
    process.wait()
    # Three is the budget; what became of the worker that was killed with its scheduler nobody saw.
    assert "(crashes of its worker: 3 of 3)" in run.run(*crashing, code=1).stderr
    assert crashes(run) == 3
