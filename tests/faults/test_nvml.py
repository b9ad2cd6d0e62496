"""GPUs of a shared server as the driver shows them: a library stands in for NVML, the CPU for the GPUs. The rest is real."""

import json
import re
import subprocess
import time

import pytest
from support import METHODS, NOISES, STAND_INS, WORKER, Sweep, compiled, kill, log, wait_for
from support.stand_ins.machines.gpus import Server


def long(run):
    """A sweep of many units."""
    integrated = {"name": "Long", "class": "IntegratedGradients", "params": {"n_steps": [6, 7]}}
    run.config["search_space"] |= {"noise_conditions": NOISES, "attribution_methods": [*METHODS, integrated]}
    return run


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, inputs):
    run = long(Sweep(tmp_path_factory.mktemp("undisturbed"), inputs))
    run.run()
    return run.digests()


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nvml")
    compiled("fake_nvml.c", folder / "libnvidia-ml.so.1")
    return folder


@pytest.fixture
def server(sweep, library, tmp_path):
    return Server(long(sweep()), library, tmp_path / "gpus")


def test_auto_takes_the_gpus_on_which_nobody_works(server, undisturbed):
    server.set(1, "busy")
    process = server.start()
    assert process.wait(timeout=240) == 0, process.stderr.read()
    assert sorted(server.started()) == ["GPU-fake-0", "GPU-fake-2"]
    assert server.run.digests() == undisturbed


def test_a_gpu_whose_memory_is_taken_by_somebody_who_cannot_be_seen_is_left_alone(server, undisturbed):
    server.set(0, "used", str(20 << 30))
    process = server.start()
    assert process.wait(timeout=240) == 0, process.stderr.read()
    assert sorted(server.started()) == ["GPU-fake-1", "GPU-fake-2"]
    assert server.run.digests() == undisturbed


@pytest.mark.parametrize(("name", "value", "words"), [
    ("xid", "79", "XID 79: it has fallen off the bus"),
    ("xid", "48", "XID 48: a memory error that could not be corrected"),
    ("ecc", "3", "3 memory errors that could not be corrected"),
    ("lost", "", "the NVIDIA driver says"),
])
def test_a_gpu_that_goes_bad_is_left_alone_and_the_others_do_its_work(server, undisturbed, hold, name, value, words):
    release = server.held(hold)
    process = server.start()
    wait_for(server.run.maps)
    wait_for(lambda: len(server.started()) == 3)
    began = time.monotonic()
    server.set(0, name, value)
    wait_for(lambda: words in log(server.run))
    release()
    assert process.wait(timeout=240) == 0, process.stderr.read()
    started = server.started()
    assert sorted(started[:3]) == ["GPU-fake-0", "GPU-fake-1", "GPU-fake-2"]
    # After a pause of a minute it is tried again.
    assert len(started) == 3 or time.monotonic() - began > 60
    assert "this GPU is bad slot=0" in log(server.run)
    assert server.run.digests() == undisturbed


def test_an_error_of_a_program_is_no_fault_of_the_gpu(server, undisturbed, hold):
    release = server.held(hold)
    process = server.start()
    wait_for(server.run.maps)
    server.set(0, "xid", "31")
    wait_for(lambda: not (server.folder / "gpu0" / "xid").exists())
    release()
    assert process.wait(timeout=240) == 0, process.stderr.read()
    assert "this GPU is bad" not in log(server.run) and len(server.started()) == 3
    assert server.run.digests() == undisturbed


def test_of_two_sweeps_that_start_together_the_second_takes_what_the_first_has_left(server, inputs, tmp_path, hold):
    """The driver shows nobody at work while the first one only starts."""
    server.run.config["devices"] = [0, 1]
    release = server.held(hold)
    first = server.start()
    wait_for((server.folder / "started").exists)
    (tmp_path / "other").mkdir()
    other = Sweep(tmp_path / "other", inputs, devices="auto")
    command = other.command("--worker", str(server.worker))
    second = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=server.environment)
    wait_for(lambda: "the sweep begins" in log(other))
    assert first.poll() is None, "the first one was to be at work all the while"
    release()
    assert "another sweep has taken gpu:0 (Fake 0), gpu:1 (Fake 1): it is left to that one" in log(other)
    for process in (first, second):
        assert process.wait(timeout=240) == 0, process.stderr.read()
    assert sorted(server.started()) == ["GPU-fake-0", "GPU-fake-1", "GPU-fake-2"]


def test_each_kind_of_gpu_is_measured_by_itself_and_the_forecast_of_the_end_adds_up_what_they_do(server):
    server.run.config |= {"devices": [0, 1]}
    server.run.config["search_space"] |= {"noise_conditions": NOISES[:1], "attribution_methods": METHODS[:1]}
    probing = server.folder / "probing"
    probing.write_text(f'#!/bin/bash\nif [ "$1" = probe ]; then echo "$CUDA_VISIBLE_DEVICES" >> "$FAKE_NVML/probed"; fi\nexec {server.worker} "$@"\n')
    probing.chmod(0o755)
    assert "2 batch sizes found, 0 known before" in server.preflight(probing).stdout
    assert sorted((server.folder / "probed").read_text().split()) == ["GPU-fake-0", "GPU-fake-1"]
    assert server.profile.keys() == {"Fake 0", "Fake 1"}
    rates = {"Fake 0": 8.0, "Fake 1": 2.0}
    server.know(lambda device: {"images_per_second": rates[device]})
    process = server.start()
    assert process.wait(timeout=240) == 0, process.stderr.read()
    # Twenty-four images at ten a second.
    (seconds,) = re.findall(r"forecast of the end, .* seconds=([0-9.]+)", log(server.run))
    assert float(seconds) == pytest.approx(2.4)


