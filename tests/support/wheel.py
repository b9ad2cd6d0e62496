"""The wheel, installed into a fresh environment that has what the wheel asks for."""

import pathlib
import subprocess
import sys

from .programs import ROOT, SCHEDULER

SITE = pathlib.Path("lib", f"python{sys.version_info.major}.{sys.version_info.minor}", "site-packages")


def build(to):
    """The wheel with the programs of the tests' build."""
    command = [sys.executable, ROOT / "scripts" / "wheel.py", "--programs", SCHEDULER.parent, "--to", to]
    subprocess.run(command, check=True, capture_output=True, text=True)
    (wheel,) = to.glob("*.whl")
    return wheel


class Environment:
    """A virtual environment of its own. Its packages are links to those of the tests, so that torch is not copied."""

    def __init__(self, folder, without=()):
        self.folder = folder
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        for package in (pathlib.Path(sys.prefix) / SITE).iterdir():
            if package.name not in without and not package.name.startswith("attrisweep"):
                (self.site / package.name).symlink_to(package)

    @property
    def site(self):
        return self.folder / SITE

    def install(self, wheel):
        """Installs the wheel, if everything that it asks for is there; no network."""
        pip = [sys.executable, "-m", "pip", "--python", self.folder / "bin" / "python", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "--no-index", "--no-warn-script-location", wheel], check=True, capture_output=True)

    def run(self, *command, code=0, timeout=300, **options):
        """Runs a command of the environment with nothing set."""
        program = self.folder / "bin" / command[0]
        words = ["/usr/bin/env", "-i", "HOME=" + str(self.folder), program, *command[1:]]
        done = subprocess.run(words, capture_output=True, text=True, timeout=timeout, **options)
        assert done.returncode == code, f"exit code {done.returncode}, expected {code}\n{done.stdout}\n{done.stderr}"
        return done
