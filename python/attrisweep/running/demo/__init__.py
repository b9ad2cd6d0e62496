"""The inputs of `attrisweep demo`: handwritten digits, and a small network that is trained on them in some seconds."""
