"""What tests share. Test files import from here, and nothing from each other; fixtures are in conftest.py."""

from . import torch_settings  # noqa: F401  (before everything that loads torch)
from .grid import DETERMINISTIC, METHODS, NOISES, asked, variants
from .inputs import architecture, make_dataset, make_images, make_model, make_weights
from .processes import alive, children, has_argument, has_variable, kill, wait_for
from .programs import PREFLIGHT, ROOT, SCHEDULER, STAND_INS, WORKER, compiled
from .sweep import ACCESS, LOCK, Sweep, log, signature

__all__ = [
    "ACCESS", "DETERMINISTIC", "LOCK", "METHODS", "NOISES", "PREFLIGHT", "ROOT", "SCHEDULER", "STAND_INS", "Sweep", "WORKER", "alive",
    "architecture", "asked", "children", "compiled", "has_argument", "has_variable", "kill", "log", "make_dataset", "make_images",
    "make_model", "make_weights", "signature", "variants", "wait_for",
]
