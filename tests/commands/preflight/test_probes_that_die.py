"""`preflight` survives what its probes die of, and ends when it is told to."""

import signal
import subprocess
import sys

import pytest
from support import METHODS, STAND_INS, WORKER, alive, children, kill, wait_for
from support.sweep import noisy


def first_probe(folder, does, once=True):
    """A worker, the first probe of which (or each) does something else before it begins: a line of shell, which has the place of a file `once`."""
    worker, mark = folder / "worker", folder / "once"
    first = f'[ ! -e {mark} ]' if once else "true"
    worker.write_text(f'#!/bin/sh\nif [ "$1" = probe ] && {first}; then touch {mark}; {does}; fi\nexec {WORKER} "$@"\n')
    worker.chmod(0o755)
    return ("--worker", str(worker)), mark


@pytest.mark.parametrize(("sent", "words"), [("KILL", "was killed (signal 9"), ("STOP", "no answer within 6 s: the worker was ended"), ("ABRT", "ended by signal 6")])
def test_a_probe_that_dies_or_hangs_costs_one_process(flight, tmp_path, sent, words):
    run = flight()
    worker, _ = first_probe(tmp_path, f"kill -{sent} $$")
    done = run.preflight("--stillness", "6", *worker)
    assert words in done.stderr and "it is tried again" in done.stderr, done.stderr
    assert "2 batch sizes found" in done.stdout and run.results()["resnet18"].keys() == {"Saliency", "DeepLIFT_baselines_zero"}


def test_a_probe_that_no_signal_ends_is_left_behind_and_the_rest_goes_on(flight, tmp_path, monkeypatch):
    worker, _ = first_probe(tmp_path, f"exec {sys.executable} {STAND_INS}/stuck.py")
    tracer = tmp_path / "tracer"
    monkeypatch.setenv("STUCK", str(tracer))
    run = flight()
    try:
        done = run.preflight("--stillness", "6", *worker, code=1)
    finally:
        kill(int(tracer.read_text()))
    assert "Saliency: batch 4: the worker gave no answer, was killed, and has not ended 10 s later" in done.stdout, done.stdout
    assert "1 batch sizes found, 0 known before, 1 not found" in done.stdout
    assert run.results()["resnet18"].keys() == {"DeepLIFT_baselines_zero"}


def test_preflight_that_is_told_to_stop_says_what_stays(flight, tmp_path):
    run = flight()
    worker, begun = first_probe(tmp_path, "exec sleep 1000", once=False)
    process = subprocess.Popen(run.preflight_command(*worker, "--stillness", "1000"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(begun.exists)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=240)
    assert process.returncode == 130 and "interrupted; what was found stays" in told, told


def test_a_full_test_that_is_told_to_stop_stops_its_sweep_and_leaves_nothing_behind(flight, tmp_path, fake_disk):
    """Its worker waits in the last group, in a folder that has the name of the process."""
    run, whose, worker = noisy(flight([METHODS[0]]), 2), tmp_path / "whose", tmp_path / "worker"
    held = f"{run.output}/.full_test-$(cat {whose})/dataset-rgb_model-resnet18_noise-n1_split-test.zarr/attributions/{METHODS[0]['name']}/.c."
    lines = f"until [ -s {whose} ]; do sleep 0.1; done; export LD_PRELOAD={fake_disk} FAKE_DISK_HOLD={tmp_path} FAKE_DISK_HELD={held}"
    worker.write_text(f'#!/bin/sh\n[ "$1" != run ] || {{ {lines}; }}\nexec {WORKER} "$@"\n')
    worker.chmod(0o755)
    process = subprocess.Popen(run.preflight_command("--mode", "full_test", "--worker", worker), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    whose.write_text(str(process.pid))
    (scheduler,) = wait_for(lambda: children(process.pid))
    wait_for(lambda: list(run.output.rglob("attributions/*/c.*")))
    process.terminate()
    assert process.wait(timeout=120) == 130
    assert not alive(scheduler) and list(run.output.iterdir()) == []
