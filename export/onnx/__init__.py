"""A checkpoint as a folder that ONNX Runtime runs: `python -m export.onnx`.

The folder has one layout for three readers: `sod-agent --model`, onnxruntime-genai (whose packages
run it on phones) and transformers.js (which runs it in a browser).

Absolute imports only: inside of this package `import onnx` is the library.
"""

from __future__ import annotations

from export.onnx.folder import PRECISIONS, Precision, export_onnx

__all__ = ["PRECISIONS", "Precision", "export_onnx"]
