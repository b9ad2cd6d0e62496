"""`preflight` survives what its probes die of, and ends when it is told to."""

import os
import signal
import subprocess
import sys

import pytest
from support import METHODS, STAND_INS, WORKER, alive, children, has_argument, kill, wait_for


@pytest.mark.parametrize(("sent", "words"), [(signal.SIGKILL, "was killed (signal 9"), (signal.SIGSTOP, "no answer within 2 s: the worker was ended"), (signal.SIGABRT, "ended by signal 6")])
def test_a_probe_that_dies_or_hangs_costs_one_process(flight, sent, words):
    run = flight()
    process = subprocess.Popen(run.preflight_command("--stillness", "2"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    probes = wait_for(lambda: [child for child in children(process.pid) if has_argument(child, "probe")])
    os.kill(probes[0], sent)
    out, told = process.communicate(timeout=240)
    assert process.returncode == 0, told
    assert words in told and "it is tried again" in told
    assert "2 batch sizes found" in out and run.results()["resnet18"].keys() == {"Saliency", "DeepLIFT_baselines_zero"}


def test_a_probe_that_no_signal_ends_is_left_behind_and_the_rest_goes_on(flight, tmp_path, monkeypatch):
    worker, tracer = tmp_path / "worker", tmp_path / "tracer"
    first = f'if [ "$1" = probe ] && [ ! -e {tracer} ]; then exec {sys.executable} {STAND_INS}/stuck.py; fi'
    worker.write_text(f'#!/bin/sh\n{first}\nexec {WORKER} "$@"\n')
    worker.chmod(0o755)
    monkeypatch.setenv("STUCK", str(tracer))
    run = flight()
    try:
        done = run.preflight("--stillness", "2", "--worker", str(worker), code=1)
    finally:
        kill(int(tracer.read_text()))
    assert "Saliency: batch 4: the worker gave no answer, was killed, and has not ended 10 s later" in done.stdout, done.stdout
    assert "1 batch sizes found, 0 known before, 1 not found" in done.stdout
    assert run.results()["resnet18"].keys() == {"DeepLIFT_baselines_zero"}


def test_preflight_that_is_told_to_stop_says_what_stays(flight):
    run = flight()
    process = subprocess.Popen(run.preflight_command(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: [child for child in children(process.pid) if has_argument(child, "probe")])
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130 and "interrupted; what was found stays" in told, told


def test_a_full_test_that_is_told_to_stop_stops_its_sweep_and_leaves_nothing_behind(flight):
    integrated = {"name": "Long", "class": "IntegratedGradients", "params": {"n_steps": 2000}}
    run = flight([METHODS[0], integrated])
    process = subprocess.Popen(run.preflight_command("--mode", "full_test"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    (scheduler,) = wait_for(lambda: children(process.pid))
    wait_for(lambda: list(run.output.rglob("attributions/*/c.*")))
    process.terminate()
    assert process.wait(timeout=120) == 130
    assert not alive(scheduler) and list(run.output.iterdir()) == []
