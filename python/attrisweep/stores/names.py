"""Names of groups, and how the names of stores are read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

UNKNOWN = "unknown"

_STORE = re.compile(r"dataset-(?P<dataset>.+)_model-(?P<model>.+)_noise-(?P<noise>.+)_split-(?P<split>[^_.]+)(?P<rest>_[^.]+)?$")
_FOLDER_OF_TENSORS = re.compile(r"model-(?P<model>.+?)_noise-(?P<noise>.+)$")


@dataclass(frozen=True, order=True)
class GroupName:
    """Dataset, model, noise and split of a group."""

    dataset: str
    model: str
    noise: str
    split: str

    @property
    def node(self) -> str:
        """Path of the group's node in the tree of a sweep."""
        return "/".join((self.dataset, self.model, self.noise, self.split))


def of_store(stem: str, attributes: Mapping[str, Any]) -> GroupName:
    """The name of a group, from the attributes of its store's root and, for what these lack, from the store's name.

    `stem` is the name of the file or folder without `.zarr` and `.zip`. What neither says is called `unknown`.
    """
    read = (_STORE.match(stem) or _FOLDER_OF_TENSORS.match(stem))
    parts = read.groupdict() if read else {}
    said = {"dataset": "data_flag", "model": "model_flag", "noise": "noise_name", "split": "split"}
    names = {part: str(attributes.get(attribute) or parts.get(part) or UNKNOWN) for part, attribute in said.items()}
    return GroupName(**{**names, "split": names["split"] + (parts.get("rest") or "")})


def is_of_store(stem: str) -> bool:
    """Whether a file or folder with this name, without its suffixes, is called as stores are."""
    return _STORE.match(stem) is not None


def is_of_tensors(stem: str) -> bool:
    """Whether a folder is called as folders of `.pt` files are: `model-<model>_noise-<noise>`."""
    return _FOLDER_OF_TENSORS.match(stem) is not None
