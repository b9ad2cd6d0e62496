"""A worker that says at once of every unit that it is done: what is left of a sweep is the scheduler and the protocol.

Its log ends with the seconds from the first grant to the last, and how many there were.
"""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

WORKER = str(Path(__file__).parent.parent / "target" / "release" / "worker")


def unit_id(unit):
    group, part = unit["group"], unit["part"]
    name = "dataset-{dataset}_model-{model}_noise-{noise[name]}_split-{split}".format(**group)
    return f"{name}/{part['Shard'] if 'Shard' in part else 'means'}"


def run(arguments):
    options = dict(zip(arguments[::2], arguments[1::2]))
    host, port = options["--connect"].rsplit(":", 1)
    version = json.loads(subprocess.check_output([WORKER, "catalogue"]))["version"]
    grants = []
    with socket.create_connection((host, int(port))) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def send(message):
            line.sendall(json.dumps(message).encode() + b"\n")

        token = os.environ["ATTRISWEEP_TOKEN"]
        send({"Hello": {"token": token, "slot": int(options["--slot"]), "version": version, "device": "none", "instance": int(options["--instance"])}})
        for message in map(json.loads, line.makefile()):
            if message == "Stop":
                break
            if "Grant" in message:
                grants.append(time.perf_counter())
                unit, attempt = message["Grant"]["unit"], message["Grant"]["attempt"]
                report = {"maps": 0, "bytes": 0, "seconds": 0, "computing": 0, "underflow": [], "incomplete": [], "learned": []}
                send({"Done": {"unit": unit_id(unit), "attempt": attempt, "report": report}})
        # Before the line is closed: the scheduler ends a worker that has hung up.
        print(json.dumps({"seconds": grants[-1] - grants[0], "units": len(grants) - 1}), file=sys.stderr)


if __name__ == "__main__":
    if sys.argv[1] == "run":
        run(sys.argv[2:])
    else:
        os.execv(WORKER, [WORKER, *sys.argv[1:]])
