"""What is done to every graph after its builder: fewer logits, one embedding, one data file.

Only the graph is held in memory; weights are copied from file to file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from export.errors import ExportError
from runtime.models.onnx_folder import KEEP_LOGITS

_PRODUCTS = ("MatMul", "MatMulNBits", "FusedMatMul", "Gemm")
# What may stand between the head and the logits: a bias, a scale, a soft cap, a change of type.
_AFTER_HEAD = ("Add", "Mul", "Div", "Tanh", "Cast", "Reshape", "Identity")
_ALIGNMENT = 4096  # bytes; what ONNX Runtime can map
_CHUNK = 1 << 22
_SMALL = 1024  # bytes of a tensor that may stay in the graph


def finish(source: Path, out: Path, data_name: str, *, head_size: int, tied: bool) -> None:
    """Write the graph `source` to `out`, its weights to `data_name` beside it.

    `head_size` is that of keys and values; `tied` says that the head's weights are the embedding's.
    Raises ExportError if it has no logits to find.
    """
    import onnx

    model: Any = onnx.load(str(source), load_external_data=False)
    prune_logits(model)
    if tied:
        share_embedding(model)
    _fix_head_size(model.graph, head_size)
    _drop_unused(model)
    _copy_weights(model.graph.initializer, source.parent, out.parent / data_name)
    out.write_bytes(model.SerializeToString())


def prune_logits(model: Any) -> None:
    """Let the head see the last N positions only, N being 1 unless `num_logits_to_keep` says.

    A prompt's other logits are thrown away, and cost a fifth of its evaluation. The input is an
    initializer that may be overridden: who does not know it need not give it. 0 keeps all, as in
    transformers.
    """
    from onnx import TensorProto, helper

    graph = model.graph
    if any(each.name == KEEP_LOGITS for each in [*graph.input, *graph.initializer]):
        return
    head = _head(graph)
    hidden = head.input[0]
    names = {key: f"/{KEEP_LOGITS}/{key}" for key in ("zero", "start", "end", "axis", "hidden")}
    count = helper.make_tensor(KEEP_LOGITS, TensorProto.INT64, [1], [1])
    graph.initializer.extend(
        [
            count,
            helper.make_tensor(names["zero"], TensorProto.INT64, [1], [0]),
            helper.make_tensor(names["end"], TensorProto.INT64, [1], [(1 << 63) - 1]),
            helper.make_tensor(names["axis"], TensorProto.INT64, [1], [1]),
        ]
    )
    graph.input.append(helper.make_tensor_value_info(KEEP_LOGITS, TensorProto.INT64, [1]))
    nodes = [
        helper.make_node("Sub", [names["zero"], KEEP_LOGITS], [names["start"]]),
        helper.make_node(
            "Slice", [hidden, names["start"], names["end"], names["axis"]], [names["hidden"]]
        ),
    ]
    for node in nodes:
        node.name = node.output[0]
    head.input[0] = names["hidden"]
    place = list(graph.node).index(head)
    for offset, node in enumerate(nodes):
        graph.node.insert(place + offset, node)
    for value in graph.output:
        if value.name == "logits":
            # onnxruntime-genai asks this number how many it will get: as if nobody gave N.
            value.type.tensor_type.shape.dim[1].dim_value = 1
    _forget_shapes(graph, head)


def share_embedding(model: Any) -> None:
    """Read the embedding out of an 8-bit head, where both are the same weights.

    The builder does so for 4 bits only, and writes the embedding of an int8 model once more in
    float32: half the file.
    """
    from onnx import TensorProto, helper

    graph = model.graph
    head = _head(graph)
    sizes = {attribute.name: attribute.i for attribute in head.attribute}
    gathers = [
        node for node in graph.node if node.op_type == "Gather" and node.input[1] == "input_ids"
    ]
    if head.op_type != "MatMulNBits" or sizes.get("bits") != 8 or len(gathers) != 1:
        return
    (gather,) = gathers
    shape = {each.name: list(each.dims) for each in graph.initializer}.get(gather.input[0])
    if shape != [sizes["N"], sizes["K"]]:
        return
    flat, target = f"{gather.name}/shape", f"{gather.name}/quantized"
    graph.initializer.append(helper.make_tensor(flat, TensorProto.INT64, [2], shape))
    reshape = helper.make_node("Reshape", [head.input[1], flat], [target], name=target)
    quantized = helper.make_node(
        "GatherBlockQuantized",
        [target, "input_ids", *head.input[2:4]],
        list(gather.output),
        name=f"{gather.name}BlockQuantized",
        domain="com.microsoft",
        bits=8,
        block_size=sizes["block_size"],
        gather_axis=0,
        quantize_axis=1,
    )
    place = list(graph.node).index(gather)
    graph.node.remove(gather)
    graph.node.insert(place, quantized)
    graph.node.insert(place, reshape)


def _head(graph: Any) -> Any:
    """The matrix product that the logits come from."""
    makers = {output: node for node in graph.node for output in node.output}
    name = "logits"
    for _ in range(16):
        node = makers.get(name)
        if node is None:
            break
        if node.op_type in _PRODUCTS:
            return node
        if node.op_type not in _AFTER_HEAD:
            break
        name = node.input[0]
    raise ExportError("the builder's graph has no logits that come from a matrix product")


def _forget_shapes(graph: Any, head: Any) -> None:
    """Drop the inferred shapes after the head, which are those of all positions."""
    after, names = False, set()
    for node in graph.node:
        after = after or node == head
        if after:
            names.update(node.output)
    kept = [value for value in graph.value_info if value.name not in names]
    del graph.value_info[:]
    graph.value_info.extend(kept)


def _fix_head_size(graph: Any, size: int) -> None:
    """Give keys and values their last size: transformers.js makes the empty cache by it."""
    for value in [*graph.input, *graph.output]:
        if value.name.startswith(("past_key_values.", "present.")):
            value.type.tensor_type.shape.dim[3].dim_value = size


def _drop_unused(model: Any) -> None:
    graph = model.graph
    used = {name for node in graph.node for name in node.input}
    kept = [each for each in graph.initializer if each.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _copy_weights(initializers: Iterable[Any], folder: Path, out: Path) -> None:
    """Copy what lies in files of `folder` or in the graph to `out`, and say so in the graph."""
    from onnx import TensorProto

    with out.open("wb") as target:
        for tensor in initializers:
            inside = tensor.raw_data if tensor.HasField("raw_data") else b""
            if not tensor.external_data and len(inside) < _SMALL:
                continue
            target.write(b"\0" * (-target.tell() % _ALIGNMENT))
            start = target.tell()
            for block in [inside] if inside else _read(tensor, folder):
                target.write(block)
            length = target.tell() - start
            tensor.ClearField("raw_data")
            tensor.data_location = TensorProto.EXTERNAL
            del tensor.external_data[:]
            for key, value in (("location", out.name), ("offset", start), ("length", length)):
                tensor.external_data.add(key=key, value=str(value))


def _read(tensor: Any, folder: Path) -> Iterator[bytes]:
    place = {entry.key: entry.value for entry in tensor.external_data}
    left = int(place["length"])
    with (folder / place["location"]).open("rb") as source:
        source.seek(int(place.get("offset", 0)))
        while left > 0:
            block = source.read(min(_CHUNK, left))
            if not block:
                raise ExportError("the builder's weights are cut off")
            left -= len(block)
            yield block
