"""A page under test: the program that serves it, and a browser that shows it."""
