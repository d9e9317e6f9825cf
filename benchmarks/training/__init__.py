"""Measurements of the trainer. Unlike the runtime's, they need `train/` and PyTorch."""
