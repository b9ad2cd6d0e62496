"""Fresh environments of Python, and the wheel that is installed into them."""

import pathlib
import subprocess
import sys

import pytest

from ...programs import ROOT, SCHEDULER


def build_wheel(to):
    """The wheel with the programs of the tests' build."""
    command = [sys.executable, ROOT / "scripts" / "wheel.py", "--programs", SCHEDULER.parent, "--to", to]
    subprocess.run(command, check=True, capture_output=True, text=True)
    (wheel,) = to.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    return build_wheel(tmp_path_factory.mktemp("wheel"))


class Environment:
    """A virtual environment of its own. Packages of the tests are linked into the environment, so that torch is not copied: all of them, or
    those that `only` names, less those of `without`."""

    def __init__(self, folder, without=(), only=None, python=sys.executable):
        self.folder = folder
        subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True)
        (self.site,) = folder.glob("lib/python*/site-packages")
        for package in packages().iterdir():
            wanted = only is None or package.name in only
            if wanted and package.name not in without and not package.name.startswith("attrisweep"):
                (self.site / package.name).symlink_to(package)

    def install(self, wheel, *options, code=0):
        """Installs the wheel, if everything that the wheel asks for is there; no network."""
        pip = [sys.executable, "-m", "pip", "--python", self.folder / "bin" / "python", "--disable-pip-version-check"]
        command = [*pip, "install", "--no-index", "--no-warn-script-location", *options, wheel]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == code, f"exit code {done.returncode}, expected {code}\n{done.stdout}\n{done.stderr}"
        return done

    def run(self, *command, code=0, timeout=300, given=(), **options):
        """Runs a command of the environment with nothing set but the variables of `given`, `NAME=value`."""
        program = self.folder / "bin" / command[0]
        words = ["/usr/bin/env", "-i", "HOME=" + str(self.folder), *given, program, *command[1:]]
        done = subprocess.run(words, capture_output=True, text=True, timeout=timeout, **options)
        assert done.returncode == code, f"exit code {done.returncode}, expected {code}\n{done.stdout}\n{done.stderr}"
        return done


def packages():
    """The folder with the packages of the tests."""
    return pathlib.Path(sys.prefix, "lib", f"python{sys.version_info.major}.{sys.version_info.minor}", "site-packages")
