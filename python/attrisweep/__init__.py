"""Reads the stores of attribution sweeps: maps, images and predictions as xarray objects.

    import attrisweep
    sweep = attrisweep.open_sweep("outputs/demo")
    sweep.groups                                     # a pandas table
    group = sweep.group(model="resnet18", noise="clean")
    group.maps("Saliency", correct=False)            # a lazy xarray.DataArray
"""

from .errors import AttrisweepError, BadRequestError, DamagedStoreError, NoStoresError, NotWrittenError, UnknownNameError
from .group import Group
from .names import GroupName
from .sweep import Sweep, open_sweep

__all__ = [
    "AttrisweepError", "BadRequestError", "DamagedStoreError", "Group", "GroupName", "NoStoresError", "NotWrittenError", "Sweep", "UnknownNameError",
    "open_sweep",
]
__version__ = "0.1.0"
