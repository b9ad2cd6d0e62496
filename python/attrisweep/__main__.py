"""`python -m attrisweep`, which is the command `attrisweep`."""

from .running.programs import attrisweep

attrisweep()
