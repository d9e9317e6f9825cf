"""One module for each kind of problem; `train.problems` imports them all."""
