#!/usr/bin/env python3
"""Holds `facet adapters export --format gguf` against llama.cpp: `llama_adapters.py FACET FOLDER`.

A tiny base goes to llama.cpp with the very weights facet computes with; PEFT adapters go through
facet's store and its export. Both servers must say the same tokens with the same log probabilities.
LLAMA_SERVER names llama.cpp's server, GGUF_PY the folder of its `gguf` package.
"""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request

import peft
import transformers

import adapters
import tiny
from checkpoints import BASE, Case, make
from serve import reference, stored_weights
from server import Server

sys.path.insert(0, os.environ["GGUF_PY"])
import gguf  # noqa: E402

TOKENS = 24
CASE = Case("llama.gguf", transformers.LlamaConfig(
    **{**BASE, "vocab_size": 384, "intermediate_size": 128}))
NAMES = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
OTHERS = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
VARIANTS = {
    "all": dict(target_modules="all-linear", r=8, lora_alpha=24),
    "attention": dict(target_modules=["q_proj", "k_proj"], r=4, lora_alpha=16),
    "rslora": dict(target_modules=["v_proj", "down_proj"], r=16, lora_alpha=8, use_rslora=True),
}


def renamed(name):
    module = name.removesuffix(".weight")
    if module in OTHERS:
        return OTHERS[module] + ".weight"
    layer, rest = re.fullmatch(r"model\.layers\.(\d+)\.(.*)", module).groups()
    return f"blk.{layer}.{NAMES[rest]}.weight"


def interleaved(rows, heads):
    """llama.cpp turns neighbouring rows of a head together, transformers its halves."""
    halves = rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:])
    return halves.swapaxes(1, 2).reshape(rows.shape)


def write_base(model, path):
    config = model.config
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    writer.add_vocab_size(config.vocab_size)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    words = [f"w{index}" for index in range(config.vocab_size - 259)]
    writer.add_tokenizer_model("llama")
    writer.add_token_list(["<unk>", "<s>", "</s>", *bytes_, *words])
    writer.add_token_scores([0.0] * config.vocab_size)
    # Bytes as ordinary text: of parts of characters the server would not tell probabilities.
    kinds = [gguf.TokenType.UNKNOWN] + 2 * [gguf.TokenType.CONTROL]
    writer.add_token_types(kinds + (config.vocab_size - 3) * [gguf.TokenType.NORMAL])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
    for name, tensor in model.state_dict().items():
        array = tensor.float().numpy()
        if (kind := name.split(".")[-2]) in heads:
            array = interleaved(array, heads[kind])
        writer.add_tensor(renamed(name), array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def llama(base, adapter, prompts):
    """llama.cpp's greedy tokens and their log probabilities."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [os.environ["LLAMA_SERVER"], "-m", base, "--port", str(port), "-c", "512", "-np", "1",
               "-t", "2", "-ctk", "f32", "-ctv", "f32", "-fa", "off", *(["--lora", adapter] if adapter else [])]
    log = open(f"{base}.log", "w")
    server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{address}/health")
                break
            except OSError:
                assert server.poll() is None, f"llama.cpp ended; see {base}.log"
                time.sleep(0.1)
        said = []
        for prompt in prompts:
            body = {"prompt": prompt, "n_predict": TOKENS, "temperature": 0, "n_probs": 1,
                    "cache_prompt": False, "ignore_eos": True, "return_tokens": True}
            request = urllib.request.Request(
                f"{address}/completion", json.dumps(body).encode(),
                {"Content-Type": "application/json"})
            with urllib.request.urlopen(request) as answer:
                found = json.load(answer)["completion_probabilities"]
            said.append([(token["id"], token["logprob"]) for token in found])
        return said
    finally:
        server.terminate()
        server.wait()


def facet_says(server, name, prompts):
    said = []
    for prompt in prompts:
        answer = server.post("/v1/completions", {
            "model": name, "prompt": prompt, "logprobs": 1, "max_tokens": TOKENS,
            "temperature": 0, "ignore_eos": True, "logit_bias": {"2": -100}})["choices"][0]
        ids = [int(token.strip().removeprefix("w")) for token in answer["logprobs"]["tokens"]]
        said.append(list(zip(ids, answer["logprobs"]["token_logprobs"])))
    return said


def main(facet, folder):
    path = f"{folder}/{CASE.name}"
    os.makedirs(folder, exist_ok=True)
    make(CASE, path, 3)
    written, base = f"{path}.nf4", f"{path}.gguf"
    subprocess.run([facet, "quantize", path, written], check=True, capture_output=True)
    model = stored_weights(reference(path), written)
    write_base(model, base)
    prompts = tiny.prompts(CASE.config.vocab_size, [3, 20, 70], 3)
    made = {}
    for index, (name, settings) in enumerate(VARIANTS.items()):
        config = peft.LoraConfig(task_type="CAUSAL_LM", **settings)
        adapters.attach(model, config, 40 + index).save_pretrained(f"{path}.adapters/{name}")
        made[name] = f"{path}.adapters/{name}"
    with Server(facet, written, f"{path}.data", made.items()) as server:
        ours = {name: facet_says(server, name, prompts) for name in ["base", *made]}
    failures = 0
    for name in ours:
        file = f"{path}.{name}.gguf" if name in made else None
        if file:
            command = [facet, "adapters", "export", name, file, "--data", f"{path}.data",
                       "--model", written]
            subprocess.run(command, check=True, capture_output=True)
        theirs = llama(base, file, prompts)
        assert all(len(said) == TOKENS for said in ours[name] + theirs)
        same = [[id for id, _ in said] for said in ours[name]] == [
            [id for id, _ in said] for said in theirs]
        pairs = [(a, b) for mine, their in zip(ours[name], theirs) for a, b in zip(mine, their)]
        worst = max(abs(a[1] - b[1]) for a, b in pairs)
        other = "yes" if ours[name] != ours["base"] else "–"
        print(f"{name}: {len(pairs)} greedy tokens the same: {'yes' if same else 'no'}; greatest "
              f"difference of a log probability {worst:.1e}; another answer than the base: {other}")
        failures += not same or worst > 1e-3 or (name in made and other != "yes")
    return failures


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    sys.exit(1 if main(*sys.argv[1:]) else 0)
