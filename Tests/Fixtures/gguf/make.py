#!/usr/bin/env python3
"""Makes the fixtures beside it with llama.cpp's own `gguf` package.

`blocks.gguf` has one tensor of random blocks for every quantized type, `blocks.safetensors` what
`gguf.quants.dequantize` makes of them; `quantized.gguf` has numbers and what `gguf.quants.quantize`, or
for K-quants llama.cpp's library (GGML_LIBRARY), makes of them. `llama.gguf` and `qwen2.gguf` are ../models/llama-gqa and
../models/qwen2 as llama.cpp's `convert_hf_to_gguf.py` writes them: names, reordered rows of q and k,
factors of rotary frequencies, a tokenizer. `spm.gguf` has a tokenizer of kind `llama` alone.

    pip install gguf==0.19.0 numpy safetensors
    GGML_LIBRARY=.../libggml-base.so python3 make.py
"""

import ctypes
import json
import os
import struct
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf.quants import dequantize, quantize

here = Path(__file__).parent
# Where a block's halves are: the numbers that scale it.
scales = {
    Type.Q4_0: [0], Type.Q4_1: [0, 2], Type.Q5_0: [0], Type.Q5_1: [0, 2], Type.Q8_0: [0],
    Type.Q2_K: [80, 82], Type.Q3_K: [108], Type.Q4_K: [0, 2], Type.Q5_K: [0, 2], Type.Q6_K: [208],
    Type.IQ4_NL: [0], Type.IQ4_XS: [0],
}


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, array in tensors.items():
        raw = np.ascontiguousarray(array, dtype=np.float32).tobytes()
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def read_safetensors(path):
    raw = path.read_bytes()
    length = struct.unpack("<Q", raw[:8])[0]
    for name, entry in json.loads(raw[8 : 8 + length]).items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        part = raw[8 + length + begin : 8 + length + end]
        if entry["dtype"] == "BF16":
            array = (np.frombuffer(part, np.uint16).astype(np.uint32) << 16).view(np.float32)
        else:
            array = np.frombuffer(part, {"F16": np.float16, "F32": np.float32}[entry["dtype"]]).astype(np.float32)
        yield name, array.reshape(entry["shape"])


def blocks():
    random = np.random.default_rng(1)
    writer = gguf.GGUFWriter(here / "blocks.gguf", "llama")
    expected = {}
    for type, places in scales.items():
        elements, size = gguf.GGML_QUANT_SIZES[type]
        rows, count = 2, 512 // elements
        raw = random.integers(0, 256, (rows, count, size), dtype=np.uint8)
        for place in places:
            half = random.normal(0, 0.05, (rows, count)).astype(np.float16)
            raw[:, :, place : place + 2] = half.view(np.uint8).reshape(rows, count, 2)
        raw = raw.reshape(rows, count * size)
        writer.add_tensor(type.name, raw, raw_dtype=type)
        expected[type.name] = dequantize(raw, type)
    close(writer)
    write_safetensors(here / "blocks.safetensors", expected)


def quantized():
    random = np.random.default_rng(2)
    source = random.normal(0, 1, (8, 256)).astype(np.float32)
    source[1, :32] = 0
    source[2, :32] = 7
    source[3] = 0
    source[4] *= 1e-3
    source[5, 17] = 40
    source[6] = np.abs(source[6])
    writer = gguf.GGUFWriter(here / "quantized.gguf", "llama")
    writer.add_tensor("source", source)
    for type in [Type.F16, Type.BF16, Type.Q8_0, Type.Q4_0, Type.Q5_0, Type.Q5_1]:
        writer.add_tensor(type.name, quantize(source, type), raw_dtype=type)
    # K-quants: by llama.cpp itself, since the Python package only reads them.
    library = ctypes.CDLL(os.environ["GGML_LIBRARY"])
    for type, width in [(Type.Q4_K, 144), (Type.Q5_K, 176), (Type.Q6_K, 210)]:
        blocks = np.zeros((8, width), np.uint8)
        function = getattr(library, f"quantize_row_q{type.name[1]}_K_ref")
        function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
        function(source.ctypes.data, blocks.ctypes.data, source.size)
        writer.add_tensor(type.name, blocks, raw_dtype=type)
    close(writer)


