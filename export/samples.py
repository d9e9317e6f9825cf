"""Texts by which two tokenizers are compared: an agent's, and those that trip tokenizers."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Sequence

# ruff: noqa: RUF001
_TEXTS = (
    "The quick brown fox can't jump over 3 lazy dogs; it'll try, I'M SURE IT'S fine.",
    'def f(x):\n    return {"a": [1, 2.5e-3], "b": None}[x] if x else -1  # done\n\n',
    '\tprint(f"{x!r}")\n\tfor i in range(10):\n\t\tpass',
    '<tool_call>\n{"name": "code_interpreter", "arguments": {"code": "print(17)"}}\n</tool_call>',
    "<think>\nLet me see.\n</think>\n\nThe final answer is \\boxed{391}.",
    "Größe, naïve café, Ελληνικά, Русский текст, עברית, العربية",
    "हिन्दी, ภาษาไทย, 한국어, 日本語 中文。",
    "🚀🦙 👩\u200d💻 🇨🇭 ½ ² ① Ⅷ ﬁ … — «» “quoted” ‘single’ €5 £6 ¥7 ∑∫√∞≤≥≠ x² + y₁",
    "ﷺ\u00a0\u3000\u2028\u200b\ufeffz",
    *(
        " leading and trailing  ",
        "a\tb\t\tc",
        "\n",
        "\n\n\n",
        " ",
        "    ",
        "\r\n\r\n",
        " \n \n",
        "x\n y",
    ),
    *("0", "7", "42", "123", "1234", "12345678901234567890", "3.14159", "1,000,000", "0x1F", "-5"),
    *(
        "'s 't 're 've 'm 'll 'd 'S 'T 'RE",
        "don't DON'T we've WE'VE",
        "a.b.c/d_e-f+g=h",
        "!!!???...",
    ),
    *(
        "[[[]]](){}<>",
        "C++ C# $PATH ~/x @me #tag 50% & | ^ `code`",
        "x\n y",
        "1e9",
        "Ǆ ǅ ǆ İ ı ß ſ",
    ),
)
_PIECES = (
    *("the", "The", " THE", "ing", "tion", "x", "é", "ß", "я", "中", "文", "あ", "한", "🚀"),
    *("1", "23", "456", "7890", "½", "²", " ", "  ", "   ", "\n", "\n\n", "\t", "\r\n", "\u00a0"),
    *("'s", "'LL", "n't", ".", ",", "...", "(", ")", "{", "}", '"', "_", "-", "/", "\\", "=", "=="),
    *("<", ">", "<|", "|>", "#", "@", "$", "%", "+", "*", "—"),
)


def sample_texts(tokens: Sequence[str], count: int = 300) -> list[str]:
    """Fixed texts, `tokens` (such as control tokens) amid others, and `count` random mixtures.

    The same at every call. In Unicode's normal form C: llama.cpp does not normalise, so a text
    in another form can differ where the tokenizer does.
    """
    rng = random.Random(0)
    texts = list(_TEXTS)
    for token in tokens[:64]:
        texts += [token, f"a{token}b", f"a {token} b", f"\n{token}\n", f"{token}{token}7"]
    pieces = [*_PIECES, *tokens[:16]]
    texts += ["".join(rng.choices(pieces, k=rng.randint(2, 24))) for _ in range(count)]
    return [unicodedata.normalize("NFC", text) for text in texts]
