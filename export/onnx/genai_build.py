"""`python -m export.onnx.genai_build FOLDER OUT PRECISION TARGET OPTION...`: genai's model builder.

Run in a process of its own by `backends.py`. The builder of onnxruntime-genai 0.18 does not know
how transformers 5 writes down the two rotary embeddings of Gemma 3, so that is told it here.
"""

from __future__ import annotations

import sys
from typing import Any


def flatten_rope(config: Any) -> None:
    """Write nested `rope_parameters` as transformers 4 did: two bases, one set of scales."""
    rope = getattr(config, "rope_parameters", None)
    if isinstance(rope, dict) and {"full_attention", "sliding_attention"} <= rope.keys():
        config.rope_local_base_freq = rope["sliding_attention"]["rope_theta"]
        config.rope_parameters = dict(rope["full_attention"])
        config.rope_theta = config.rope_parameters["rope_theta"]


def main(source: str, out: str, precision: str, target: str, *options: str) -> None:
    """Build the graph of the folder `source` in the folder `out`."""
    from onnxruntime_genai.models import builder

    read = builder.get_hf_details

    def read_flat(*args: Any) -> Any:
        details = read(*args)
        flatten_rope(details["hf_config"])
        return details

    builder.get_hf_details = read_flat
    where = (None, source, out, precision, target, f"{out}/cache")
    builder.create_model(*where, **builder.parse_extra_options(*where, list(options)))


if __name__ == "__main__":
    main(*sys.argv[1:])
