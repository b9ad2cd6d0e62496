"""The groups of a sweep as one DataTree: `/<dataset>/<model>/<noise>/<split>`, with the families of arrays below."""

from collections import defaultdict
from collections.abc import Hashable, Iterable

import numpy as np
import xarray

from .group import Group

# Arrays of a group that are its coordinates already.
_COORDINATES = ("labels", "original_indices")


def tree(groups: Iterable[Group]) -> xarray.DataTree:
    """Tree of `groups`. Values of images, logits and maps are lazy.

    The node of a group has `images` and `model_predictions`, the nodes below it an array for each method or mean image. The node
    `written` says for each method which images have a map: where it is false, the values of the map mean nothing.
    """
    nodes: dict[str, xarray.Dataset] = {}
    for group in groups:
        place = group.name.node
        nodes.update({f"{place}/{below}".rstrip("/"): dataset for below, dataset in _datasets(group).items()})
    return xarray.DataTree.from_dict(nodes)


def _datasets(group: Group) -> dict[str, xarray.Dataset]:
    families: dict[str, dict[str, xarray.Variable]] = defaultdict(dict)
    for path in group.arrays:
        family, _, member = path.rpartition("/")
        if path not in _COORDINATES:
            families[family][member] = group.array(path).variable
    families["written"] = {method: xarray.Variable("image", group.written(method)) for method in group.fitting}
    datasets = {below: xarray.Dataset(_fitting(arrays, len(group))) for below, arrays in families.items()}
    # A node inherits the numbers of the images from the node above, and no other coordinate.
    for below in ("", "attributions"):
        datasets[below] = datasets.get(below, xarray.Dataset()).assign_coords(group.coordinates())
    # Attributes are what netCDF holds, which has no booleans.
    datasets[""].attrs = {"path": str(group.path), "complete": np.int8(group.complete)}
    return datasets


def _fitting(arrays: dict[str, xarray.Variable], images: int) -> dict[str, xarray.Variable]:
    """The same arrays, with a name of its own for each dimension that has another size than the same dimension elsewhere.

    Users add arrays to stores; one of another shape must not take the others from their reader.
    """
    sizes: dict[Hashable, int] = {"image": images}
    fitting = {}
    for member, array in arrays.items():
        named = [name if sizes.setdefault(name, size) == size else f"{name}_of_{member}" for name, size in array.sizes.items()]
        fitting[member] = array.copy(deep=False)
        fitting[member].dims = named
    return fitting
