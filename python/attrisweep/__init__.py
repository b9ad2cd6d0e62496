"""Attribution sweeps from Python: starting them, and reading their stores as xarray objects.

    import attrisweep
    attrisweep.start("config.yml")                   # returns at once
    sweep = attrisweep.open_sweep("outputs/demo")
    sweep.groups                                     # a pandas table
    group = sweep.group(model="resnet18", noise="clean")
    group.maps("Saliency", correct=False)            # a lazy xarray.DataArray
"""

import importlib
import importlib.metadata
import pathlib
import tomllib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .errors import AttrisweepError as AttrisweepError
    from .errors import BadRequestError as BadRequestError
    from .errors import DamagedStoreError as DamagedStoreError
    from .errors import NoStoresError as NoStoresError
    from .errors import NotWrittenError as NotWrittenError
    from .errors import ProgramError as ProgramError
    from .errors import SweepFailedError as SweepFailedError
    from .errors import UnknownNameError as UnknownNameError
    from .for_quantus import QuantusArguments as QuantusArguments
    from .for_quantus import quantus_arguments as quantus_arguments
    from .group import Group as Group
    from .stores.names import GroupName as GroupName
    from .running.runs import Run as Run
    from .running.runs import start as start
    from .sweep import Sweep as Sweep
    from .sweep import open_sweep as open_sweep

# The module of each name. xarray and zarr take a second to import, for which the commands must not wait.
_HOMES = {
    "errors": [
        "AttrisweepError", "BadRequestError", "DamagedStoreError", "NoStoresError", "NotWrittenError", "ProgramError",
        "SweepFailedError", "UnknownNameError",
    ],
    "for_quantus": ["QuantusArguments", "quantus_arguments"],
    "group": ["Group"],
    "stores.names": ["GroupName"],
    "running.runs": ["Run", "start"],
    "sweep": ["Sweep", "open_sweep"],
}

__all__ = [name for names in _HOMES.values() for name in names]


def __getattr__(name: str) -> object:
    """Imports a name, or the version of the installed package, when somebody asks for it."""
    if name == "__version__":
        return _version()
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f".{module}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _version() -> str:
    """The version of the installed package; in a checkout, that of the workspace."""
    try:
        return importlib.metadata.version("attrisweep")
    except importlib.metadata.PackageNotFoundError:
        workspace = pathlib.Path(__file__).parents[2] / "Cargo.toml"
        version: str = tomllib.loads(workspace.read_text(encoding="utf-8"))["workspace"]["package"]["version"]
        return version


def __dir__() -> list[str]:
    return [*globals(), *__all__]
