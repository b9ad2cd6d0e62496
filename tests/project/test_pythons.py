"""One wheel for every Python that it says: each interpreter that is at hand installs the wheel, compiles the package, and runs a sweep."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tomllib

import pytest
from support import ROOT, Sweep
from support.stand_ins.machines.environment import Environment

# Where tools that manage interpreters keep them.
PLACES = ["~/.pyenv/versions", "~/.local/share/uv/python", "/opt/python"]

TOLD = "import ensurepip, json, sys, venv; print(json.dumps(sys.version_info[:2]))"


def interpreters():
    """An interpreter of each release from 3.9 on that can make environments, by its number."""
    programs = [shutil.which(f"python3.{minor}") for minor in range(9, 20)]
    for place in (pathlib.Path(place).expanduser() for place in PLACES):
        programs += sorted(place.glob("*/bin/python3"))
    found = {sys.version_info[:2]: sys.executable}
    for program in filter(None, programs):
        told = subprocess.run([program, "-I", "-c", TOLD], capture_output=True, text=True)
        if told.returncode == 0:
            found.setdefault(tuple(json.loads(told.stdout)), str(program))
    return {version: program for version, program in found.items() if version >= (3, 9)}


FOUND = interpreters()
OLDEST = (3, 11)
SUPPORTED = sorted(version for version in FOUND if version >= OLDEST)
OLDER = sorted(version for version in FOUND if version < OLDEST)


def name(version):
    return ".".join(map(str, version))


def test_the_oldest_python_is_the_same_in_every_file():
    project = tomllib.loads((ROOT / "python" / "pyproject.toml").read_text())
    assert project["project"]["requires-python"] == f">={name(OLDEST)}"
    assert project["tool"]["mypy"]["python_version"] == name(OLDEST)
    assert f"sys.exit(not {OLDEST} <= sys.version_info[:2]" in (ROOT / "scripts" / "setup.sh").read_text()
    assert f"Python {name(OLDEST)} and newer" in (ROOT / "docs" / "guide" / "first-steps" / "installing.md").read_text()


@pytest.mark.parametrize("version", SUPPORTED, ids=name)
def test_a_python_that_is_promised_installs_the_wheel_and_runs_a_sweep(version, wheel, inputs, tmp_path):
    # Programs need torch's libraries and no module of torch, so that those of the tests' Python serve all of them.
    environment = Environment(tmp_path / "environment", only=["torch"], python=FOUND[version])
    environment.install(wheel, "--no-deps")
    assert name(version) in environment.run("python", "--version").stdout
    package = environment.site / "attrisweep"
    files = sorted(map(str, package.rglob("*.py")))
    assert len(files) > 20
    compiled = "import sys; [compile(open(file, encoding='utf-8').read(), file, 'exec') for file in sys.argv[1:]]"
    environment.run("python", "-W", "error", "-c", compiled, *files)
    # Whatever needs no library of others is imported.
    imported = "import attrisweep as a; print(a.__version__, a.start.__name__, a.errors.ProgramError.__name__)"
    assert environment.run("python", "-W", "error", "-c", imported, cwd=tmp_path).stdout.split()[1:] == ["start", "ProgramError"]
    run = Sweep(tmp_path, inputs, limit=2)
    run.config["search_space"]["attribution_methods"] = [{"name": "Saliency"}]
    told = environment.run("attrisweep", "run", "--config", str(run.file))
    assert len(run.stores()) == 1 and "Wrote" in told.stdout, told
    started = f"import attrisweep; print(attrisweep.start({str(run.file)!r}).wait(200))"
    assert "Nothing was left to compute" in environment.run("python", "-W", "error", "-c", started, cwd=tmp_path).stdout


@pytest.mark.parametrize("version", OLDER, ids=name)
def test_an_older_python_is_refused_by_pip_in_one_sentence(version, wheel, tmp_path):
    subprocess.run([FOUND[version], "-m", "venv", tmp_path / "old"], check=True)
    variables = {"PATH": os.defpath, "HOME": str(tmp_path), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    command = [tmp_path / "old" / "bin" / "python", "-m", "pip", "install", "--no-index", "--no-deps", wheel]
    done = subprocess.run(command, capture_output=True, text=True, env=variables)
    told = done.stdout + done.stderr
    assert done.returncode != 0 and "requires a different Python" in told, told
