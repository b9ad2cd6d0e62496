"""Answers as `worker probe` does, for a GPU of $FAKE_NVML that is not there: it takes what it says, and computes nothing.

A file `neighbour` says at which size of a batch somebody comes and takes half of the memory, and at which size that leaves.
"""

import json
import os
import pathlib
import sys

GIB, MIB = 1 << 30, 1 << 20
FREE = (80 << 30) - (600 << 20)
CONTEXT, BASE, EACH = 500 * MIB, 300 * MIB, 3 * GIB
folder = pathlib.Path(os.environ["FAKE_NVML"])
used, asked, neighbour = folder / "gpu0" / "used", folder / "asked", folder / "neighbour"
comes, leaves = map(int, neighbour.read_text().split()[2::3]) if neighbour.exists() else (0, 0)


def sizes():
    """Different sizes that were asked for, in order."""
    return list(dict.fromkeys(asked.read_text().split()))


for line in sys.stdin:
    request = json.loads(line)
    batch, seen = request["images"], len(sizes()) if asked.exists() else 0
    with asked.open("a") as file:
        print(batch, file=file)
    if len(sizes()) == comes > seen:
        used.write_text(str(40 * GIB))
    limit = FREE - (int(used.read_text()) if used.exists() else 4 * MIB) - CONTEXT
    taken = BASE + EACH * batch
    if taken > limit:
        sys.exit(85)
    if len(sizes()) == leaves > seen:
        used.write_text(str(4 * MIB))
        limit = FREE - 4 * MIB - CONTEXT
    run = {"seconds": 0.01 * (8 + batch), "waited": 0.0, "peak": 0, "bytes": taken}
    print(json.dumps({"device": "GPU", "floor": 0, "base": BASE, "limit": limit, "runs": [run] * request["repeats"]}), flush=True)
