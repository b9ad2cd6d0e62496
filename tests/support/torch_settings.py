"""Settings of torch that must be there before it is loaded: import this module first."""

import os

# Threads of these tests that wait leave the cores to the tests beside them. Read when torch is loaded; what they start, Captum in a
# benchmark or a scheduler, decides for itself.
SPIN = {} if "GOMP_SPINCOUNT" in os.environ else {"GOMP_SPINCOUNT": "2000"}
os.environ.update(SPIN)
# Where the worker keeps to a narrower width, so does torch, which Captum runs on: kernels of another width round otherwise, and a
# ReLU near zero may flip.
if os.environ.get("ATTRISWEEP_MAX_CPU_ISA") == "avx2":
    os.environ |= {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}
import torch

for name in SPIN:
    del os.environ[name]

# With one, PyTorch takes convolutions of its own instead of oneDNN's: another rounding, and ReLUs near zero flip.
torch.set_num_threads(max(2, torch.get_num_threads()))
