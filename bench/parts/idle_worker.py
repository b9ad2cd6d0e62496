"""A worker that says at once of every unit that it is done: what is left of a sweep is the scheduler and the protocol.

Its log ends with the seconds from the first grant to the last, and how many there were.
"""

import hmac
import json
import os
import secrets
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

WORKER = str(Path(__file__).parents[2] / "target" / "release" / "worker")


def unit_id(unit):
    group, part = unit["group"], unit["part"]
    name = "dataset-{dataset}_model-{model}_noise-{noise[name]}_split-{split}".format(**group)
    return f"{name}/{part['Shard'] if 'Shard' in part else 'means'}"


def prove(side, theirs, ours, port):
    """That we know the token, as crates/protocol/src/handshake.rs says."""
    parts = b"".join(struct.pack(">Q", len(part)) + part.encode() for part in (side, theirs, ours))
    return hmac.new(os.environ["ATTRISWEEP_TOKEN"].encode(), parts + struct.pack(">H", port), "sha256").hexdigest()


def run(arguments):
    options = dict(zip(arguments[::2], arguments[1::2]))
    host, port = options["--connect"].rsplit(":", 1)
    version = json.loads(subprocess.check_output([WORKER, "catalogue"]))["version"]
    grants = []
    with socket.create_connection((host, int(port))) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def send(message):
            line.sendall(json.dumps(message).encode() + b"\n")

        messages = map(json.loads, line.makefile())
        theirs, ours = next(messages)["Challenge"]["challenge"], secrets.token_hex(32)
        proof = prove("worker", theirs, ours, int(port))
        slot, instance = int(options["--slot"]), int(options["--instance"])
        send({"Hello": {"challenge": ours, "proof": proof, "slot": slot, "version": version, "device": "none", "instance": instance}})
        if next(messages)["Proof"]["proof"] != prove("scheduler", theirs, ours, int(port)):
            raise SystemExit("whoever answers is not the scheduler")
        for message in messages:
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
