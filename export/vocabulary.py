"""A tokenizer as GGUF metadata: tokens, kinds, merges or scores, special ids, pre-tokenizer.

llama.cpp does not read a tokenizer's rules for cutting text into words; it knows some by name
(`tokenizer.ggml.pre`). The name is found here by the rules themselves, not by the model. What is
written is compared with the tokenizer afterwards (verify.py), so a wrong guess cannot ship.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from gguf import GGUFWriter, TokenType

from export.errors import ExportError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_QWEN2 = _LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
_QWEN35 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}"
    r"| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# (steps of the pre-tokenizer, whole words looked up before merging) -> llama.cpp's name.
# "smaug-bpe" is Llama 3's rule without that look-up, which is what a tokenizer has that was
# trained with Llama 3's rule, such as the nano one.
_KINDS = {
    ((f"split {_LLAMA3}", "bytes"), True): "llama-bpe",
    ((f"split {_LLAMA3}", "bytes"), False): "smaug-bpe",
    ((f"split {_QWEN2}", "bytes"), False): "qwen2",
    ((f"split {_QWEN35}", "bytes"), False): "qwen35",
    (("digits", "words"), False): "smollm",
    (("words",), False): "gpt-2",
}
_MAX_PADDING = 0.1  # of the embedding's rows; Qwen's 0.2 %, 128 more by some trainers
_SPACE = "\u2581"


@dataclass(frozen=True)
class TokenTable:
    """What goes into `tokenizer.ggml.*`; `tokens` has as many entries as the embedding rows."""

    model: str  # "gpt2": byte-level BPE; "llama": SentencePiece
    pre: str
    tokens: list[str]
    types: list[int]
    merges: list[str] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    special: dict[str, int] = field(default_factory=dict)  # "bos", "eos", "pad", "unk", ...
    add_bos: bool = False
    add_eos: bool = False
    add_space_prefix: bool = False
    chat_template: str | None = None
    left_out: tuple[str, ...] = ()  # tokens beyond the embedding, which no model could read

    def with_stops(self, ids: list[int]) -> TokenTable:
        """The same with further ids that end a generation. Raises ExportError beyond two."""
        if len(ids) > 2:
            texts = ", ".join(self.tokens[token] for token in ids)
            raise ExportError(
                f"{len(ids)} tokens beside eos end a generation ({texts}), and a GGUF file has "
                "room for two: shorten eos_token_id in generation_config.json"
            )
        return replace(self, special=self.special | dict(zip(("eot", "eom"), ids, strict=False)))

    def add_to(self, writer: GGUFWriter) -> None:
        """Write it as metadata."""
        writer.add_tokenizer_model(self.model)
        writer.add_tokenizer_pre(self.pre)
        writer.add_token_list(self.tokens)
        writer.add_token_types(self.types)
        if self.merges:
            writer.add_token_merges(self.merges)
        if self.scores:
            writer.add_token_scores(self.scores)
            writer.add_add_space_prefix(self.add_space_prefix)
        for name, token in self.special.items():
            getattr(writer, f"add_{name}_token_id")(token)
        # Always said: llama.cpp's own defaults depend on the pre-tokenizer.
        writer.add_add_bos_token(self.add_bos)
        writer.add_add_eos_token(self.add_eos)
        if self.chat_template:
            writer.add_chat_template(self.chat_template)


def read_tokens(tokenizer: PreTrainedTokenizerBase, rows: int, source: str) -> TokenTable:
    """The table of a transformers tokenizer for an embedding of `rows` rows.

    Rows without a token are filled with unused ones, as llama.cpp's converter does. `source` is
    the model's name in messages. Raises ExportError for a tokenizer that does not fit the
    embedding or that llama.cpp has no equal of.
    """
    rules = json.loads(tokenizer.backend_tokenizer.to_str())
    model = rules["model"]
    if model["type"] != "BPE":
        raise ExportError(
            f"{source} has a tokenizer of type {model['type']}: only BPE can be exported"
        )
    texts, kinds, left_out = _list_tokens(tokenizer, rules, rows, source)
    if model.get("byte_fallback"):
        table = TokenTable("llama", "default", texts, kinds, add_space_prefix=_prefix(rules))
        table = replace(table, scores=_scores(model, texts, kinds))
    else:
        merges = [m if isinstance(m, str) else " ".join(m) for m in model["merges"]]
        table = TokenTable("gpt2", _kind(rules, source), texts, kinds, merges)
    ends = tokenizer("").input_ids
    special = {
        name: token
        for name in ("bos", "eos", "pad", "unk")
        if isinstance(token := getattr(tokenizer, f"{name}_token_id", None), int)
    }
    if bad := {name: token for name, token in special.items() if token >= len(texts)}:
        raise ExportError(f"{source} has special tokens without a row in its embedding: {bad}")
    if "eos" not in special:
        raise ExportError(f"the tokenizer of {source} has no token that ends a turn (eos_token)")
    template: str | dict[str, str] | None = tokenizer.chat_template
    return replace(
        table,
        special=special,
        add_bos="bos" in special and ends[:1] == [special["bos"]],
        add_eos=ends[-1:] == [special["eos"]] and special.get("bos") != special["eos"],
        chat_template=template.get("default") if isinstance(template, dict) else template,
        left_out=left_out,
    )


def _list_tokens(
    tokenizer: PreTrainedTokenizerBase, rules: dict[str, Any], rows: int, source: str
) -> tuple[list[str], list[int], tuple[str, ...]]:
    by_id = {token: text for text, token in tokenizer.get_vocab().items()}
    added = {entry["id"]: entry for entry in rules["added_tokens"]}
    beyond = {token: by_id.pop(token) for token in sorted(by_id) if token >= rows}
    # Gemma 3's text models share the tokenizer of those that see, and have no row for images.
    if beyond and set(beyond.values()) != {"<image_soft_token>"}:
        raise ExportError(
            f"{source} does not fit its tokenizer: token {max(beyond)} has no row in an embedding "
            f"of {rows} (was the embedding not resized, or is the tokenizer another model's?)"
        )
    if len(by_id) < rows * (1 - _MAX_PADDING):
        raise ExportError(
            f"{source} does not fit its tokenizer: {len(by_id)} tokens for an embedding of {rows} "
            "rows (is the tokenizer another model's?)"
        )
    fallback = bool(rules["model"].get("byte_fallback"))
    unknown = rules["model"].get("unk_token")
    texts: list[str] = []
    kinds: list[int] = []
    for token in range(rows):
        text = by_id.get(token)
        if text is None:
            text, kind = f"[PAD{token}]", TokenType.UNUSED
        elif text == unknown and fallback:
            kind = TokenType.UNKNOWN
        elif token in added:
            kind = TokenType.CONTROL if added[token]["special"] else TokenType.USER_DEFINED
            if fallback and kind == TokenType.USER_DEFINED:
                text = text.replace(_SPACE, " ")  # it is looked for in the text as it comes
        elif fallback and _is_byte(text):
            kind = TokenType.BYTE
        else:
            kind = TokenType.NORMAL
        texts.append(text)
        kinds.append(int(kind))
    # llama.cpp ends the process on these.
    if len(set(texts)) < rows:
        twice = next(text for text, times in Counter(texts).items() if times > 1)
        raise ExportError(f"the tokenizer of {source} has two tokens that read {twice!r}")
    if any("\0" in text for text in texts):
        raise ExportError(f"the tokenizer of {source} has a token with a zero byte in it")
    if fallback and kinds.count(TokenType.BYTE) != 256:
        raise ExportError(f"the tokenizer of {source} has not all of the tokens <0x00> to <0xFF>")
    return texts, kinds, tuple(beyond.values())


def _is_byte(text: str) -> bool:
    return len(text) == 6 and text.startswith("<0x") and text.endswith(">")


def _scores(model: dict[str, Any], texts: list[str], kinds: list[int]) -> list[float]:
    """SentencePiece's scores, the better the earlier a token is merged.

    A tokenizer.json keeps their order only, as the order of its merges.
    """
    first: dict[str, int] = {}
    for rank, merge in enumerate(model["merges"]):
        left, right = merge.split(" ") if isinstance(merge, str) else merge
        first.setdefault(left + right, rank)
    last = len(model["merges"])  # what is not merged, such as a control token's text, comes last
    return [
        -float(first.get(text, last) if kind == TokenType.NORMAL else last)
        for text, kind in zip(texts, kinds, strict=True)
    ]


def _prefix(rules: dict[str, Any]) -> bool:
    """Whether a space is put before the text."""
    steps = _steps(rules.get("normalizer"), "normalizers")
    steps += _steps(rules.get("pre_tokenizer"), "pretokenizers")
    return any(
        step["type"] == "Prepend"
        or (step["type"] == "Metaspace" and step.get("prepend_scheme") != "never")
        for step in steps
    )


def _kind(rules: dict[str, Any], source: str) -> str:
    steps = tuple(map(_describe, _steps(rules.get("pre_tokenizer"), "pretokenizers")))
    whole = bool(rules["model"].get("ignore_merges"))
    found = _KINDS.get((steps, whole))
    normal = [step["type"] for step in _steps(rules.get("normalizer"), "normalizers")]
    if found is None or normal not in ([], ["NFC"]):
        rule = ", ".join([*normal, *steps]) or "no rule"
        raise ExportError(
            f"llama.cpp has no name for how {source} cuts text into words: {rule[:300]}"
        )
    return found


def _steps(part: dict[str, Any] | None, plural: str) -> list[dict[str, Any]]:
    if part is None:
        return []
    return list(part[plural]) if part["type"] == "Sequence" else [part]


def _describe(step: dict[str, Any]) -> str:
    """A step of a pre-tokenizer in a few words; two with the same words cut alike."""
    kind = step["type"]
    if kind == "Split" and not step["invert"] and step["behavior"] == "Isolated":
        return f"split {step['pattern'].get('Regex')}"
    if kind == "ByteLevel" and not step["add_prefix_space"]:
        return "words" if step["use_regex"] else "bytes"
    if kind == "Digits" and step["individual_digits"]:
        return "digits"
    return json.dumps(step)
