"""`python -m attrisweep`, which is the command `attrisweep`."""

from .programs import attrisweep

attrisweep()
