"""Writes SmolLM2's GGUF file as a checkpoint in Hugging Face layout: fp32 safetensors, configuration,
tokenizer and chat template, all from the file's own tensors and metadata."""

import json
import sys

import numpy
from gguf import GGUFReader
from gguf.quants import dequantize
from safetensors.numpy import save_file

NAMES = {
    "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}

reader, folder = GGUFReader(sys.argv[1]), sys.argv[2]
field = {name: value.contents() for name, value in reader.fields.items()}
llama = {name[6:]: value for name, value in field.items() if name.startswith("llama.")}
heads = {"attn_q": llama["attention.head_count"], "attn_k": llama["attention.head_count_kv"]}


def tensor(source):
    """A tensor's name and values; queries and keys lie in pairs there and in halves here."""
    weight = dequantize(source.data, source.tensor_type).astype(numpy.float32)
    if source.name == "token_embd.weight":
        return "model.embed_tokens.weight", weight
    if source.name == "output_norm.weight":
        return "model.norm.weight", weight
    _, layer, kind, _ = source.name.split(".")
    if kind in heads:
        paired = weight.reshape(heads[kind], -1, 2, weight.shape[1])
        weight = paired.swapaxes(1, 2).reshape(weight.shape)
    return f"model.layers.{layer}.{NAMES[kind]}.weight", numpy.ascontiguousarray(weight)


def write(name, value):
    with open(f"{folder}/{name}", "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False)


save_file(dict(map(tensor, reader.tensors)), f"{folder}/model.safetensors", {"format": "pt"})
write("config.json", {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
    "hidden_size": llama["embedding_length"], "intermediate_size": llama["feed_forward_length"],
    "num_hidden_layers": llama["block_count"],
    "num_attention_heads": llama["attention.head_count"],
    "num_key_value_heads": llama["attention.head_count_kv"],
    "head_dim": llama["rope.dimension_count"], "rope_theta": llama["rope.freq_base"],
    "max_position_embeddings": llama["context_length"], "vocab_size": llama["vocab_size"],
    "rms_norm_eps": llama["attention.layer_norm_rms_epsilon"], "tie_word_embeddings": True,
    "bos_token_id": field["tokenizer.ggml.bos_token_id"],
    "eos_token_id": field["tokenizer.ggml.eos_token_id"], "torch_dtype": "float32",
})
tokens, types = field["tokenizer.ggml.tokens"], field["tokenizer.ggml.token_type"]
bytelevel = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
write("tokenizer.json", {
    "version": "1.0", "truncation": None, "padding": None, "normalizer": None,
    "post_processor": None, "decoder": bytelevel,
    "added_tokens": [
        {"id": index, "content": token, "single_word": False, "lstrip": False, "rstrip": False,
         "normalized": False, "special": True}
        for index, token in enumerate(tokens) if types[index] == 3
    ],
    "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
        {"type": "Digits", "individual_digits": True}, bytelevel]},
    "model": {
        "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
        "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False,
        "vocab": {token: index for index, token in enumerate(tokens)},
        "merges": field["tokenizer.ggml.merges"],
    },
})
write("tokenizer_config.json", {
    "tokenizer_class": "GPT2Tokenizer", "chat_template": field["tokenizer.chat_template"],
    "bos_token": tokens[field["tokenizer.ggml.bos_token_id"]],
    "eos_token": tokens[field["tokenizer.ggml.eos_token_id"]],
})
