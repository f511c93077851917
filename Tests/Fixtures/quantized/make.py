#!/usr/bin/env python3
"""Makes the fixtures beside it: linear layers as GPTQ, AWQ and bitsandbytes (8 bits) store them.

`layers.safetensors` has for each form the stored tensors and, under `expected.NAME`, the weights
[out, in] that the form's documentation makes of them, computed here element by element from bit
strings. `gptq` is ../models/llama-gqa with its linear layers in 4 bits, groups of 32, reordered.

    pip install numpy
    python3 make.py
"""

import json
import struct
from pathlib import Path

import numpy as np

here = Path(__file__).parent
random = np.random.default_rng(3)
types = {"int32": "I32", "int8": "I8", "float16": "F16", "float32": "F32"}


def write(path, tensors):
    header, data = {}, b""
    for name, array in tensors.items():
        raw = np.ascontiguousarray(array).tobytes()
        header[name] = {"dtype": types[str(array.dtype)], "shape": list(array.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def pack(numbers, bits):
    """A row of numbers as words of 32 bits: number i has the bits from i × bits on."""
    stream = 0
    for place, number in enumerate(numbers):
        stream |= int(number) << (place * bits)
    words = -(-len(numbers) * bits // 32)
    return [(stream >> (32 * word)) & 0xFFFFFFFF for word in range(words)]


def words(rows):
    return np.array(rows, dtype=np.uint32).view(np.int32)


def gptq(name, bits, outputs, inputs, group, index=None, form="gptq"):
    groups = -(-inputs // group)
    codes = random.integers(0, 2**bits, (inputs, outputs))
    zeros = random.integers(1, 2**bits, (groups, outputs))
    scales = random.normal(0, 0.02, (groups, outputs)).astype(np.float16)
    g_idx = np.arange(inputs) // group if index is None else index
    stored = {
        f"{name}.qweight": words([pack(codes[:, output], bits) for output in range(outputs)]).T.copy(),
        f"{name}.qzeros": words([pack(zeros[row] - (form == "gptq"), bits) for row in range(groups)]),
        f"{name}.scales": scales,
    }
    if index is not None:
        stored[f"{name}.g_idx"] = g_idx.astype(np.int32)
    weights = np.empty((outputs, inputs), np.float32)
    for output in range(outputs):
        for input in range(inputs):
            scale = np.float32(scales[g_idx[input], output])
            weights[output, input] = scale * np.float32(codes[input, output] - zeros[g_idx[input], output])
    return stored, weights


def awq(name, outputs, inputs, group):
    order = [0, 2, 4, 6, 1, 3, 5, 7]
    codes = random.integers(0, 16, (inputs, outputs))
    zeros = random.integers(0, 16, (inputs // group, outputs))
    scales = random.normal(0, 0.02, (inputs // group, outputs)).astype(np.float16)

    def packed(numbers):
        return words([pack([row[8 * word + place] for word in range(outputs // 8) for place in order], 4) for row in numbers])

    weights = np.empty((outputs, inputs), np.float32)
    for output in range(outputs):
        for input in range(inputs):
            scale = np.float32(scales[input // group, output])
            weights[output, input] = scale * np.float32(codes[input, output] - zeros[input // group, output])
    return {f"{name}.qweight": packed(codes), f"{name}.qzeros": packed(zeros), f"{name}.scales": scales}, weights


def int8(name, outputs, inputs):
    codes = random.integers(-127, 128, (outputs, inputs)).astype(np.int8)
    scales = random.uniform(0.01, 2, outputs).astype(np.float32)
    return {f"{name}.weight": codes, f"{name}.SCB": scales}, codes.astype(np.float32) * (scales / np.float32(127))[:, None]


def layers():
    tensors = {}
    for bits in [2, 3, 4, 8]:
        for form in ["gptq", "gptq_v2"]:
            name = f"{form}.{bits}"
            index = random.integers(0, 2, 64) if bits in (3, 4) else None
            stored, weights = gptq(name, bits, 32, 64, 32, index, form)
            tensors |= stored | {f"expected.{name}": weights}
    stored, weights = awq("awq.4", 32, 64, 32)
    tensors |= stored | {"expected.awq.4": weights}
    stored, weights = int8("bitsandbytes.8", 16, 24)
    tensors |= stored | {"expected.bitsandbytes.8": weights}
    write(here / "layers.safetensors", tensors)


def read(path):
    raw = path.read_bytes()
    length = struct.unpack("<Q", raw[:8])[0]
    for name, entry in json.loads(raw[8 : 8 + length]).items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            bits = np.frombuffer(raw[8 + length + begin : 8 + length + end], np.uint16).astype(np.uint32) << 16
            yield name, bits.view(np.float32).reshape(entry["shape"])


def model():
    source, folder = here.parent / "models" / "llama-gqa", here / "gptq"
    folder.mkdir(exist_ok=True)
    config = json.loads((source / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "gptq", "bits": 4, "group_size": 32, "desc_act": True, "sym": False}
    (folder / "config.json").write_text(json.dumps(config, indent=1))
    tensors = {}
    for name, array in read(source / "model.safetensors"):
        stem = name.removesuffix(".weight")
        # What a checkpoint leaves unquantized stays.
        if "_proj" not in name or stem.endswith("layers.1.mlp.down_proj"):
            tensors[name] = array.astype(np.float32)
            continue
        outputs, inputs = array.shape
        stored, _ = gptq(stem, 4, outputs, inputs, 32, random.permutation(np.arange(inputs) // 32))
        tensors |= stored
    write(folder / "model.safetensors", tensors)


layers()
model()