def close(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def permute(weights, heads):
    """As llama.cpp's converter: halves become neighbouring pairs."""
    return weights.reshape(heads, 2, weights.shape[0] // heads // 2, *weights.shape[1:]).swapaxes(1, 2).reshape(weights.shape)


def llama3_factors(rope, head_dim):
    base, factor = rope["rope_theta"], rope["factor"]
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    length = rope["original_max_position_embeddings"]
    result = []
    for frequency in 1.0 / (base ** (np.arange(0, head_dim, 2) / head_dim)):
        wavelength = 2 * np.pi / frequency
        if wavelength < length / high:
            result.append(1.0)
        elif wavelength > length / low:
            result.append(factor)
        else:
            smooth = (length / wavelength - low) / (high - low)
            result.append(1 / ((1 - smooth) / factor + smooth))
    return np.array(result, dtype=np.float32)


names = {
    "model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output",
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def tensor_name(name):
    stem, end = name.rsplit(".", 1)
    if stem in names:
        return f"{names[stem]}.{end}"
    _, _, layer, module = stem.split(".", 3)
    return f"blk.{layer}.{names[module]}.{end}"


def byte_tokens(size):
    """The letters of GPT-2's byte alphabet and some merges."""
    letters = [chr(33 + i) for i in range(60)] + ["Ġ"]
    merges = ["t h", "th e", "Ġ a", "i n"]
    tokens = ["<pad>", "<s>", "<|im_end|>", *letters, "a", "e", "h", "i", "n", "t"]
    tokens = list(dict.fromkeys(tokens + [merge.replace(" ", "") for merge in merges]))
    tokens += [f"<unused{i}>" for i in range(size - len(tokens))]
    return tokens[:size], merges


def model(source, name, architecture):
    folder = here.parent / "models" / source
    config = json.loads((folder / "config.json").read_text())
    rope = config["rope_parameters"]
    heads, kv = config["num_attention_heads"], config["num_key_value_heads"]
    head_dim = config.get("head_dim") or config["hidden_size"] // heads
    writer = gguf.GGUFWriter(here / f"{name}.gguf", architecture)
    writer.add_name(name)
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(rope["rope_theta"])
    writer.add_rope_dimension_count(head_dim)
    tokens, merges = byte_tokens(config["vocab_size"])
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    special = {"<pad>", "<s>", "<|im_end|>"}
    writer.add_token_types([3 if token in special else 1 for token in tokens])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(0)
    writer.add_chat_template("{% for m in messages %}{{ m['content'] }}<|im_end|>{% endfor %}")
    if rope["rope_type"] == "llama3":
        writer.add_tensor("rope_freqs.weight", llama3_factors(rope, head_dim))
    for tensor, array in (item for file in sorted(folder.glob("model*.safetensors")) for item in read_safetensors(file)):
        if architecture == "llama" and ".q_proj." in tensor:
            array = permute(array, heads)
        if architecture == "llama" and ".k_proj." in tensor:
            array = permute(array, kv)
        # As the converter: matrices in 16 bits, vectors in fp32.
        if array.ndim == 2:
            array = array.astype(np.float32)
            raw = (array.view(np.uint32) >> 16).astype(np.uint16).view(np.uint8)
            writer.add_tensor(tensor_name(tensor), raw, raw_dtype=Type.BF16)
        else:
            writer.add_tensor(tensor_name(tensor), array)
    close(writer)


def sentencepiece():
    pieces = [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3)]
    pieces += [(f"<0x{i:02X}>", 0.0, 6) for i in range(256)]
    for rank, text in enumerate(["▁t", "he", "▁the", "▁a", "in", "▁▁", "er", "▁in", "the"]):
        pieces.append((text, -float(rank), 1))
    for rank, text in enumerate("▁abcdefghijklmnopqrstuvwxyz"):
        pieces.append((text, -100.0 - rank, 1))
    writer = gguf.GGUFWriter(here / "spm.gguf", "llama")
    writer.add_tokenizer_model("llama")
    writer.add_token_list([text for text, _, _ in pieces])
    writer.add_token_scores([score for _, score, _ in pieces])
    writer.add_token_types([kind for _, _, kind in pieces])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    close(writer)
    texts = ["the", "in the  there", " a er", "Die Übung", "x\ny 1", "", "  "]
    (here / "spm.json").write_text(
        json.dumps([{"text": text, "ids": encode(pieces, text)} for text in texts], ensure_ascii=False, indent=1)
    )


def encode(pieces, text):
    """SentencePiece's BPE as llama.cpp does it: of all neighbours the best piece is joined first."""
    ids = {text: id for id, (text, _, _) in enumerate(pieces)}
    symbols = list((" " + text).replace(" ", "▁")) if text else []
    while True:
        best = None
        for place in range(len(symbols) - 1):
            id = ids.get(symbols[place] + symbols[place + 1])
            if id is not None and (best is None or pieces[id][1] > best[0]):
                best = (pieces[id][1], place)
        if best is None:
            break
        symbols[best[1] : best[1] + 2] = [symbols[best[1]] + symbols[best[1] + 1]]
    result = [1]
    for symbol in symbols:
        result += [ids[symbol]] if symbol in ids else [ids[f"<0x{byte:02X}>"] for byte in symbol.encode()]
    return result


blocks()
quantized()
model("llama-gqa", "llama", "llama")
model("qwen2", "qwen2", "qwen2")
sentencepiece()
