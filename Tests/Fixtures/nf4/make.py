#!/usr/bin/env python3
"""Writes nf4.json: what bitsandbytes makes of inputs that both sides generate from SplitMix64.

    pip install bitsandbytes==0.50.2 torch==2.15.0 numpy; ./make.py

Quantization is bitsandbytes' own "default" backend rule (pure torch). Digests are SHA-256 of the
packed codes and of the little-endian fp32 absmax; a few blocks are spelled out.
"""
import hashlib
import json
import pathlib

import bitsandbytes
import numpy as np
import torch
from bitsandbytes.functional import create_dynamic_map

def splitmix(seed, count):
    state = (np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)) + np.uint64(seed)
    z = state
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def uniform(seed, count):
    return ((splitmix(seed, count) >> np.uint64(40)).astype(np.int64) - (1 << 23)).astype(np.float32) / np.float32(1 << 23)


BOUNDS = np.array([0xBF591CD8, 0xBF1C5270, 0xBEEB8480, 0xBEADEA76, 0xBE703CEC, 0xBE0D38BC, 0xBD3A7871, 0x3D22FAFF,
                   0x3DF64862, 0x3E5067E0, 0x3E9582D4, 0x3EC753F9, 0x3F006D04, 0x3F248DAF, 0x3F5C89DA], dtype=np.uint32)


def boundaries(count):
    """Blocks that hold 1 (or a power of two) and each boundary times it, -2...2 ulp away."""
    scale = np.exp2((np.arange(count) // 64 % 40 - 20).astype(np.float32))
    i = np.arange(count)
    x = (BOUNDS[(i + i // 64) % 15] + ((i * 7 + i // 64) % 5).astype(np.uint32) - np.uint32(2)).view(np.float32)
    x = np.where(i % 64 == 0, np.float32(1), x) * scale
    return x.astype(np.float32)


def scaled_boundaries(count):
    """The same under an absmax that is no power of two, so that the reciprocal rounds."""
    i = np.arange(count)
    factor = uniform(77, count // 64 + 1)[i // 64] + np.float32(1.5)
    x = BOUNDS[(i + i // 64) % 15].view(np.float32)
    x = np.where(i % 64 == 0, np.float32(-1), x) * factor
    x = (x.astype(np.float32).view(np.uint32) + ((i * 11 + i // 64) % 5).astype(np.uint32) * (i % 64 != 0)
         - np.uint32(2) * (i % 64 != 0).astype(np.uint32)).astype(np.uint32).view(np.float32)
    return x.astype(np.float32)


def raw_bits(seed, count):
    """Any finite bit pattern: denormals, huge values, all exponents."""
    bits = (splitmix(seed, count) >> np.uint64(32)).astype(np.uint32)
    bits = np.where((bits & 0x7F800000) == 0x7F800000, bits & np.uint32(0x807FFFFF), bits).astype(np.uint32)
    return bits.view(np.float32)


def zeros_and_tiny(count):
    x = uniform(5, count)
    block = np.arange(count) // 64
    x = np.where(block % 4 == 0, np.float32(0), x)
    x = np.where(block % 4 == 1, x * np.float32(1e-38) * np.float32(1e-3), x)
    x = np.where(block % 4 == 2, x * np.float32(3e-38), x)
    return x.astype(np.float32)


def bell(seed, count):
    """A sum of four uniforms: near to how weights are distributed."""
    u = uniform(seed, count * 4).reshape(count, 4)
    return (((u[:, 0] + u[:, 1]) + u[:, 2]) + u[:, 3]) * np.float32(0.02)


CASES = {
    "bell": (bell(1, 1 << 19), "f32"),
    "uniform": (uniform(2, 300_000), "f32"),
    "boundaries": (boundaries(200_000), "f32"),
    "scaled_boundaries": (scaled_boundaries(200_000), "f32"),
    "raw_bits": (raw_bits(3, 200_000), "f32"),
    "zeros_and_tiny": (zeros_and_tiny(10_000), "f32"),
    "odd_tail": (uniform(4, 64 * 5 + 17), "f32"),
    "one": (uniform(6, 1), "f32"),
    "zero_tail": (np.concatenate([uniform(7, 64), np.zeros(3, np.float32)]), "f32"),
    "bf16": (bell(8, 100_000), "bf16"),
    "f16": (bell(9, 100_000), "f16"),
}
TYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}


def digest(a):
    return hashlib.sha256(np.ascontiguousarray(a).tobytes()).hexdigest()


def quantize(x):
    # Nothing is registered for "cpu" in 0.50.2, so this is the default backend's rule.
    return torch.ops.bitsandbytes.quantize_4bit.default(x, 64, "nf4", torch.uint8)


def main():
    out = {"bitsandbytes": bitsandbytes.__version__, "torch": torch.__version__, "cases": {}}
    for name, (values, kind) in CASES.items():
        tensor = torch.from_numpy(values).to(TYPES[kind])
        codes, absmax = quantize(tensor)
        codes, absmax = codes.flatten().numpy(), absmax.numpy()
        out["cases"][name] = {
            "format": kind,
            "count": len(values),
            "input": digest(values),
            "codes": digest(codes),
            "absmax": digest(absmax),
            "first_codes": codes[:32].tolist(),
            "first_absmax_bits": absmax[:4].view(np.uint32).tolist(),
        }
    out["dynamic_map_bits"] = create_dynamic_map(signed=True).numpy().view(np.uint32).tolist()
    path = pathlib.Path(__file__).with_name("nf4.json")
    path.write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
