"""The student as GGUF and ONNX: converted, quantised, its fidelity measured (issue 4)."""

from __future__ import annotations

from runtime.extras import require_extra

require_extra("export", "export", "gguf", "transformers", "safetensors", "yaml")
