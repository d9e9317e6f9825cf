"""ONNX folders of `python -m export.onnx`: the same model, readable by others, whole or absent."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from transformers import AutoModelForCausalLM

from export.errors import ExportError
from export.onnx import export_onnx
from export.onnx.traced import _for_transformers_4
from runtime.engines.base import Sampling
from runtime.engines.onnx import OnnxEngine
from runtime.models.onnx_folder import inspect_onnx

from .conftest import NANO, corpus, random_model, tokenizer_of

TOLERANCE = 2e-4  # of logits whose spread is some units: the order of float32 sums differs
TEXT = "<|im_start|>user\nWhat is 12 * 5? And then some more text.<|im_end|>\n"


def command(*args: object, **how):
    line = [sys.executable, "-m", "export.onnx", *map(str, args)]
    return subprocess.run(line, capture_output=True, text=True, check=False, **how)


def logits(folder: Path, ids: list[int]) -> np.ndarray:
    engine = OnnxEngine(folder, n_threads=1)
    rows = np.stack(list(engine.score([*ids, 0], 1)))
    engine.close()
    return rows


def reference(source: Path, ids: list[int]) -> np.ndarray:
    model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32)
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0].numpy()


def kl(one: np.ndarray, other: np.ndarray) -> float:
    """Mean over the tokens, in nats."""
    one, other = (rows.astype(float) for rows in (one, other))
    one, other = (rows - np.logaddexp.reduce(rows, -1, keepdims=True) for rows in (one, other))
    return float((np.exp(one) * (one - other)).sum(-1).mean())


@pytest.mark.parametrize("family", ["llama", "qwen2", "qwen3", "gemma3"])
def test_logits_and_greedy_tokens_are_those_of_transformers(save, tmp_path, family):
    model, tokenizer = random_model(family), tokenizer_of(family)
    source = save(model, tokenizer)
    out = export_onnx(source, tmp_path / "out", precision="fp32")
    engine = OnnxEngine(out, n_threads=1)
    for text in [*corpus()[:60], "Grüße, 世界 🌍", "a\n\n\tb  c", ""]:
        theirs = tokenizer(text, add_special_tokens=False).input_ids
        assert engine.tokenizer.encode(text, special=True) == theirs
    ids = engine.tokenizer.encode(" ".join(corpus())[:400], special=False)[:60]
    assert np.abs(logits(out, ids) - reference(source, ids)).max() < TOLERANCE
    written = list(engine.generate(ids[:20], max_tokens=24, sampling=Sampling()))
    with torch.no_grad():
        theirs = model.generate(
            torch.tensor([ids[:20]]), max_new_tokens=len(written), do_sample=False
        )
    assert written == theirs[0, 20:].tolist()
    assert engine.chat_template == tokenizer.chat_template
    engine.close()


@pytest.mark.parametrize(("precision", "limit"), [("fp32", 1e-9), ("int8", 0.005), ("int4", 0.2)])
def test_fewer_bits_lose_little(nano_onnx, precision, limit):
    ids = OnnxEngine(nano_onnx("fp32")).tokenizer.encode(TEXT * 4, special=True)
    lost = kl(reference(NANO, ids), logits(nano_onnx(precision), ids))
    assert lost < limit


def test_the_folder_says_what_it_is(nano_onnx):
    folder = nano_onnx("int4")
    manifest = json.loads((folder / "sod.json").read_text())
    assert (manifest["quantization"], manifest["backend"]) == ("int4", "genai")
    assert (manifest["name"], manifest["source"]) == ("teacher", "teacher")
    assert "protocol_version" not in manifest  # the shipped teacher has no run beside it
    assert manifest["made_with"]["onnxruntime-genai"]
    listed = {folder / name for name in manifest["files"]} | {folder / "sod.json"}
    assert listed == {file for file in folder.rglob("*") if file.is_file()}
    assert str(NANO) not in (folder / "sod.json").read_text()
    for name in ("config.json", "generation_config.json", "tokenizer_config.json"):
        assert (folder / name).is_file()
    assert json.loads((folder / "config.json").read_text())["transformers.js_config"] == {
        "dtype": "q4",
        "use_external_data_format": True,
    }
    template = (NANO / "chat_template.jinja").read_text()
    assert json.loads((folder / "tokenizer_config.json").read_text())["chat_template"] == template
    assert (folder / "chat_template.jinja").read_text() == (
        NANO / "chat_template.jinja"
    ).read_text()


def test_a_students_folder_carries_its_protocol_version(tmp_path, monkeypatch):
    run = tmp_path / "runs" / "one"
    shutil.copytree(NANO, run / "student")
    (run / "lock.json").write_text('{"protocol_version": 1, "config": {"method": "sod"}}')
    monkeypatch.chdir(tmp_path)
    done = command("--fp32", env=os.environ | {"PYTHONPATH": str(NANO.parents[2])})
    out = run / "student-onnx-fp32"
    assert (done.returncode, done.stdout) == (0, f"{out}\n"), done.stderr
    assert inspect_onnx(out).protocol_version == 1
    assert json.loads((out / "sod.json").read_text())["name"] == "one student"


def test_weights_are_there_once(nano_onnx):
    """The head's weights are the embedding's, in each precision."""
    config = json.loads((NANO / "config.json").read_text())
    rows, width = config["vocab_size"], config["hidden_size"]
    for precision, most in (("int8", 1.2), ("int4", 1.2)):
        graph = next((nano_onnx(precision) / "onnx").glob("*.onnx"))
        model = onnx.load(str(graph), load_external_data=False)
        sizes = {
            each.name: int(np.prod(each.dims)) * (4 if each.data_type == 1 else 1)
            for each in model.graph.initializer
            if each.dims and each.dims[0] == rows
        }
        assert sum(sizes.values()) < most * rows * width, sizes


def test_onnxruntime_genai_writes_the_same_tokens(nano_onnx):
    genai = pytest.importorskip("onnxruntime_genai")
    for precision in ("fp32", "int4"):
        engine = OnnxEngine(nano_onnx(precision), n_threads=1)
        ids = engine.tokenizer.encode(TEXT, special=True)
        ours = list(engine.generate(ids, max_tokens=20, sampling=Sampling()))
        engine.close()
        model = genai.Model(str(nano_onnx(precision)))
        params = genai.GeneratorParams(model)
        params.set_search_options(max_length=len(ids) + 20, do_sample=False)
        generator = genai.Generator(model, params)
        generator.append_tokens(np.array(ids, np.int32))
        theirs = []
        while not generator.is_done():
            generator.generate_next_token()
            theirs.append(int(generator.get_next_tokens()[0]))
        assert theirs[: len(ours)] == ours
        assert list(genai.Tokenizer(model).encode(TEXT)) == ids


def test_a_gguf_file_is_exported_too(tmp_path):
    from .nano import nano_gguf

    file = nano_gguf(tmp_path)
    out = export_onnx(file, tmp_path / "out", precision="fp32")
    ids = OnnxEngine(out).tokenizer.encode(TEXT, special=True)
    assert np.abs(logits(out, ids) - reference(NANO, ids)).max() < TOLERANCE
    assert json.loads((out / "sod.json").read_text())["source"] == "nano.gguf"


def test_transformers_own_exporter_gives_the_same_model(save, tmp_path):
    pytest.importorskip("onnxscript")
    source = save(random_model("llama", num_hidden_layers=1), tokenizer_of("llama"))
    out = export_onnx(source, tmp_path / "out", precision="fp32", backend="transformers")
    engine = OnnxEngine(out, n_threads=1)
    ids = engine.tokenizer.encode(TEXT, special=True)
    assert np.abs(logits(out, ids) - reference(source, ids)).max() < TOLERANCE
    first = list(engine.generate(ids, max_tokens=12, sampling=Sampling()))
    # This graph returns longer arrays instead of writing in place: stepping back cuts them.
    list(engine.generate([5, 6, 7], max_tokens=3, sampling=Sampling()))
    again = engine.generate(ids + first[:4], max_tokens=8, sampling=Sampling())
    assert list(again) == first[4:12]
    grown = engine.generate(ids + first[:4], max_tokens=1, sampling=Sampling())
    assert len(list(grown)) == 1 and grown.stats.prefilled == 1
    engine.close()


def test_optimum_reads_what_its_transformers_would_default():
    old = _for_transformers_4(
        {"rope_parameters": {"rope_theta": 1e6, "rope_type": "default"}, "dtype": "float32"}
    )
    assert old == {"rope_theta": 1e6, "rope_scaling": None, "torch_dtype": "float32"}
    scaled = {"rope_theta": 1e4, "rope_type": "linear", "factor": 2.0}
    old = _for_transformers_4({"rope_parameters": dict(scaled)})
    assert old["rope_scaling"] == {"rope_type": "linear", "factor": 2.0}
    with pytest.raises(ExportError, match="several rotary embeddings"):
        _for_transformers_4({"rope_parameters": {"full_attention": scaled}})


def test_optimum_needs_its_own_environment(tmp_path):
    for python, message in (
        (None, "cannot live beside transformers 5"),
        (tmp_path / "python", "there is no interpreter"),
        (Path(sys.executable), "this backend needs optimum"),
    ):
        with pytest.raises(ExportError, match=message) as error:
            export_onnx(NANO, tmp_path / "out", backend="optimum", optimum_python=python)
        assert "pip install torch 'optimum-onnx[onnxruntime]==0.1.0'" in str(error.value)
    assert not list(tmp_path.iterdir())


# Bad input --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--model", "{tmp}"], "is not a model: it has no config.json"),
        (["--model", "{tmp}/none"], "no model at"),
        (["--model", "{nano}", "--int4", "--int8"], "give one of --int4"),
        (["--model", "{nano}", "--out", "{tmp}/no/where"], "there is no folder"),
        (["--model", "{nano}", "--out", "{tmp}"], "holds something else"),
        (["--model", "{nano}", "--out", "{tmp}/note.txt"], "is a file"),
        (["--model", "{nano}", "--backend", "other"], "Invalid value"),
        (["--model", "{tmp}/cut.gguf"], "not a valid GGUF file"),
    ],
)
def test_bad_usage_is_one_line(tmp_path, args, message):
    (tmp_path / "note.txt").write_text("mine")
    (tmp_path / "cut.gguf").write_bytes(b"GGUF\3\0\0\0")
    before = sorted(tmp_path.rglob("*"))
    done = command(*(arg.format(tmp=tmp_path, nano=NANO) for arg in args))
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("export.onnx: ")
    assert sorted(tmp_path.rglob("*")) == before


def test_an_architecture_that_the_builder_does_not_know(save, tmp_path):
    from transformers import GPT2Config, GPT2LMHeadModel

    tokenizer = tokenizer_of("qwen3")
    config = GPT2Config(n_embd=32, n_layer=1, n_head=2, vocab_size=len(tokenizer))
    source = save(GPT2LMHeadModel(config), tokenizer)
    with pytest.raises(ExportError, match="is a GPT2LMHeadModel, and the builder is for"):
        export_onnx(source, tmp_path / "out")
    assert [file.name for file in tmp_path.iterdir()] == ["model"]


def test_cut_weights_leave_nothing(save, tmp_path):
    source = save(random_model("qwen3"), tokenizer_of("qwen3"))
    weights = source / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(ExportError, match=r"model\.safetensors is damaged"):
        export_onnx(source, tmp_path / "out")
    assert [file.name for file in tmp_path.iterdir()] == ["model"]


def test_a_full_disk_leaves_what_was_there(nano_onnx, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(nano_onnx("fp32"), out)
    before = {file: file.read_bytes() for file in out.rglob("*") if file.is_file()}
    limit = "import resource as r; r.setrlimit(r.RLIMIT_FSIZE, (2_000_000, 2_000_000))"
    code = (
        f"{limit}; import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "import sys, runpy; sys.argv = ['export.onnx', '--fp32', '--model', sys.argv[1], "
        "'--out', sys.argv[2]]; runpy.run_module('export.onnx', run_name='__main__')"
    )
    line = [sys.executable, "-c", code, str(NANO), str(out)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
    assert {file: file.read_bytes() for file in out.rglob("*") if file.is_file()} == before
    assert [file.name for file in tmp_path.iterdir()] == ["out"]


def test_ctrl_c_leaves_nothing(tmp_path):
    line = [sys.executable, "-m", "export.onnx", "--model", str(NANO), "--out", tmp_path / "out"]
    with subprocess.Popen(
        line, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        while not list(tmp_path.glob(".out.work.*/build/log.txt")):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (130, "")
    assert stderr.splitlines()[-1] == "export.onnx: interrupted; nothing was written"
    assert not list(tmp_path.iterdir())
