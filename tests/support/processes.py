"""Processes of the machine: who there is, and ends of them."""

import os
import signal
import subprocess
import time


def wait_for(what, seconds=120):
    """What `what` gives as soon as that is anything."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(0.02)
    raise AssertionError(f"{seconds} s are over")


def children(pid):
    """Processes that `pid` has started and that are its own."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout
    return [int(child) for child in listed.split()]


def alive(pid):
    """Whether it computes or waits: one that has ended and that nobody has asked about does not."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def has_argument(pid, argument):
    """The id of a process that died may be somebody else's by now."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as line:
            return os.fsencode(argument) in line.read().split(b"\0")
    except OSError:
        return False


def has_variable(pid, name, value):
    """Whether the process is there, with this in its environment."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as environment:
            return os.fsencode(f"{name}={value}") in environment.read().split(b"\0")
    except OSError:
        return False


def kill(pid):
    """SIGKILL; whether there was anybody."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
