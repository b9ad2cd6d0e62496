"""A machine of its own as far as the network goes: a namespace, and a cable to this machine that a test pulls out."""

import os
import shutil
import subprocess

import pytest

from .missing import missing


def ip(*words):
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


class Cable:
    """`namespace`, in which processes reach this machine at the address `here`, and nothing else."""

    def __init__(self):
        # Names of interfaces have fifteen letters at most, and two runs of the tests may share a machine.
        number = os.getpid() % 16000
        self.namespace, self.near, self.far = f"attrisweep{number}", f"as{number}near", f"as{number}far"
        prefix = f"10.{200 + number // 256 % 50}.{number % 256}"
        self.here, self.there = f"{prefix}.1", f"{prefix}.2"

    def plug_in(self):
        ip("netns", "add", self.namespace)
        ip("link", "add", self.near, "type", "veth", "peer", "name", self.far, "netns", self.namespace)
        ip("addr", "add", f"{self.here}/30", "dev", self.near)
        ip("link", "set", self.near, "up")
        ip("-n", self.namespace, "addr", "add", f"{self.there}/30", "dev", self.far)
        ip("-n", self.namespace, "link", "set", self.far, "up")

    def pull_out(self):
        """Nothing arrives any more, on either side, and neither side is told."""
        ip("-n", self.namespace, "link", "set", self.far, "down")

    def remove(self):
        for words in [["link", "del", self.near], ["netns", "del", self.namespace]]:
            subprocess.run(["ip", *words], capture_output=True)


@pytest.fixture
def cable():
    if shutil.which("ip") is None or os.getuid() != 0:
        missing("network", "no network can be made here: that takes root, and `ip` of iproute2")
    made = Cable()
    try:
        try:
            made.plug_in()
        except subprocess.CalledProcessError as error:
            missing("network", f"no network can be made here: {error.stderr.strip()}")
        yield made
    finally:
        made.remove()
