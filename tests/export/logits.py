"""Logits of a GGUF file from llama.cpp's C API, with the KV cache in float32."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from runtime.engines.llama_bindings import llama

_GGML_TYPE_F32 = 0


def logits(path: Path, ids: list[int]) -> np.ndarray:
    """The logits after each of `ids`, shape (tokens, vocabulary)."""
    lib = llama()
    model = lib.llama_model_load_from_file(os.fsencode(path), lib.llama_model_default_params())
    params = lib.llama_context_default_params()
    params.n_ctx = params.n_batch = params.n_ubatch = len(ids)
    params.n_threads = params.n_threads_batch = 2
    params.type_k = params.type_v = _GGML_TYPE_F32
    params.flash_attn_type = 0  # LLAMA_FLASH_ATTN_TYPE_DISABLED
    context = lib.llama_init_from_model(model, params)
    batch = lib.llama_batch_init(len(ids), 0, 1)
    try:
        batch.n_tokens = len(ids)
        for i, token in enumerate(ids):
            batch.token[i], batch.pos[i], batch.logits[i] = token, i, 1
            batch.n_seq_id[i], batch.seq_id[i][0] = 1, 0
        assert lib.llama_decode(context, batch) == 0
        size = lib.llama_vocab_n_tokens(lib.llama_model_get_vocab(model))
        rows = [
            np.ctypeslib.as_array(lib.llama_get_logits_ith(context, i), (size,))
            for i in range(len(ids))
        ]
        return np.stack(rows)
    finally:
        lib.llama_batch_free(batch)
        lib.llama_free(context)
        lib.llama_model_free(model)
