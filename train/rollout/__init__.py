"""Rollouts: the runtime's own agent loop, many at a time, over the student being trained."""
