"""A `Constraint` by llguidance: which tokens may come next.

The whole turn is one grammar, free text included, as with llama.cpp. A token is drawn freely and
only then checked; the mask over the whole vocabulary is computed for a refused one alone.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from runtime.engines.base import Constraint
from runtime.errors import EngineError

if TYPE_CHECKING:
    from runtime.engines.onnx_tokenizer import OnnxTokenizer

# What llama.cpp's converter allows between the parts of a call; more would let a small model
# write white space until its budget is spent.
_SPACE = r"( |\n{1,2}[ \t]{0,20})"


class Vocabulary:
    """The tokens as llguidance wants them: built once for a model, on first use."""

    eos_token_id: int
    bos_token_id: int | None = None
    is_tokenizer_wrapper = True

    def __init__(self, tokenizer: OnnxTokenizer) -> None:
        from llguidance import LLTokenizer

        self._tokenizer = tokenizer
        self.tokens = tokenizer.pieces()
        # Only what ends a turn is more than its text; other control tokens are, as in llama.cpp.
        self.special_token_ids = tokenizer.eog_ids
        self.eos_token_id = tokenizer.eog_ids[0]
        wrapper: Any = self
        self.built = LLTokenizer(
            wrapper, n_vocab=tokenizer.n_vocab, eos_token=tokenizer.eog_ids, slices=[]
        )

    def __call__(self, text: str | bytes) -> list[int]:
        """Asked by llguidance."""
        text = text if isinstance(text, str) else text.decode("utf-8", "replace")
        return self._tokenizer.encode(text, special=False)


class Guide:
    """Follows one generation under `constraint`. Raises EngineError for a schema it cannot hold."""

    def __init__(self, vocabulary: Vocabulary, constraint: Constraint) -> None:
        from llguidance import LLMatcher

        self._n_vocab = vocabulary.built.vocab_size
        self._matcher: Any = LLMatcher(vocabulary.built, to_lark(constraint), log_level=0)
        self._check()

    def allows(self, token: int) -> bool:
        """Whether `token` may come next."""
        return bool(self._matcher.validate_tokens([token]) == 1)

    def accept(self, token: int) -> None:
        """`token` has come."""
        self._matcher.consume_token(token)
        self._check()

    def mask(self) -> NDArray[np.bool_]:
        """(V,): True for every token that may come next."""
        bits = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
        self._check()
        return np.unpackbits(bits, bitorder="little")[: self._n_vocab].astype(bool)

    def is_complete(self) -> bool:
        """Whether nothing more may follow."""
        return bool(self._matcher.is_stopped())

    def _check(self) -> None:
        if self._matcher.is_error():
            reason = " ".join(self._matcher.get_error().split())[:200]
            raise EngineError(f"the tool schemas do not make a valid grammar: {reason}")


def to_lark(constraint: Constraint) -> str:
    """The grammar in llguidance's dialect of Lark; its root is named `start`."""
    opens = _pattern(constraint.opens)
    never = f"FREE: /(?s:.*)/ & ~/(?s:.*){opens}(?s:.*)/"
    if constraint.schema is None:
        return f"%llguidance {{}}\nstart: FREE\n{never}\n"
    schema = constraint.schema | {
        "x-guidance": {"whitespace_pattern": _SPACE, "lenient": True},
    }
    call = (
        f"call: /[ \\n]{{0,2}}/ json /[ \\n]{{0,2}}{_pattern(constraint.closes)}/\n"
        f"json: %json {json.dumps(schema)}\n"
    )
    if constraint.opened:
        return f"%llguidance {{}}\nstart: call\n{call}"
    return (
        f"%llguidance {{}}\nstart: FREE | opening call\n{never}\n"
        f"opening[suffix={json.dumps(constraint.opens)}]: /(?s:.*)/\n{call}"
    )


def _pattern(text: str) -> str:
    """`text` as a regular expression between slashes."""
    return re.escape(text).replace("/", r"\/")
