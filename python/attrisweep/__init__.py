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
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .errors import (
        AttrisweepError,
        BadRequestError,
        DamagedStoreError,
        NoStoresError,
        NotWrittenError,
        ProgramError,
        SweepFailedError,
        UnknownNameError,
    )
    from .for_quantus import QuantusArguments, quantus_arguments
    from .group import Group
    from .names import GroupName
    from .runs import Run, start
    from .sweep import Sweep, open_sweep

# The module of each name. xarray and zarr take a second to import, for which the commands must not wait.
_HOMES = {
    "errors": [
        "AttrisweepError", "BadRequestError", "DamagedStoreError", "NoStoresError", "NotWrittenError", "ProgramError",
        "SweepFailedError", "UnknownNameError",
    ],
    "for_quantus": ["QuantusArguments", "quantus_arguments"],
    "group": ["Group"],
    "names": ["GroupName"],
    "runs": ["Run", "start"],
    "sweep": ["Sweep", "open_sweep"],
}

__all__ = [
    "AttrisweepError", "BadRequestError", "DamagedStoreError", "Group", "GroupName", "NoStoresError", "NotWrittenError", "ProgramError",
    "QuantusArguments", "Run", "Sweep", "SweepFailedError", "UnknownNameError", "open_sweep", "quantus_arguments", "start",
]


def __getattr__(name: str) -> object:
    """Imports a name, or the version of the installed package, when somebody asks for it."""
    if name == "__version__":
        return importlib.metadata.version("attrisweep")
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f".{module}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
