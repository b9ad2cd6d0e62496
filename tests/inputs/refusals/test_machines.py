"""What a machine refuses: a folder that another scheduler has, a taken port, a stranger's call, no GPU, a full disk."""

import contextlib
import json
import signal
import socket
import subprocess

import pytest
import torch
from support import signature, wait_for
from support.stand_ins.machines.missing import missing


def test_a_second_scheduler_on_the_same_folder_is_refused(sweep, hold):
    run = sweep()
    release = hold(run)
    first = run.start()
    # The file is there before the lock is taken; it is signed after that.
    wait_for(lambda: signature(run))
    told = run.run(code=6).stderr
    release()
    assert "another scheduler is writing to" in told
    assert first.wait(timeout=120) == 0


def test_a_taken_port_is_told_with_the_option_that_changes_it(sweep):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        told = sweep().run("--listen", f"127.0.0.1:{taken.getsockname()[1]}", code=5).stderr
    assert "cannot listen on 127.0.0.1:" in told and "--listen" in told


def test_a_stranger_on_the_port_is_refused_and_the_sweep_goes_on(sweep, hold):
    run = sweep()
    release = hold(run)
    process = run.start()
    wait_for(run.maps)
    port = int(json.loads((run.output / ".attrisweep.access").read_text())["address"].rsplit(":", 1)[1])
    for hello in (b"GET / HTTP/1.1\r\n\r\n", b'{"Hello":{"challenge":"x","proof":"00","slot":0,"version":"0.1.0","device":"cpu"}}\n', b"\xff" * 2_000_000):
        # It hangs up on whoever says too much.
        with contextlib.suppress(ConnectionResetError, BrokenPipeError), socket.create_connection(("127.0.0.1", port), timeout=60) as caller:
            caller.sendall(hello)
            told = b"".join(iter(lambda: caller.recv(1000), b""))
            assert list(json.loads(told)) == ["Challenge"], "nothing but a number goes to a stranger"
    release()
    assert process.wait(timeout=120) == 0


def test_without_a_gpu_a_config_that_asks_for_one_says_what_to_do(sweep):
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    run = sweep()
    del run.config["devices"]
    run.config["scheduler"] = {"available_gpus": [1]}
    assert "set `devices: cpu`" in run.run(code=5).stderr


@pytest.fixture
def small_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", disk], capture_output=True, text=True)
    if mounted.returncode != 0:
        missing("mount", f"a file system cannot be mounted here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["mount", "-o", "remount,rw", disk], check=False)
    subprocess.run(["umount", disk], check=True)


def test_a_sweep_that_waits_for_a_full_disk_can_be_interrupted_and_what_is_written_is_whole(sweep, small_disk):
    run = sweep()
    whole = sweep()
    whole.output = whole.folder / "whole"
    whole.config["paths"]["final_output_dir"] = str(whole.output)
    whole.run()
    run.output = small_disk / "out"
    run.config["paths"]["final_output_dir"] = str(run.output)
    process = subprocess.Popen(run.command(), stderr=subprocess.PIPE, text=True)
    # The plain names are those of the other sweep, which was there first.
    logs = run.folder / "logs"
    wait_for(lambda: any(log.read_text().count("is tried again after a pause") >= 2 for log in logs.glob("scheduler-*.log")))
    process.send_signal(signal.SIGINT)
    told = process.communicate(timeout=120)[1]
    assert process.returncode == 130 and "No space left on device" in told and "the same command goes on" in told
    expected = whole.digests()
    written = {path: digest for path, digest in run.digests().items() if "/c." in path}
    assert written and all(expected[path] == digest for path, digest in written.items())
    subprocess.run(["mount", "-o", "remount,size=50m", small_disk], check=True)
    run.run()
    assert run.digests() == expected


def test_a_read_only_output_folder_is_told_before_anything_starts(sweep, small_disk):
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    run = sweep()
    run.config["paths"]["final_output_dir"] = str(small_disk / "out")
    told = run.run(code=6).stderr
    assert "Read-only file system" in told and "small" not in told
