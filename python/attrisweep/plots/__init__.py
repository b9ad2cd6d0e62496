"""Pictures of maps. Needs matplotlib: `pip install attrisweep[plot]`."""

from .figure import MapsFigure, plot_maps
from .scale import Outliers, Scale
from .signs import is_signed

__all__ = ["MapsFigure", "Outliers", "Scale", "is_signed", "plot_maps"]
