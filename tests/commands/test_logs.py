"""Logs as programs read them."""

import json


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_line_of_a_log_is_an_object_and_lines_from_the_course_of_a_unit_name_it(sweep):
    run = sweep(limit=2)
    run.run("--log-format", "json", "--log", "info,worker::engine=debug,worker::commands=debug")
    scheduler = lines(run.folder / "logs" / "scheduler.log")
    # Which worker gets a unit is a matter of which one is there first.
    workers = [line for slot in range(2) for line in lines(run.folder / "logs" / f"worker-{slot}.log")]
    assert all({"timestamp", "level", "target", "message"} <= set(line) for line in workers + scheduler)
    ended = [line for line in workers if line["message"] == "done"]
    assert ended and all("_split-test/" in line["unit"] and line["attempt"] >= 1 for line in ended)
    assert "worker connected" in {line["message"] for line in scheduler}


def test_a_filter_leaves_lines_out_and_a_slip_in_it_is_told_before_anything_begins(sweep):
    run = sweep(limit=1)
    run.run("--log", "warn")
    assert (run.folder / "logs" / "worker-0.log").read_text() == ""
    told = run.run("--log", "debg", code=2).stderr
    assert "`debg` is no level; a filter is a level (off, error, warn, info, debug, trace)" in told
