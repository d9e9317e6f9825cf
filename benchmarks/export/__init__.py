"""What export costs: size, speed, memory, fidelity (issue 4)."""
