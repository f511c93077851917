"""One random model of the TinyLlama-1.1B shape and 16 adapters, for Hugging Face and for llama.cpp.

Speed does not depend on what the weights are, so nothing is downloaded.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

HIDDEN, INNER, LAYERS, HEADS, KV_HEADS, VOCABULARY = 2048, 5632, 22, 32, 4, 32000
KEYS = HIDDEN // HEADS * KV_HEADS
RANK, ADAPTERS = 16, 16
LINEAR = {  # name: (llama.cpp's name, outputs, inputs)
    "self_attn.q_proj": ("attn_q", HIDDEN, HIDDEN),
    "self_attn.k_proj": ("attn_k", KEYS, HIDDEN),
    "self_attn.v_proj": ("attn_v", KEYS, HIDDEN),
    "self_attn.o_proj": ("attn_output", HIDDEN, HIDDEN),
    "mlp.gate_proj": ("ffn_gate", INNER, HIDDEN),
    "mlp.up_proj": ("ffn_up", INNER, HIDDEN),
    "mlp.down_proj": ("ffn_down", HIDDEN, INNER),
}
ROOT = Path(os.environ["FACET_PEERS"])
CHECKPOINT = ROOT / "model"
GGUF = {kind: ROOT / f"model-{kind}.gguf" for kind in ("F16", "Q4_0", "IQ4_NL")}
RANDOM = np.random.default_rng(1)


def normal(*shape, scale=None):
    scale = scale or shape[-1] ** -0.5
    return (RANDOM.standard_normal(shape, dtype=np.float32) * scale).astype(np.float16)


def tensors():
    """Hugging Face's name, llama.cpp's name, and the numbers, tensor by tensor."""
    yield "model.embed_tokens.weight", "token_embd.weight", normal(VOCABULARY, HIDDEN)
    for layer in range(LAYERS):
        ours, theirs = f"model.layers.{layer}", f"blk.{layer}"
        ones = np.ones(HIDDEN, np.float32)
        yield f"{ours}.input_layernorm.weight", f"{theirs}.attn_norm.weight", ones
        yield f"{ours}.post_attention_layernorm.weight", f"{theirs}.ffn_norm.weight", ones
        for name, (short, outputs, inputs) in LINEAR.items():
            yield f"{ours}.{name}.weight", f"{theirs}.{short}.weight", normal(outputs, inputs)
    yield "model.norm.weight", "output_norm.weight", np.ones(HIDDEN, np.float32)
    yield "lm_head.weight", "output.weight", normal(VOCABULARY, HIDDEN)


def pieces():
    """A vocabulary that every tokenizer can load: controls, bytes, and words."""
    words = [f"▁w{index}" for index in range(VOCABULARY - 259)]
    return ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)] + words


def write_safetensors(path, items):
    """Streams tensors into a file; `items` is a function, called once for the header and once for the data."""
    kinds = {"float16": "F16", "float32": "F32"}
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    arrays = list(items)
    for name, array in arrays:
        header[name] = {
            "dtype": kinds[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [offset, offset + array.nbytes],
        }
        offset += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, array in arrays:
            array.tofile(file)


def write_checkpoint(named):
    CHECKPOINT.mkdir(exist_ok=True)
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": HIDDEN,
        "intermediate_size": INNER,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KV_HEADS,
        "vocab_size": VOCABULARY,
        "max_position_embeddings": 4096,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "hidden_act": "silu",
        "tie_word_embeddings": False,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "torch_dtype": "float16",
    }
    tokenizer = {
        "version": "1.0",
        "added_tokens": [
            {"id": index, "content": text, "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": False, "special": True}
            for index, text in enumerate(pieces()[:3])
        ],
        "normalizer": None,
        "pre_tokenizer": None,
        "post_processor": None,
        "decoder": {"type": "ByteFallback"},
        "model": {"type": "BPE", "unk_token": "<unk>", "byte_fallback": True, "fuse_unk": False,
                  "vocab": {text: index for index, text in enumerate(pieces())}, "merges": []},
    }
    (CHECKPOINT / "config.json").write_text(json.dumps(config))
    (CHECKPOINT / "tokenizer.json").write_text(json.dumps(tokenizer))
    (CHECKPOINT / "tokenizer_config.json").write_text(
        json.dumps({"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"})
    )
    write_safetensors(CHECKPOINT / "model.safetensors", [(name, array) for name, _, array in named])


def write_gguf(named):
    gguf = import_gguf()
    writer = gguf.GGUFWriter(GGUF["F16"], "llama")
    writer.add_context_length(4096)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(HIDDEN // HEADS)
    writer.add_vocab_size(VOCABULARY)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    kinds = [gguf.TokenType.UNKNOWN] + 2 * [gguf.TokenType.CONTROL] + 256 * [gguf.TokenType.BYTE]
    writer.add_tokenizer_model("llama")
    writer.add_token_list(pieces())
    writer.add_token_scores([0.0] * VOCABULARY)
    writer.add_token_types(kinds + (VOCABULARY - 259) * [gguf.TokenType.NORMAL])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    for _, name, array in named:
        writer.add_tensor(name, array)
    finish(writer)
    for kind in ("Q4_0", "IQ4_NL"):
        quantize = [f"{os.environ['LLAMA_BIN']}/llama-quantize", GGUF["F16"], GGUF[kind], kind]
        subprocess.run(quantize, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def write_adapter(index):
    """The same numbers as a PEFT folder and as llama.cpp's file."""
    gguf = import_gguf()
    folder = ROOT / f"adapter-{index}"
    folder.mkdir(exist_ok=True)
    config = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": RANK, "lora_alpha": 32,
              "lora_dropout": 0.0, "bias": "none", "fan_in_fan_out": False,
              "base_model_name_or_path": "model", "inference_mode": True,
              "target_modules": sorted({name.split(".")[1] for name in LINEAR})}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    writer = gguf.GGUFWriter(ROOT / f"adapter-{index}.gguf", "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 32.0)
    named = []
    for layer in range(LAYERS):
        for name, (short, outputs, inputs) in LINEAR.items():
            a, b = normal(RANK, inputs), normal(outputs, RANK, scale=0.01)
            path = f"base_model.model.model.layers.{layer}.{name}"
            named += [(f"{path}.lora_A.weight", a), (f"{path}.lora_B.weight", b)]
            writer.add_tensor(f"blk.{layer}.{short}.weight.lora_a", a)
            writer.add_tensor(f"blk.{layer}.{short}.weight.lora_b", b)
    write_safetensors(folder / "adapter_model.safetensors", named)
    finish(writer)


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def import_gguf():
    sys.path.insert(0, os.environ["LLAMA_SOURCE"] + "/gguf-py")
    import gguf

    return gguf


def make():
    """Makes what is not there yet."""
    done = ROOT / "model-made"
    if done.exists():
        return
    print("making a random model and 16 adapters", file=sys.stderr)
    named = list(tensors())
    write_checkpoint(named)
    write_gguf(named)
    for index in range(ADAPTERS):
        write_adapter(index)
    done.touch()
