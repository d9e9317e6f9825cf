"""Measurements of the runtime: every speed is a ratio of two things timed in one run."""
