"""How many problems of a file a model solves on this machine, and why it fails at the others."""
