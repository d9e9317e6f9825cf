"""What runs on the far side of the pipe: the warm CPython process and its forks.

The worker imports this folder as the top-level package `worker`, so that it never loads
`runtime`: only relative imports, the standard library, landlockpy and pyseccomp here.
"""
