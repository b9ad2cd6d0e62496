"""Reads the stores of attribution sweeps: maps, images and predictions as xarray objects.

    import attrisweep
    sweep = attrisweep.open_sweep("outputs/demo")
    sweep.groups                                     # a pandas table
    group = sweep.group(model="resnet18", noise="clean")
    group.maps("Saliency", correct=False)            # a lazy xarray.DataArray
"""

from .errors import AttrisweepError, BadRequestError, DamagedStoreError, NoStoresError, NotWrittenError, UnknownNameError
from .for_quantus import QuantusArguments, quantus_arguments
from .group import Group
from .names import GroupName
from .sweep import Sweep, open_sweep

__all__ = [
    "AttrisweepError", "BadRequestError", "DamagedStoreError", "Group", "GroupName", "NoStoresError", "NotWrittenError", "QuantusArguments", "Sweep",
    "UnknownNameError", "open_sweep", "quantus_arguments",
]
__version__ = "0.1.0"
