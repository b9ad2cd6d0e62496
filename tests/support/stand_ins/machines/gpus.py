"""A server with three GPUs, which a library shows in the place of NVML."""

import json
import os
import subprocess

from ...programs import PREFLIGHT, WORKER


class Server:
    """Three GPUs, and a sweep that computes on them."""

    def __init__(self, run, library, folder):
        self.run, self.folder = run, folder
        for index in range(3):
            (folder / f"gpu{index}").mkdir(parents=True)
        run.config["devices"] = "auto"
        # Whoever is to compute with CUDA does so on the CPU.
        self.worker = folder / "worker"
        started = 'if [ "$1" = run ]; then echo "$CUDA_VISIBLE_DEVICES" >> "$FAKE_NVML/started"; fi'
        self.worker.write_text(f'#!/bin/bash\n{started}\nexec {WORKER} "${{@/#cuda/cpu}}"\n')
        self.worker.chmod(0o755)
        self.environment = {**os.environ, "LD_LIBRARY_PATH": str(library), "FAKE_NVML": str(folder), "ATTRISWEEP_RESERVATIONS": str(folder), "OMP_NUM_THREADS": "1"}

    def set(self, gpu, name, value=""):
        # A reader must not see half of it.
        (self.folder / "new").write_text(value)
        (self.folder / "new").rename(self.folder / f"gpu{gpu}" / name)

    def held(self, hold):
        """Begins to hold the sweep; gives what releases it."""
        release = hold(self.run)
        self.environment |= {name: os.environ[name] for name in ("LD_PRELOAD", "FAKE_DISK_HOLD", "FAKE_DISK_HELD")}
        return release

    def start(self):
        command = self.run.command("--worker", str(self.worker))
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=self.environment)

    def preflight(self, worker=None):
        arguments = [PREFLIGHT, "--config", self.run.file, "--worker", str(worker or self.worker)]
        done = subprocess.run(arguments, capture_output=True, text=True, env=self.environment, timeout=240)
        assert done.returncode == 0, done.stderr
        return done

    @property
    def profile(self):
        """What preflight knows, by kind of device; each knows one variant."""
        entries = json.loads((self.run.output / "preflight_profile.json").read_text())["entries"]
        found = {entry["of"]["device"]: entry for entry in entries}
        assert len(found) == len(entries)
        return found

    def know(self, changes):
        """Changes what is known of each kind."""
        entries = [{**entry, **changes(device)} for device, entry in self.profile.items()]
        (self.run.output / "preflight_profile.json").write_text(json.dumps({"version": 1, "entries": entries}))

    def started(self):
        """The GPU of each worker that was started, by UUID."""
        return (self.folder / "started").read_text().split()
