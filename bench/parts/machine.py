"""The machine, what it can do at most, and what a variant needs at least."""

import os
import platform
import time
from pathlib import Path

import torch
import torchvision
from torch.utils.flop_counter import FlopCounterMode

REPEATS = 4


def cores():
    return len(os.sched_getaffinity(0))


def facts(threads, device="cpu"):
    """Who computed, and how fast it multiplies, in single precision, and copies."""
    names = [line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    torch.set_num_threads(threads)
    return {
        "cpu": names[0] if names else platform.machine(),
        "gpu": None if device == "cpu" else torch.cuda.get_device_name(),
        "cores": cores(),
        "threads": threads,
        "load": os.getloadavg()[0],
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "multiply_flop_per_second": multiplying(device),
        "copy_bytes_per_second": copying(device),
    }


def best(act, device):
    finish = torch.cuda.synchronize if device == "cuda" else lambda: None

    def once():
        finish()
        started = time.perf_counter()
        act()
        finish()
        return time.perf_counter() - started

    return min(once() for _ in range(REPEATS))


def multiplying(device):
    """Floating-point operations a second, in a product of two matrices."""
    side = 2048 if device == "cpu" else 8192
    a, b, out = (torch.randn(side, side, device=device) for _ in range(3))
    return 2 * side**3 / best(lambda: torch.mm(a, b, out=out), device)


def copying(device):
    """Bytes read and written a second, in a copy that fits no cache."""
    size = 64 << 20 if device == "cpu" else 1 << 30
    a, b = (torch.zeros(size, dtype=torch.float32, device=device) for _ in range(2))
    return 2 * 4 * size / best(lambda: b.copy_(a), device)


def forward_flop(model, size):
    """Operations of convolutions and products in a forward pass of one image."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 3, size, size))
    return counter.get_total_flops()


def passes(name, params, size):
    """Forward passes' worth of operations an image that the plain method takes; a backward pass is another one."""
    patch, noise = params.get("patch_size", size), params.get("n_noise_baselines", 4)
    windows = -(-(size - 2 * patch) // patch) + 1
    return {
        "IntegratedGradients": 2 * params.get("n_steps", 0),
        "GradientShap": 2 * params.get("n_samples", 0),
        # There: the image. Back: from each baseline, zero and the mean too. All images share the baselines.
        "DeepLiftShap": 1 + noise + 2,
        "FeatureAblation": 1 + (-(-size // patch)) ** 2,
        "Occlusion": 1 + windows**2,
    }.get(name, 2)
