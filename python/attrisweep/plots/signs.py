"""Whether maps of a method have a sign: a fact of the method, which no single map shows."""

from collections.abc import Mapping
from typing import Any

from ..group import Group


_CAMS = {"GradCAMPlusPlus", "XGradCAM", "LayerCAM", "HiResCAM", "GradCAMElementWise", "EigenCAM", "EigenGradCAM", "ScoreCAM", "AblationCAM", "LiftCAM"}
_NOT_BELOW_ZERO = {"FullGrad", "RawAttention", "AttentionRollout", "GenericAttention", "AttentionGradCAM", "TransformerAttribution"}


def is_signed(group: Group, method: str) -> bool:
    """Whether values of maps of `method` may be below zero, as the method's class and parameters say.

    Stores of other scripts and parts of stores do not record them: there the key says it, `Saliency_abs_True` for one.
    """
    said = group.variant(method)
    if not said:
        return _is_signed_by_key(method)
    parameters = said.get("params")
    parameters = parameters if isinstance(parameters, Mapping) else {}
    return _is_signed(str(said.get("class")), parameters)


def _is_signed_by_key(key: str) -> bool:
    """What the key of a variant says: where it says nothing, values below zero must not look like zero."""
    name, _, parameters = key.partition("_")
    if name == "Saliency":
        return parameters not in ("", "abs_True")
    if name in ("LayerGradCam", "GradCam", "GradCAM"):
        return "relu_attributions_True" not in parameters
    return not (name == "NoiseTunnel" and ("smoothgrad_sq" in parameters or "vargrad" in parameters))


def _is_signed(name: str, parameters: Mapping[str, Any]) -> bool:
    match name:
        case "Saliency":
            return False
        case "LayerGradCam" | "GradCam" | "GradCAM":
            return parameters.get("relu_attributions", True) is False
        case _ if name in _CAMS:
            return parameters.get("relu_attributions", True) is False
        case _ if name in _NOT_BELOW_ZERO:
            return False
        case "RISE":
            return bool(parameters.get("score", "probability") == "logit")
        case "NoiseTunnel":
            is_of_squares = parameters.get("nt_type", "smoothgrad") in ("smoothgrad_sq", "vargrad")
            return not is_of_squares and _is_signed(str(parameters.get("attribution_method", "Saliency")), {})
    return True
