"""The steps of the container files, as the files have them, in a root of their own on this machine; what cannot be run is compared."""

import json
import re
import shlex
import shutil
import tomllib

import pytest
from support import ROOT
from support.stand_ins.machines.environment import Environment, packages
from support.stand_ins.machines.root import run_in_root

# The C library of the releases of Debian that images of Python stand on.
C_LIBRARIES = {"bullseye": (2, 31), "bookworm": (2, 36), "trixie": (2, 41)}


class Container:
    """What a container file says: its base, files to copy, commands, the command that a container is, and how it is called."""

    def __init__(self):
        self.base, self.copied, self.commands, self.tested, self.folder, self.entry, self.called = None, [], [], [], "/", [], None


def dockerfile():
    """The Dockerfile; an instruction that this test does not know is a mistake."""
    container = Container()
    text = (ROOT / "containers" / "Dockerfile").read_text().replace("\\\n", " ")
    for line in filter(None, map(str.strip, text.splitlines())):
        instruction, rest = line.split(None, 1)
        match instruction:
            case "#" if "docker run" in rest:
                container.called = shlex.split(rest.partition("docker run")[2].partition(" attrisweep ")[2])
            case "#":
                pass
            case "FROM":
                container.base = rest
            case "COPY":
                container.copied.append(rest.split())
            case "RUN":
                container.commands.append(rest)
            case "WORKDIR":
                container.folder = rest
            case "ENTRYPOINT":
                container.entry = json.loads(rest)
            case _:
                raise AssertionError(f"nothing here runs `{line}`")
    return container


def definition():
    """The definition for Apptainer; a section that this test does not know is a mistake."""
    container = Container()
    header, *sections = re.split(r"(?m)^%(\w+)[ \t]*\n", (ROOT / "containers" / "attrisweep.def").read_text())
    keys = dict(line.split(": ", 1) for line in header.strip().splitlines())
    assert keys.pop("Bootstrap") == "docker"
    container.base = keys.pop("From")
    assert not keys
    for section, text in zip(sections[::2], sections[1::2], strict=True):
        match section:
            case "files":
                container.copied = [line.split() for line in text.splitlines() if line.strip()]
            case "post":
                container.commands = [text]
            case "test":
                container.tested = [text]
            case "runscript":
                container.entry = ["/bin/sh", "-c", text, "runscript"]
            case "help":
                container.called = shlex.split(text.partition("attrisweep.sif ")[2])
            case _:
                raise AssertionError(f"nothing here runs the section %{section}")
    return container


FILES = {"Dockerfile": dockerfile, "attrisweep.def": definition}


@pytest.mark.parametrize("file", FILES)
def test_the_steps_of_a_container_install_the_wheel_and_its_command_runs_a_sweep(file, wheel, tmp_path):
    container, context = FILES[file](), tmp_path / "context"
    (context / "target" / "wheels").mkdir(parents=True)
    shutil.copy(wheel, context / "target" / "wheels")
    # In place of the base: a Python with the packages that pip would download.
    base = Environment(tmp_path / "base")
    (base.folder / "bin" / "pip").write_text(f'#!/bin/sh\nexec {base.folder}/bin/python -m pip "$@"\n')
    (base.folder / "bin" / "pip").chmod(0o755)
    steps = [shlex.join(["cp", "-r", str(context / place), to]) for place, to in container.copied]
    steps += [f"({command}\n)" for command in (*container.commands, *container.tested)]
    steps += [f"mkdir -p {container.folder}", f"cd {container.folder}", "echo installed"]
    steps += [shlex.join([*container.entry, "demo", "."]), "echo called", shlex.join([*container.entry, *container.called])]
    told = run_in_root(tmp_path, "\n".join(steps), f"{base.folder}/bin:/usr/bin:/bin", [packages(), packages().resolve()])
    installing, rest = told.split("installed\n")
    demo, called = rest.split("called\n")
    assert "Successfully installed attrisweep-" in installing and re.search(r"(?m)^attrisweep \d", installing), installing
    assert container.called and "Wrote" in demo and "Nothing was left to compute" in called, rest


@pytest.mark.parametrize("file", FILES)
def test_the_base_of_a_container_has_a_python_and_a_c_library_for_the_wheel(file, wheel):
    python, debian = re.fullmatch(r"python:(\d+\.\d+)-slim-(\w+)", FILES[file]().base).groups()
    oldest = tomllib.loads((ROOT / "python" / "pyproject.toml").read_text())["project"]["requires-python"].removeprefix(">=")
    assert [int(part) for part in python.split(".")] >= [int(part) for part in oldest.split(".")]
    needed = tuple(map(int, re.search(r"-manylinux_(\d+)_(\d+)_", wheel.name).groups()))
    assert needed <= C_LIBRARIES[debian]


def test_both_files_have_the_same_base():
    assert dockerfile().base == definition().base
