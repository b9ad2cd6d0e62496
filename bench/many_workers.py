"""What a scheduler takes of a processor when a hundred workers answer at once, and how many units it grants a second.

The workers are lines of this one process: each proves that it knows the secret, looks at the shared folder, and says of every unit at
once that it is done. Their launcher is `command`, whose processes only sleep: for the scheduler all of them are workers elsewhere.
"""

import argparse
import asyncio
import datetime
import hmac
import json
import os
import secrets
import shlex
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from parts import inputs
from parts.idle_worker import unit_id
from parts.inputs import support

ARCH = "resnet18"
ACCESS = ".attrisweep.access"
# A heartbeat every so many seconds, as a worker with the lease of twenty seconds sends it.
HEARTBEAT = 5.0


def prove(token, side, theirs, ours, port):
    """That we know the token, as crates/protocol/src/handshake.rs says."""
    parts = b"".join(struct.pack(">Q", len(part)) + part.encode() for part in (side, theirs, ours))
    return hmac.new(token.encode(), parts + struct.pack(">H", port), "sha256").hexdigest()


def used(pid):
    """Seconds of a processor that the process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Fleet:
    """Workers that answer at once."""

    def __init__(self, folder, version, count):
        self.folder, self.version, self.count = folder, version, count
        self.done, self.first, self.last = 0, None, None

    async def everyone(self):
        """All workers, from the time when all are asked for to their last word."""
        while not (access := self.access()) or len(access["processes"]) < self.count:
            await asyncio.sleep(0.05)
        self.all = asyncio.Barrier(self.count)
        slots = access["processes"].items()
        await asyncio.gather(*(self.worker(access, int(slot), of["instance"]) for slot, of in slots))

    def access(self):
        try:
            return json.loads((self.folder / ACCESS).read_text())
        except (OSError, ValueError):
            return None

    async def worker(self, access, slot, instance):
        host, port = access["address"].rsplit(":", 1)
        reader, writer = await asyncio.open_connection(host, int(port), limit=1 << 20)

        def send(message):
            writer.write(json.dumps(message).encode() + b"\n")

        async def messages():
            while line := await reader.readline():
                yield json.loads(line)

        said = messages()
        theirs, ours = (await anext(said))["Challenge"]["challenge"], secrets.token_hex(32)
        proof = prove(access["token"], "worker", theirs, ours, int(port))
        about = {"node": f"n{slot}", "pid": slot, "model": "stand-in", "threads": 1, "cores": 1}
        hello = {"challenge": ours, "proof": proof, "slot": slot, "version": self.version, "device": "none", "instance": instance, "about": about}
        await self.all.wait()
        send({"Hello": hello})
        if (await anext(said))["Proof"]["proof"] != prove(access["token"], "scheduler", theirs, ours, int(port)):
            raise SystemExit("whoever answers is not the scheduler")
        shared = (await anext(said))["Welcome"]["shared"]
        answer = Path(f"{shared['file']}.{slot}")
        aside = answer.with_name(f"{answer.name}.tmp")
        aside.write_text(shared["content"][::-1])
        aside.rename(answer)
        send({"Sees": {"Ok": None}})
        beats = asyncio.create_task(self.beat(send))
        async for message in said:
            if message == "Stop":
                break
            if "Grant" in message:
                self.count_one()
                unit, attempt = message["Grant"]["unit"], message["Grant"]["attempt"]
                report = {"maps": 0, "bytes": 0, "seconds": 0, "computing": 0, "underflow": [], "incomplete": [], "learned": []}
                send({"Done": {"unit": unit_id(unit), "attempt": attempt, "report": report}})
        beats.cancel()
        writer.close()

    async def beat(self, send):
        while True:
            await asyncio.sleep(HEARTBEAT)
            send("Alive")

    def count_one(self):
        self.done += 1
        self.last = time.perf_counter()
        self.first = self.first or self.last


def measure(folder, read, scheduler, workers, noises):
    """Numbers of one sweep of the images in the folder `read` with so many noises, a unit for each, with this many workers."""
    folder.mkdir()
    support.Sweep.scheduler = scheduler
    run = support.Sweep(folder, read, inputs.FLAG, 64, store={"shard": 1})
    methods = [{"name": f"Saliency{index}", "class": "Saliency", "params": {}} for index in range(16)]
    conditions = [{**support.NOISES[0], "name": f"clean{index}"} for index in range(noises)]
    run.config["search_space"] |= {"noise_conditions": conditions, "attribution_methods": methods}
    # The words of the worker are there, and nobody runs them.
    run.config["launcher"] = {"command": {"start": "exec sleep 100000; : {worker}", "workers": workers, "network": "lo"}}
    run.config["devices"] = "cpu"
    version = subprocess.check_output([str(scheduler), "--version"], text=True).split()[-1]
    fleet = Fleet(run.output, version, workers)
    process = run.start()

    async def follow():
        everyone = asyncio.create_task(fleet.everyone())
        began, taken = None, 0.0
        while process.poll() is None:
            try:
                taken = used(process.pid)
            except (OSError, IndexError):
                break
            # What it took to check the config and to make the stores is not of the units.
            began = taken if began is None and fleet.first else began
            if everyone.done():
                everyone.result()
                break
            await asyncio.sleep(0.01)
        everyone.cancel()
        return taken - (began or 0.0)

    try:
        taken = asyncio.run(follow())
        process.terminate()
        process.wait(timeout=60)
    finally:
        process.kill()
    seconds = fleet.last - fleet.first
    return {"workers": workers, "units": fleet.done, "seconds": seconds, "processor": taken}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 10, 100], help="one run for each number")
    parser.add_argument("--images", type=int, default=100, help="units of each of the noises")
    parser.add_argument("--noises", type=int, default=20)
    parser.add_argument("--scheduler", type=Path, default=inputs.ROOT / "target" / "release" / "scheduler")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="attrisweep-bench-") as folder:
        folder = Path(folder)
        inputs.make(folder / "inputs", ARCH, 64, given.images)
        rows = [measure(folder / str(workers), folder / "inputs", given.scheduler, workers, given.noises) for workers in given.workers]
    print(f"{datetime.date.today()}, {shlex.join(['python', 'bench/many_workers.py', *sys.argv[1:]])}")
    print("| workers | units | seconds | units/s | processor seconds for 1000 units |\n|---:|---:|---:|---:|---:|")
    for row in rows:
        units = row["units"]
        print(f"| {row['workers']} | {units} | {row['seconds']:.2f} | {units / row['seconds']:.0f} | {1000 * row['processor'] / units:.3f} |")


if __name__ == "__main__":
    main()
