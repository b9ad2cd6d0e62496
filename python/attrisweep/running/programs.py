"""The programs of the wheel: where they lie, what they need, and how a command line becomes one of them.

The wheel has two program files, `attrisweep` and `worker`; `scheduler`, `preflight` and `means` are the first one, called
by another name. They are linked against the libtorch of one release of torch.
"""

import ctypes
import importlib.metadata
import importlib.util
import os
import pathlib
import re
import sys
from collections.abc import Sequence
from typing import NoReturn

from ..errors import ProgramError

FOLDER = pathlib.Path(__file__).parents[1] / "bin"

_CPP = "libstdc++.so.6"

# The exit code of the programs for a worker that cannot be started.
NO_WORKER = 5


def path() -> pathlib.Path:
    """The program file of the command line, or the one that `ATTRISWEEP_PROGRAM` names, in a checkout without a wheel."""
    file = pathlib.Path(os.environ.get("ATTRISWEEP_PROGRAM", FOLDER / "attrisweep"))
    if not file.exists():
        raise ProgramError(f"there is no program `{file}`: install the wheel of attrisweep for this kind of machine")
    return file


def environment() -> dict[str, str]:
    """The environment in which the programs find the libtorch that they were linked against.

    Raises `ProgramError` for an environment without torch, or with another release of it, and for a machine without the library of C++.
    """
    _demand_cpp()
    found, expected = _installed_torch(), _expected_torch()
    how = f"run `python -m pip install torch=={expected}`, or install attrisweep into an environment of its own"
    if found is None:
        raise ProgramError(f"attrisweep needs torch {expected}, and there is none in {sys.prefix}: {how}")
    version, folder = found
    if expected is not None and version != expected:
        raise ProgramError(f"attrisweep needs torch {expected}, and {sys.prefix} has {version}: {how}")
    variables = dict(os.environ, ATTRISWEEP_PYTHON=sys.executable)
    if folder.parent != FOLDER.parents[1]:
        # The programs look for torch beside this package; here it lies elsewhere, as in an environment that sees another.
        library = str(folder / "lib")
        variables["LD_LIBRARY_PATH"] = os.pathsep.join(filter(None, [library, os.environ.get("LD_LIBRARY_PATH")]))
    return variables


def call(name: str, arguments: Sequence[str]) -> NoReturn:
    """Becomes the program `name`."""
    try:
        file, variables = path(), environment()
        os.execve(file, [name, *arguments], variables)
    except (ProgramError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(NO_WORKER)


def attrisweep() -> NoReturn:
    """The command `attrisweep`."""
    call("attrisweep", sys.argv[1:])


def scheduler() -> NoReturn:
    """The command `scheduler`."""
    call("scheduler", sys.argv[1:])


def preflight() -> NoReturn:
    """The command `preflight`."""
    call("preflight", sys.argv[1:])


def means() -> NoReturn:
    """The command `means`."""
    call("means", sys.argv[1:])


def _demand_cpp() -> None:
    """Raises `ProgramError` where the library of C++ cannot be loaded, which torch needs, too: small images of containers lack it."""
    try:
        ctypes.CDLL(_CPP)
    except OSError as error:
        how = "install it, with `apt-get install libstdc++6` or `dnf install libstdc++`"
        raise ProgramError(f"attrisweep needs the library of C++, {_CPP}, which cannot be loaded ({error}): {how}") from error


def _installed_torch() -> tuple[str, pathlib.Path] | None:
    """The release of torch, such as `2.11.0`, and its folder. Torch itself is not imported, which takes seconds."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    folder = pathlib.Path(spec.origin).parent
    text = (folder / "version.py").read_text(encoding="utf-8")
    match = re.search(r"""__version__ = ['"]([^'"+]+)""", text)
    return (match.group(1) if match else "of an unknown release"), folder


def _expected_torch() -> str | None:
    """The release of torch that the installed wheel asks for; `None` where attrisweep runs from a checkout."""
    try:
        wanted = importlib.metadata.requires("attrisweep") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    return next((line.removeprefix("torch==") for line in wanted if line.startswith("torch==")), None)
