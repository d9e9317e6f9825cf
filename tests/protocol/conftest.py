"""A real tokenizer without the weights, and the chat templates under tests/data."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runtime.engines.llama_bindings import llama
from runtime.engines.llama_tokenizer import LlamaTokenizer
from runtime.protocol import ChatTemplate, Tool, tool

TEMPLATES = Path(__file__).parent.parent / "data" / "templates"


@pytest.fixture(scope="session")
def tokenizer(model_path: Path) -> Iterator[LlamaTokenizer]:
    lib = llama()
    params = lib.llama_model_default_params()
    params.vocab_only = True
    model = lib.llama_model_load_from_file(os.fsencode(model_path), params)
    assert model
    yield LlamaTokenizer(lib.llama_model_get_vocab(model))
    lib.llama_model_free(model)


@pytest.fixture(scope="session")
def load_template() -> Callable[[str], ChatTemplate]:
    """A template of tests/data by name, as its model would use it; "chatml" is the built-in."""
    special = {"gemma2-style": ("<bos>", "<eos>"), "gemma3-style": ("<bos>", "<eos>")}
    special["llama3.1-style"] = ("<|begin_of_text|>", "<|eot_id|>")
    loaded: dict[str, ChatTemplate] = {}

    def load(name: str) -> ChatTemplate:
        if name not in loaded:
            source = None if name == "chatml" else (TEMPLATES / f"{name}.jinja").read_text()
            loaded[name] = ChatTemplate(source, *special.get(name, ("", "<|im_end|>")))
        return loaded[name]

    return load


@pytest.fixture(scope="session")
def search() -> Tool:
    @tool
    def search(query: str, limit: int = 3) -> str:
        """Find “notes” <fast> & well.

        Args:
            query: What to look for.
        """
        return f"{limit} notes on {query}"

    return search


@pytest.fixture(scope="session")
def python() -> Tool:
    @tool
    def python(code: str) -> str:
        """Run a program."""
        return code

    return python
