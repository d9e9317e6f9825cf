"""What a conversion cost: the same problems and trajectories through a reference and candidates."""
