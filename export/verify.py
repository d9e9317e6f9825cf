"""Whether llama.cpp reads an exported file as training did; one that fails is not kept.

Token ids are compared on some hundred texts, stop tokens and template with the tokenizer's. A
wrong pre-tokenizer or a lost special token raises no error anywhere else: the model just gets
worse.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from export.errors import ExportError
from export.samples import sample_texts
from export.traces import Vocabulary
from runtime.engines.cores import physical_cores
from runtime.engines.llama_bindings import clear_log, interrupts_deferred, last_error, llama

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def check_tokens(vocabulary: Vocabulary, tokenizer: PreTrainedTokenizerBase, source: str) -> int:
    """Compare token ids with the tokenizer of `source`; returns how many texts were compared.

    Raises ExportError for the first text that llama.cpp cuts otherwise.
    """
    backend = tokenizer.backend_tokenizer
    backend.no_truncation()
    backend.no_padding()
    own = vocabulary.tokenizer
    added = tokenizer.added_tokens_decoder.items()
    texts = sample_texts([str(entry.content) for token, entry in added if token < own.n_vocab])
    for text in texts:
        wanted = backend.encode(text, add_special_tokens=False).ids
        found = own.encode(text, special=True)
        if found != wanted:
            at = next(
                (i for i, (a, b) in enumerate(zip(found, wanted, strict=False)) if a != b),
                min(len(found), len(wanted)),
            )
            raise ExportError(
                f"llama.cpp reads {text[:60]!r} as {found[at : at + 6]} where the tokenizer of "
                f"{source} reads {wanted[at : at + 6]}: the export would be another model"
            )
    return len(texts)


def missing_stops(vocabulary: Vocabulary, ids: tuple[int, ...]) -> list[int]:
    """Which of `ids` do not end a generation in llama.cpp."""
    return [token for token in ids if not vocabulary.tokenizer.is_eog(token)]


def check_runs(path: Path) -> None:
    """Load the whole file with llama.cpp and evaluate two tokens.

    Raises ExportError if it cannot be loaded, or if its weights give no finite numbers.
    """
    lib: Any = llama()
    clear_log()
    params = lib.llama_model_default_params()
    params.check_tensors = True
    params.use_extra_bufts = False  # no second copy of the weights for two tokens
    with interrupts_deferred():
        model = lib.llama_model_load_from_file(os.fsencode(path), params)
    if not model:
        raise ExportError(f"llama.cpp does not load what was written: {last_error()}")
    context = None
    try:
        options = lib.llama_context_default_params()
        options.n_ctx = options.n_batch = options.n_ubatch = 32
        options.n_threads = options.n_threads_batch = physical_cores()
        context = lib.llama_init_from_model(model, options)
        tokens = (lib.llama_token * 2)(0, 1)
        if not context or lib.llama_decode(context, lib.llama_batch_get_one(tokens, 2)) != 0:
            raise ExportError(f"llama.cpp does not run what was written: {last_error()}")
        logits = lib.llama_get_logits_ith(context, -1)
        size = lib.llama_vocab_n_tokens(lib.llama_model_get_vocab(model))
        # A sum of finite numbers is finite, and one that is not makes it so.
        if not abs(sum(logits[:size])) < float("inf"):
            raise ExportError("the exported model gives no finite numbers: its weights are broken")
    finally:
        if context:
            lib.llama_free(context)
        lib.llama_model_free(model)
