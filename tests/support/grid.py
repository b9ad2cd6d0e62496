"""Methods and noises of the tests, and the variants that they stand for."""

import itertools

METHODS = [
    {"name": "Saliency", "class": "Saliency", "params": {}},
    {"name": "InputXGradient", "class": "InputXGradient", "params": {}},
    {"name": "GuidedBackprop", "class": "GuidedBackprop", "params": {}},
    {"name": "Deconvolution", "class": "Deconvolution", "params": {}},
    {"name": "IntegratedGradients", "class": "IntegratedGradients", "params": {"n_steps": [5, 12], "baselines": "zero"}},
]
# One of the methods whose batches take memory of their own.
DEEP_LIFT = {"name": "DeepLIFT", "class": "DeepLift", "params": {"baselines": "zero"}}
# Every method that is a function of the image alone, beside those above; few patches, so that all of it is quick.
DETERMINISTIC = [
    {"name": "IG", "class": "IntegratedGradients", "params": {"n_steps": 7, "method": ["riemann_left", "riemann_right", "riemann_middle", "riemann_trapezoid"]}},
    {"name": "DeepLIFT", "class": "DeepLift", "params": {"baselines": ["global_mean", "zero"]}},
    {"name": "FeatureAblation", "class": "FeatureAblation", "params": {"patch_size": [14, 11]}},
    {"name": "Occlusion", "class": "Occlusion", "params": {"patch_size": 8, "baselines": "global_mean"}},
    {"name": "Occluded", "class": "Occlusion", "params": {"sliding_window_shapes": 9, "strides": 7}},
    {"name": "GradCam", "class": "LayerGradCam", "params": {"layer": "LAYER", "relu_attributions": False, "interpolate_mode": "nearest"}},
    {"name": "GuidedGradCam", "class": "GuidedGradCam", "params": {"layer": "LAYER"}},
]
NOISES = [
    {"name": "clean", "type": "none", "params": {}},
    {"name": "gaussian_std_0.15", "type": "gaussian", "params": {"std": 0.15}},
    {"name": "salt_pepper_amount_0.05", "type": "salt_pepper", "params": {"amount": 0.05}},
    {"name": "speckle_std_0.15", "type": "speckle", "params": {"std": 0.15}},
]


def variants(method):
    """Key and parameters of everything that one item of `attribution_methods` stands for."""
    names = list(method["params"])
    lists = [value if isinstance(value, list) else [value] for value in method["params"].values()]
    for values in itertools.product(*lists):
        params = dict(zip(names, values))
        yield "_".join([method["name"], *(f"{name}_{params[name]}" for name in sorted(params))]), params


def asked(methods, semantics, batch):
    """`methods` of a config as `worker probe` takes variants."""
    names = {"semantics": semantics, "batch": batch}
    return [{"key": key, "class": method["class"], "parameters": params, **names} for method in methods for key, params in variants(method)]
