"""Token pieces to text, with characters cut between tokens."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runtime.protocol import TextStream


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(1, 4))
def test_any_cut_gives_the_same_text(text: str, size: int) -> None:
    raw = text.encode()
    stream = TextStream()
    pieces = [stream.feed(raw[i : i + size]) for i in range(0, len(raw), size)]
    assert "".join(pieces) + stream.close() == text
    assert not any("\ufffd" in piece for piece in pieces if "\ufffd" not in text)


def test_a_character_waits_for_its_rest() -> None:
    stream = TextStream()
    first, second = "é".encode()[:1], "é".encode()[1:]
    assert stream.feed(first) == ""
    assert stream.feed(second) == "é"
    assert stream.feed(first) == ""
    assert stream.close() == "\ufffd"