def test_what_a_worker_of_ours_holds_after_its_scheduler_died_is_not_taken_for_somebody_elses(server, hold):
    server.run.config |= {"devices": [0]}
    integrated = {"name": "Long", "class": "IntegratedGradients", "params": {"n_steps": 40}}
    server.run.config["search_space"] |= {"noise_conditions": NOISES[:1], "attribution_methods": [integrated]}
    server.preflight()
    gib = 1 << 30
    # Four images fit twice into the whole GPU, and one into what is left if 60 GiB are somebody else's.
    server.know(lambda _: {"batch": 4, "bound": "speed", "bytes": {"base": gib, "per_image": 9 * gib}})
    release = server.held(hold)
    process = server.start()
    wait_for(lambda: list(server.folder.parent.glob("held.*")))
    (batch,) = server.run.granted().values()
    (worker,) = json.loads((server.run.output / ".attrisweep.access").read_text())["processes"].values()
    kill(process.pid)
    process.wait()
    server.set(0, "worker", f"{worker['pid']} {60 * gib}")
    server.set(0, "used", str(60 * gib))
    process = server.start()
    # What the worker holds keeps it from asking for more: the second scheduler grants something after that.
    wait_for(lambda: "a worker of an earlier scheduler lives" in log(server.run))
    release()
    assert process.wait(timeout=240) == 0, process.stderr.read()
    assert log(server.run).count('sizes="') == 2
    assert (batch, list(server.run.granted().values())) == ("4", ["4"])


@pytest.fixture
def shared_gpu(server):
    """A GPU on which a program answers preflight that computes nothing, and somebody else comes and goes."""
    server.run.config |= {"devices": [0], "store": {"shard": 24}}
    server.run.config["search_space"] |= {"noise_conditions": NOISES[:1], "attribution_methods": METHODS[:1]}
    program = server.folder / "shared"
    program.write_text(f'#!/bin/sh\nif [ "$1" = probe ]; then exec python3 {STAND_INS}/shared_gpu.py; fi\nexec {WORKER} "$@"\n')
    program.chmod(0o755)
    return server, program


def test_memory_that_a_neighbour_takes_in_the_middle_of_a_probe_makes_the_batch_smaller_until_it_is_back(shared_gpu):
    server, program = shared_gpu
    (server.folder / "neighbour").write_text("comes at 2 leaves at 3")
    server.preflight(program)
    asked = (server.folder / "asked").read_text().split()
    # 90 % of 79 GiB take 23 images of 3 GiB, an even number; of 39 GiB they take 11.
    assert list(dict.fromkeys(asked)) == ["4", "22", "11"] and asked[-1] == "22", asked
    assert (server.profile["Fake 0"]["batch"], server.profile["Fake 0"]["bound"]) == (22, "memory")


def test_what_a_worker_holds_of_a_gpu_beside_what_it_counts_is_part_of_what_a_batch_takes(shared_gpu):
    server, program = shared_gpu
    server.preflight(program)
    taken = server.profile["Fake 0"]["bytes"]
    # 300 MiB of the model, and 500 MiB of context and kernels, which nobody counts.
    assert (taken["base"] >> 20, taken["per_image"] >> 20) == (800, 3072)


@pytest.fixture
def short(sweep, library, tmp_path):
    return Server(sweep(limit=3, store={"shard": 1}), library, tmp_path / "gpus")


CASES = [("1", "auto", [1]), ("2,0", "auto", [0, 2]), ("2,0", [0], [2]), ("GPU-fake-2", "auto", [2]), ("GPU-", "auto", None), ("7", "auto", None)]


@pytest.mark.parametrize(("visible", "devices", "expected"), CASES)
def test_gpus_that_the_environment_hides_are_left_alone_and_unknown_ones_refused(short, visible, devices, expected):
    short.run.config["devices"] = devices
    # They are of three models: an index among them means nothing else.
    short.environment |= {"CUDA_VISIBLE_DEVICES": visible, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    process = short.start()
    told = process.communicate(timeout=120)[1]
    if expected is None:
        assert process.returncode == 5 and f"CUDA_VISIBLE_DEVICES={visible} names `{visible}`" in told, told
    else:
        assert process.returncode == 0, told
        assert sorted(short.started()) == [f"GPU-fake-{index}" for index in expected]


@pytest.mark.parametrize("visible", ["", "-1", "NoDevFiles"])
def test_where_the_environment_shows_no_gpu_the_processor_computes_and_says_so(short, visible):
    short.environment["CUDA_VISIBLE_DEVICES"] = visible
    process = short.start()
    told = process.communicate(timeout=120)[1]
    assert process.returncode == 0 and f"CUDA_VISIBLE_DEVICES={visible} shows none" in told, told
    short.run.config["devices"] = [0]
    assert "there is no GPU 0; this machine has: none" in short.start().communicate(timeout=120)[1]
