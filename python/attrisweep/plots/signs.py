"""Whether maps of a method have a sign: a fact of the method, which no single map shows."""

from collections.abc import Mapping
from typing import Any

from ..group import Group


def is_signed(group: Group, method: str) -> bool:
    """Whether values of maps of `method` may be below zero, as the method's class and parameters say.

    In stores of other scripts, which do not record them, the first part of the key is the class: `Saliency` of `Saliency_abs_True`.
    """
    said = group.variant(method)
    parameters = said.get("params")
    parameters = parameters if isinstance(parameters, Mapping) else {}
    return _is_signed(str(said.get("class") or method.partition("_")[0]), parameters)


def _is_signed(name: str, parameters: Mapping[str, Any]) -> bool:
    match name:
        case "Saliency":
            return False
        case "LayerGradCam" | "GradCam" | "GradCAM":
            return parameters.get("relu_attributions", True) is False
        case "NoiseTunnel":
            is_of_squares = parameters.get("nt_type", "smoothgrad") in ("smoothgrad_sq", "vargrad")
            return not is_of_squares and _is_signed(str(parameters.get("attribution_method", "Saliency")), {})
    return True
