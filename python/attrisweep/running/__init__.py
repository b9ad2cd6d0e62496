"""Running sweeps: the programs of the wheel, sweeps beside a notebook, and the inputs of the demo."""
