"""What training changed, as a low-rank adapter on top of the base."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from export.adapter import low_rank, write_difference
from export.errors import ExportError
from export.gguf import export_gguf
from runtime.engines.llama_cpp import LlamaCppEngine
from runtime.models.gguf import inspect_gguf
from tests.export.conftest import random_model, tokenizer_of
from tests.export.test_lora import IDS, adapted, close, wanted


@pytest.mark.parametrize("family", ["llama", "qwen3", "gemma3"])
@pytest.mark.parametrize(("type", "exact"), [("f32", 0.05), ("q8_0", 0.1)])
def test_base_and_difference_are_the_student(family, type, exact, save, tmp_path):
    plain = random_model(family)
    base = export_gguf(save(plain, tokenizer_of(family), "base"), tmp_path / "b.gguf", type="f32")
    student = adapted(tmp_path / "peft", family)
    folder = save(student, tokenizer_of(family), "student")
    written = write_difference(folder, base, tmp_path / "d.gguf", type=type)
    assert written.kept > 0.999 and written.layers == 6 * student.config.num_hidden_layers
    assert inspect_gguf(written.path).kind == "adapter"
    engine = LlamaCppEngine(base, lora=written.path, n_ctx=256, n_threads=2)
    found = np.stack(list(engine.score(IDS, 1)))
    engine.close()
    assert close(found, wanted(student)[:-1], exact)


def test_the_best_approximation_of_a_rank():
    rng = np.random.default_rng(0)
    change = (rng.normal(size=(40, 3)) @ rng.normal(size=(3, 64))).astype(np.float32)
    down, up, share = low_rank(change, 3)
    np.testing.assert_allclose(up @ down, change, atol=1e-4)
    assert share == pytest.approx(1) and low_rank(change, 2)[2] < 0.95
    down, up, _ = low_rank(change, 64)  # more than there is: filled with zeros
    assert down.shape == (64, 64) and up.shape == (40, 64)
    np.testing.assert_allclose(up @ down, change, atol=1e-4)


def test_what_no_adapter_can_hold_is_refused(save, tmp_path):
    model = random_model("llama")
    base = export_gguf(save(model, tokenizer_of("llama"), "base"), tmp_path / "b.gguf", type="f32")
    out = tmp_path / "d.gguf"
    same = save(model, tokenizer_of("llama"), "same")
    with pytest.raises(ExportError, match="no difference"):
        write_difference(same, base, out)
    with pytest.raises(ExportError, match="multiples of 32"):
        write_difference(same, base, out, rank=20)
    other = save(random_model("qwen3"), tokenizer_of("qwen3"), "other")
    with pytest.raises(ExportError, match=r"another model|of shape"):
        write_difference(other, base, out)
    with torch.no_grad():
        model.model.embed_tokens.weight.mul_(1.1)
    with pytest.raises(ExportError, match=r"training changed model\.embed_tokens\.weight"):
        write_difference(save(model, tokenizer_of("llama"), "changed"), base, out)
    assert not list(tmp_path.glob("d.gguf*"))


def test_rounding_to_bfloat16_is_no_change_of_the_embeddings(save, tmp_path):
    model = random_model("llama")
    base = export_gguf(save(model, tokenizer_of("llama"), "base"), tmp_path / "b.gguf", type="f32")
    with torch.no_grad():
        model.model.layers[0].mlp.up_proj.weight.mul_(1.1)
    student = save(model.bfloat16(), tokenizer_of("llama"), "student")  # as `--lora-rank` saves it
    assert write_difference(student, base, tmp_path / "d.gguf").layers > 0


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--model", "nowhere"], "no model at nowhere"),
        (["--model", ".", "--base", "nowhere.gguf"], "is no GGUF file"),
        (["--model", "tests", "--type", "q2_k"], "not as q2_k"),
    ],
)
def test_bad_input_is_one_line(args, said):
    command = [sys.executable, "-m", "export.adapter", *args]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") == 1
