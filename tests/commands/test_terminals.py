"""What a person and a program see of a running sweep, on terminals of every kind and without one."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
import time

import pytest
from support import METHODS, PREFLIGHT, SCHEDULER, WORKER
from support.sweep import noisy

WIDTH, HEIGHT = 100, 30


def seen(run, term, *arguments, code=0, watched=lambda _: None):
    """What a terminal shows of a run whose TERM is `term`, byte by byte. `watched` is called with all of it whenever there is more."""
    main, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name != "TERM"}
    if term is not None:
        environment["TERM"] = term
    process = subprocess.Popen(run.command(*arguments), stdout=subprocess.DEVNULL, stderr=end, env=environment)
    os.close(end)
    shown = b""
    while True:
        try:
            part = os.read(main, 1 << 16)
        except OSError:  # Linux says so at the end of a terminal whose other side is closed.
            break
        if not part:
            break
        shown += part
        watched(shown.decode(errors="replace"))
    os.close(main)
    assert process.wait() == code
    return shown.decode()


def plain(text):
    """The text without what moves the cursor or colours."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def drawn_lines(shown):
    """Lines of a terminal. Whatever moves the cursor ends a line, too: the next one is drawn elsewhere."""
    return [line for line in re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "\n", shown)) if line.strip()]


@pytest.mark.parametrize("term", [None, "dumb", "xterm"])
def test_every_terminal_shows_progress_and_no_forecast_before_there_is_one(sweep, term):
    run = sweep(limit=4)
    run.config["search_space"]["attribution_methods"] = METHODS[:1]
    shown = seen(run, term)
    first = shown[shown.index("0/4 maps") :].splitlines()[0]
    assert "left" not in first and "/s" not in first, shown
    # Only a bar moves the cursor.
    assert ("\x1b[" in shown) == (term == "xterm"), shown


def test_a_terminal_has_a_line_for_each_device_that_is_no_wider_than_the_terminal(sweep, hold):
    run = sweep(limit=24, devices={"cpu": 2}, store={"shard": 2})
    noisy(run, 2).config["search_space"]["attribution_methods"] = METHODS[:2]
    release, deadline = hold(run), time.monotonic() + 120
    looked_for = [r"cpu:0 ", r"cpu:1 ", r"cpu:\d \| .* \| rgb resnet18 \S+ test, shard \d", r".*/96 maps, [0-9.]+/s, about \d+ (s|min|h) "]

    def rows(lines):
        # Lines are filled up to the width of the terminal, which ends them itself.
        return [line[at : at + WIDTH] for line in lines for at in range(0, len(line), WIDTH)]

    def missing(lines):
        return [words for words in looked_for if not any(re.match(words, row) for row in rows(lines))]

    def watched(shown):
        # The sweep goes on once everything was drawn that is drawn of a sweep that runs.
        if not missing(drawn_lines(shown)) or time.monotonic() > deadline:
            release()

    lines = drawn_lines(seen(run, "xterm", watched=watched))
    assert not missing(lines), lines
    assert {row.split(" | ")[0] for row in rows(lines) if re.match(r"cpu:\d ", row)} == {"cpu:0", "cpu:1"}, lines
    # One that was too wide would go on in the next.
    begins = r"cpu:\d |\d\d:\d\d:\d\d "
    drawn = [line for line in lines if re.match(begins, line)]
    assert all(re.match(begins, line[at : at + WIDTH]) for line in drawn for at in range(0, len(line), WIDTH)), drawn


def test_what_is_quiet_says_nothing_where_nothing_is_wrong(sweep, monkeypatch):
    # Whoever sets the variable is warned that it counts.
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    run = sweep(limit=4)
    run.config["search_space"]["attribution_methods"] = METHODS[:1]
    done = run.run("--quiet")
    assert (done.stdout, done.stderr) == ("", "")
    assert seen(run, "xterm", "--quiet") == ""


@pytest.fixture
def spoilt(sweep, inputs, tmp_path):
    """A sweep whose weights change before its units are read: each unit fails, and the reason is one sentence."""
    weights = tmp_path / "weights" / "weights_rgb"
    weights.mkdir(parents=True)
    file = weights / "resnet18_28_1.pth"
    file.write_bytes((inputs / "weights" / "weights_rgb" / file.name).read_bytes())
    run = sweep(limit=8, devices={"cpu": 1})
    run.config["paths"]["medmnist_weights_root"] = str(tmp_path / "weights")
    run.config["search_space"]["attribution_methods"] = METHODS[:1]
    program = tmp_path / "spoiling"
    program.write_text(f'#!/bin/sh\n[ "$1" != run ] || printf changed > "{file}"\nexec "{WORKER}" "$@"\n')
    program.chmod(0o755)
    return run, ("--worker", str(program))


