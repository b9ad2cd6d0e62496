"""Strikes at random against a sweep that runs: SIGKILL for the scheduler, for workers, or for all of them."""

import json
import os
import signal
import time

from ..processes import children, has_argument, kill
from ..sweep import ACCESS

# How many of the strikes only stop their victims for a while.
FROZEN = 0.2


def serving(run, scheduler):
    """Ids of the workers: children, and those that the scheduler took over from one that was killed."""
    access = run.output / ACCESS
    try:
        adopted = [process["pid"] for process in json.loads(access.read_text())["processes"].values()]
    except FileNotFoundError:
        adopted = []
    return sorted({*children(scheduler), *(pid for pid in adopted if has_argument(pid, access))})


def freeze(pids, moments):
    """Stops processes for a while, as a machine does that swaps; how many."""
    stopped = [pid for pid in pids if send(pid, signal.SIGSTOP)]
    time.sleep(moments.uniform(0.1, 2))
    for pid in stopped:
        send(pid, signal.SIGCONT)
    return len(stopped)


def send(pid, what):
    """Whether there was anybody."""
    try:
        os.kill(pid, what)
    except ProcessLookupError:
        return False
    return True


def strike(run, process, moments, frozen=FROZEN):
    """Kills or stops the scheduler, one of its workers, or all of them; how many."""
    victim = moments.choice(["scheduler", "worker", "worker", "everything"])
    workers = serving(run, process.pid)
    if victim == "worker" and workers:
        victims = [moments.choice(workers)]
    else:
        victims = [process.pid, *(workers if victim == "everything" else [])]
    if moments.random() < frozen:
        return freeze(victims, moments)
    return sum(map(kill, victims))
