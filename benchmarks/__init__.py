"""Measurements of the runtime. Every speed is a ratio of two things timed side by side in one run."""