def test_a_failure_is_told_in_one_line_when_it_happens_and_at_the_end_with_what_to_do_next(spoilt):
    run, arguments = spoilt
    shown = plain(seen(run, "xterm", *arguments, code=1))
    (line,) = [line for line in re.split(r"[\r\n]+", shown) if line.startswith("FAILED")][:1]
    assert re.match(r"FAILED dataset-rgb_model-resnet18_noise-\S+/\d on cpu:0, attempt 1, class=\w+: .*has changed since", line), shown
    # A line may be as wide as it likes: it is not drawn again.
    (log,) = re.findall(r"\(more in (\S+worker-0\.log)\)", shown)[:1]
    assert os.path.exists(log)
    assert f"`{SCHEDULER} retry --failed --config {run.file}` tries these units again" in shown
    assert "units failed (log: " in shown


def test_a_program_reads_each_step_of_a_sweep_as_json(spoilt):
    run, arguments = spoilt
    done = run.run("--json", *arguments, code=1)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[0]["event"] == "begun" and events[0]["maps"] == 8 and events[0]["devices"] == ["cpu:0"]
    assert all(events[at]["time"] <= events[at + 1]["time"] for at in range(len(events) - 1))
    failed = [event for event in events if event["event"] == "failed"]
    assert failed and failed[0].keys() == {"event", "time", "unit", "attempt", "class", "error", "slot", "device", "log"}
    assert failed[0]["device"] == "cpu:0" and "has changed since" in failed[0]["error"]
    progress = [event for event in events if event["event"] == "progress"]
    assert progress and progress[0]["devices"][0].keys() >= {"slot", "name", "state", "unit", "maps", "rate", "memory"}
    last = events[-1]
    assert (last["event"], last["outcome"], last["code"], last["maps"]) == ("ended", "incomplete", 1, 0)
    assert {failure["unit"].split("/")[1] for failure in last["failed"]} == {"0", "1", "means"}


def test_the_last_screen_of_a_sweep_that_evaluates_names_the_best_methods_and_the_command_for_the_rest(sweep):
    run = sweep(limit=4, devices={"cpu": 1})
    run.config["search_space"]["attribution_methods"] = [{"name": name, "class": name, "params": {}} for name in ("Saliency", "InputXGradient")]
    run.config["evaluation"] = [{"class": "Deletion", "params": {"steps": 4, "baseline": 0.0}}]
    told = run.run().stdout
    (command,) = re.findall(r"All scores.*\n  (.*)\n", told)
    tables = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert "Deletion" in tables.stdout
    scores = json.loads((run.output / "scores.json").read_text())
    ranks = sorted((row["mean_rank"], row["method"]) for row in (scores if isinstance(scores, list) else scores["stores"])[0]["rows"])
    line = ", ".join(f"{method} {rank:.1f}" for rank, method in ranks)
    assert f"test: {line}\n" in told, told


def test_a_cheap_method_that_is_added_to_a_finished_sweep_is_all_that_is_counted_and_forecast(sweep):
    """The dear method takes a hundred seconds an image by the profile, the cheap one a quarter: ten images take two and a half."""
    run = sweep(limit=10, devices={"cpu": 1})
    space = run.config["search_space"]
    space["attribution_methods"] = [{"name": name, "class": name, "params": {}} for name in ("InputXGradient", "Saliency")]
    subprocess.run([PREFLIGHT, "--config", run.file], check=True, capture_output=True, timeout=240)
    profile = run.output / "preflight_profile.json"
    text = json.loads(profile.read_text())
    speeds = {"InputXGradient": 0.01, "Saliency": 4.0}
    for entry in text["entries"]:
        entry["images_per_second"] = next(speed for name, speed in speeds.items() if name in json.dumps(entry))
    profile.write_text(json.dumps(text))
    cheap = space["attribution_methods"].pop()
    # Ten images at a hundred seconds each.
    assert "10 maps in 3 units to do" in (told := run.run("--check").stdout) and ": 16 min\n" in told, told
    known = profile.read_bytes()
    run.run()
    # The run itself may have learned better.
    profile.write_bytes(known)
    space["attribution_methods"].append(cheap)
    told = run.run("--check").stdout
    assert "10 maps in 3 units to do" in told and re.search(r"forecast .*: 2 s\n", told), told
    done = run.run("--json")
    begun = json.loads(done.stdout.splitlines()[0])
    assert begun["maps"] == 10 and begun["left"] == pytest.approx(2.5)
