"""Writes PEFT adapters with nothing but the standard library."""

import array
import json
import random
import struct
from pathlib import Path


def shapes(model: Path, targets: list[str]) -> dict[str, tuple[int, int]]:
    """The modules of a Llama-like model: name → (outputs, inputs)."""
    config = json.loads((model / "config.json").read_text())
    width = config["hidden_size"]
    head = config.get("head_dim") or width // config["num_attention_heads"]
    queries = head * config["num_attention_heads"]
    keys = head * config.get("num_key_value_heads", config["num_attention_heads"])
    inner = config["intermediate_size"]
    sizes = {
        "q_proj": ("self_attn", queries, width),
        "k_proj": ("self_attn", keys, width),
        "v_proj": ("self_attn", keys, width),
        "o_proj": ("self_attn", width, queries),
        "gate_proj": ("mlp", inner, width),
        "up_proj": ("mlp", inner, width),
        "down_proj": ("mlp", width, inner),
    }
    found = {}
    for layer in range(config["num_hidden_layers"]):
        for target in targets:
            group, outputs, inputs = sizes[target]
            found[f"model.layers.{layer}.{group}.{target}"] = (outputs, inputs)
    return found


def safetensors(tensors: dict[str, tuple[list[int], bytes]]) -> bytes:
    """A safetensors file of fp32 tensors."""
    header, body = {}, b""
    for name, (shape, data) in tensors.items():
        span = [len(body), len(body) + len(data)]
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": span}
        body += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + body


def write(
    folder: Path,
    model: Path,
    seed: int,
    rank: int = 4,
    targets: list[str] | None = None,
    size: float = 0.2,
    **config,
) -> Path:
    """Writes an adapter of random numbers, loud enough to change answers; returns its folder."""
    targets = targets or ["q_proj", "v_proj"]
    random.seed(seed)
    tensors = {}
    for module, (outputs, inputs) in shapes(model, targets).items():
        for part, shape in [("A", [rank, inputs]), ("B", [outputs, rank])]:
            count = shape[0] * shape[1]
            # A prime's worth of numbers, over and over: big adapters are made in no time.
            some = array.array("f", (random.uniform(-size, size) for _ in range(min(count, 4093))))
            values = (some * (count // len(some) + 1))[:count]
            name = f"base_model.model.{module}.lora_{part}.weight"
            tensors[name] = (shape, values.tobytes())
    folder.mkdir(parents=True, exist_ok=True)
    facts = {
        "peft_type": "LORA",
        "r": rank,
        "lora_alpha": rank,
        "target_modules": targets,
        "bias": "none",
        **config,
    }
    (folder / "adapter_config.json").write_text(json.dumps(facts))
    (folder / "adapter_model.safetensors").write_bytes(safetensors(tensors))
    return folder


def read(folder: Path) -> dict[str, tuple[str, list[int], bytes]]:
    """The tensors of an adapter: type, shape and bytes."""
    data = (folder / "adapter_model.safetensors").read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    return {
        name: (
            entry["dtype"],
            entry["shape"],
            data[8 + length + entry["data_offsets"][0] : 8 + length + entry["data_offsets"][1]],
        )
        for name, entry in header.items()
    }
