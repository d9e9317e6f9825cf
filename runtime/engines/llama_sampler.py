"""Sampling in C: a llama.cpp sampler chain, and a grammar that looks at what it drew.

The grammar is not in the chain: testing 49,152 (or 151,936) tokens against it at every step
costs more than the network. A token is drawn freely, the grammar checks that one token, and only
a refused one is drawn again with the whole vocabulary masked. Both ways give a token of the same
distribution: p(x) + p(refused) * p(x) / p(allowed) = p(x) / p(allowed).
"""

from __future__ import annotations

import ctypes
import math
from typing import Any

from runtime.engines.base import Sampling
from runtime.engines.llama_bindings import llama
from runtime.errors import EngineError

# A token 2**24 times less likely than the likeliest one is below the resolution of a float32
# draw. Dropping such tokens first leaves some hundred to sort and exponentiate, not 49,152.
_TAIL = math.log(2**24)


class Sampler:
    """One generation's sampler. Call `close()` when done: it owns C memory."""

    def __init__(self, vocab: Any, sampling: Sampling, grammar: str | None) -> None:
        self._lib = lib = llama()
        self._chain = _chain(lib, sampling)
        self._masked: Any = None
        self._grammar: Any = None
        if grammar is not None:
            self._grammar = lib.llama_sampler_init_grammar(vocab, grammar.encode(), b"root")
            if not self._grammar:
                self.close()
                raise EngineError("the tool schemas do not make a valid grammar for llama.cpp")
            # The masked chain owns the grammar; `_grammar` stays usable while the chain lives.
            self._masked = _chain(lib, sampling, first=self._grammar)
        self._one = lib.llama_token_data(0, 0.0, 0.0)
        self._one_array = lib.llama_token_data_array(ctypes.pointer(self._one), 1, -1, False)

    def sample(self, context: Any) -> tuple[int, bool]:
        """Draw from the last logits. Returns the token and whether a first draw was refused."""
        token = self._lib.llama_sampler_sample(self._chain, context, -1)
        if self._grammar is None:
            return token, False
        if self.allows(token):
            self._lib.llama_sampler_accept(self._grammar, token)
            return token, False
        return self._lib.llama_sampler_sample(self._masked, context, -1), True

    def allows(self, token: int) -> bool:
        """Whether the grammar accepts `token` next."""
        self._one.id, self._one.logit = token, 0.0
        self._one_array.size, self._one_array.selected = 1, -1
        self._lib.llama_sampler_apply(self._grammar, ctypes.byref(self._one_array))
        return not math.isinf(self._one.logit)

    def close(self) -> None:
        for chain in (self._chain, self._masked):
            if chain:
                self._lib.llama_sampler_free(chain)
        self._chain = self._masked = self._grammar = None


def _chain(lib: Any, sampling: Sampling, first: Any = None) -> Any:
    """top_k, tail cut, temperature, top_p, draw: what HF and vLLM compute, cheapest cut first.

    top_k and the tail cut commute with the temperature (the tail's threshold scales with it).
    """
    chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())

    def add(sampler: Any) -> None:
        lib.llama_sampler_chain_add(chain, sampler)

    if first is not None:
        add(first)
    if sampling.temperature <= 0:
        add(lib.llama_sampler_init_greedy())
        return chain
    if sampling.top_k > 0:
        add(lib.llama_sampler_init_top_k(sampling.top_k))
    else:
        add(lib.llama_sampler_init_min_p(math.exp(-_TAIL * sampling.temperature), 1))
    add(lib.llama_sampler_init_temp(sampling.temperature))
    if sampling.top_p < 1:
        add(lib.llama_sampler_init_top_p(sampling.top_p, 1))
    add(lib.llama_sampler_init_dist(sampling.seed % 0xFFFFFFFF))
    return chain
