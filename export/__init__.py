"""The student as GGUF and ONNX: converted, quantised, its fidelity measured (issue 4)."""
