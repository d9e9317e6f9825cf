"""A real llama-server on loopback: `python llama_server.py MODEL [KEY]` prints its address.

The package xllamacpp is llama.cpp's server, compiled, without its command line.
"""

from __future__ import annotations

import signal
import sys

from xllamacpp import CommonParams, Server


def main() -> None:
    params = CommonParams()
    params.model.path = sys.argv[1]
    params.api_keys = sys.argv[2:]
    params.port, params.n_ctx, params.n_parallel, params.warmup = 0, 1024, 1, False
    # More threads wait for each other by spinning, which a busy machine punishes.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.endpoint_slots = True
    server = Server(params)
    print(server.listening_address, flush=True)
    signal.pause()


main()
