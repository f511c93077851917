#!/usr/bin/env python3
"""Makes tiny random models of every supported family, at least two shapes each, with the log
probabilities of transformers in fp32 on NF4-dequantized weights: `families.py FOLDER`."""

import itertools
import json
import sys

import transformers
from peft import LoraConfig

import adapters
import tiny

BASE = dict(tiny.COMMON)
WIDE = {**BASE, "hidden_size": 128, "intermediate_size": 192, "num_attention_heads": 8,
        "num_key_value_heads": 2, "num_hidden_layers": 3}
#: in_features no multiple of 64: blocks of the flat matrix straddle rows.
ODD = {**BASE, "hidden_size": 80, "intermediate_size": 112, "num_attention_heads": 5,
       "num_key_value_heads": 1, "num_hidden_layers": 3, "vocab_size": 101}


def rope(kind, theta=10000.0, **more):
    return dict(rope_type=kind, rope_theta=theta, **more)


def without(shape, *names):
    return {k: v for k, v in shape.items() if k not in names}


def families():
    t = transformers
    llama3 = rope("llama3", 500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                  original_max_position_embeddings=32)
    yield "llama", "plain", t.LlamaConfig(**BASE), None
    yield "llama", "odd-biased", t.LlamaConfig(**ODD, attention_bias=True, mlp_bias=True), None
    yield "llama", "llama3", t.LlamaConfig(**WIDE, rope_parameters=llama3), None
    yield "llama", "linear", t.LlamaConfig(**ODD, rope_parameters=rope("linear", factor=4.0)), None
    yield "llama", "dynamic", t.LlamaConfig(
        **{**BASE, "max_position_embeddings": 32},
        rope_parameters=rope("dynamic", factor=2.0)), None
    yield "llama", "yarn", t.LlamaConfig(**WIDE, rope_parameters=rope(
        "yarn", factor=4.0, original_max_position_embeddings=32)), None
    yield "llama", "yarn-mscale", t.LlamaConfig(**BASE, rope_parameters=rope(
        "yarn", factor=4.0, original_max_position_embeddings=32, beta_fast=16.0, beta_slow=2.0,
        mscale=1.0, mscale_all_dim=0.5)), None
    yield "mistral", "window", t.MistralConfig(**BASE, sliding_window=9), None
    yield "mistral", "head-dim", t.MistralConfig(**ODD, sliding_window=None, head_dim=24), None
    yield "qwen2", "plain", t.Qwen2Config(**BASE), None
    yield "qwen2", "sliding", t.Qwen2Config(**ODD, use_sliding_window=True, sliding_window=11,
                                            max_window_layers=1, tie_word_embeddings=True), None
    yield "qwen3", "plain", t.Qwen3Config(**BASE, head_dim=32), None
    yield "qwen3", "odd", t.Qwen3Config(**ODD, head_dim=16, attention_bias=True), None
    factors = dict(short_factor=[1.0 + 0.1 * i for i in range(8)],
                   long_factor=[2.0 + 0.5 * i for i in range(8)])
    yield "phi3", "plain", t.Phi3Config(**BASE, sliding_window=13), None
    yield "phi3", "longrope", t.Phi3Config(
        **BASE, original_max_position_embeddings=32,
        rope_parameters=rope("longrope", original_max_position_embeddings=32, **factors)), None
    yield "phi3", "partial", t.Phi3Config(
        **ODD, rope_parameters={**rope("default"), "partial_rotary_factor": 0.5}), None
    yield "gemma2", "plain", t.Gemma2Config(**BASE, head_dim=16, sliding_window=8,
                                            query_pre_attn_scalar=24), None
    yield "gemma2", "odd", t.Gemma2Config(**ODD, head_dim=32, sliding_window=16,
                                          attn_logit_softcapping=2.0,
                                          final_logit_softcapping=3.0), None
    yield "gemma3", "plain", t.Gemma3TextConfig(
        **{**BASE, "num_hidden_layers": 4}, head_dim=16, sliding_window=8,
        layer_types=["sliding_attention", "sliding_attention", "full_attention",
                     "sliding_attention"]), None
    yield "gemma3", "linear", t.Gemma3TextConfig(
        **ODD, head_dim=32, sliding_window=12, query_pre_attn_scalar=40,
        layer_types=["sliding_attention", "full_attention", "full_attention"],
        rope_parameters={"full_attention": rope("linear", 1000000.0, factor=8.0),
                         "sliding_attention": rope("default")}), None
    yield "smollm3", "nope", t.SmolLM3Config(**{**BASE, "num_hidden_layers": 4}), None
    yield "smollm3", "odd", t.SmolLM3Config(**ODD, no_rope_layers=[1, 0, 1]), None
    granite = dict(embedding_multiplier=6.0, logits_scaling=3.0, residual_multiplier=0.35,
                   attention_multiplier=0.11)
    yield "granite", "plain", t.GraniteConfig(**BASE, **granite), None
    yield "granite", "tied", t.GraniteConfig(**ODD, **granite, tie_word_embeddings=True), None
    yield "mixtral", "plain", t.MixtralConfig(**BASE, num_local_experts=4,
                                              num_experts_per_tok=2), None
    yield "mixtral", "odd", t.MixtralConfig(**ODD, num_local_experts=5, num_experts_per_tok=1,
                                            sliding_window=10), None
    yield "qwen3_moe", "plain", t.Qwen3MoeConfig(
        **BASE, head_dim=16, num_experts=8, num_experts_per_tok=3, moe_intermediate_size=48,
        norm_topk_prob=True), None
    yield "qwen3_moe", "mixed", t.Qwen3MoeConfig(
        **WIDE, head_dim=16, num_experts=6, num_experts_per_tok=2, moe_intermediate_size=64,
        norm_topk_prob=False, mlp_only_layers=[1]), None


def more_families():
    """Families that came later: their seeds go on from those of the others."""
    t = transformers
    yarn = rope("yarn", factor=4.0, original_max_position_embeddings=32)
    three, four = {**BASE, "num_hidden_layers": 3}, {**BASE, "num_hidden_layers": 4}
    yield "falcon3", "plain", t.LlamaConfig(**BASE, head_dim=32, rope_theta=1000042.0), None
    yield "olmo2", "plain", t.Olmo2Config(**BASE), None
    yield "olmo2", "odd", t.Olmo2Config(**ODD, attention_bias=True), None
    yield "olmo3", "plain", t.Olmo3Config(**four, sliding_window=9), None
    yield "olmo3", "yarn", t.Olmo3Config(
        **ODD, sliding_window=12,
        layer_types=["sliding_attention", "full_attention", "sliding_attention"],
        rope_parameters={"full_attention": yarn, "sliding_attention": rope("default")}), None
    yield "seed_oss", "plain", t.SeedOssConfig(**BASE, head_dim=32), None
    yield "seed_oss", "odd", t.SeedOssConfig(**ODD, head_dim=16, attention_out_bias=True,
                                             mlp_bias=True), None
    yield "exaone4", "sliding", t.Exaone4Config(**four, sliding_window=9), None
    yield "exaone4", "odd", t.Exaone4Config(
        **ODD, sliding_window=None, layer_types=["full_attention"] * 3), None
    yield "hunyuan", "plain", t.HunYuanDenseV1Config(**BASE, head_dim=32), None
    yield "hunyuan", "alpha", t.HunYuanDenseV1Config(
        **ODD, head_dim=16, attention_bias=True,
        rope_parameters=rope("dynamic", alpha=50.0, factor=1.0)), None
    yield "ernie4_5", "plain", t.Ernie4_5Config(**BASE, head_dim=32), None
    yield "ernie4_5", "odd", t.Ernie4_5Config(**ODD, head_dim=16, use_bias=True,
                                              tie_word_embeddings=False), None
    granite = dict(embedding_multiplier=6.0, logits_scaling=3.0, residual_multiplier=0.35,
                   attention_multiplier=0.11, num_local_experts=0, mamba_n_heads=4)
    yield "granite4", "rope", t.GraniteMoeHybridConfig(
        **BASE, **granite, shared_intermediate_size=96, position_embedding_type="rope",
        layer_types=["full_attention"] * 2), None
    yield "granite4", "nope", t.GraniteMoeHybridConfig(
        **ODD, **granite, shared_intermediate_size=112, layer_types=["full_attention"] * 3,
        tie_word_embeddings=True), None
    yield "internlm3", "plain", t.InternLM3Config(**BASE, head_dim=32), None
    yield "internlm3", "odd", t.InternLM3Config(
        **ODD, head_dim=16, attention_bias=True, mlp_bias=True,
        rope_parameters=rope("dynamic", factor=6.0)), None
    yield "glm", "plain", t.GlmConfig(**BASE, head_dim=16, attention_bias=True), None
    yield "glm", "odd", t.GlmConfig(**ODD, head_dim=16, tie_word_embeddings=True), None
    yield "glm4", "plain", t.Glm4Config(**BASE, head_dim=16), None
    yield "glm4", "odd", t.Glm4Config(**ODD, head_dim=32, attention_bias=True), None
    yield "cohere", "plain", t.CohereConfig(**BASE), None
    yield "cohere", "odd", t.CohereConfig(**ODD, attention_bias=True, logit_scale=0.5,
                                          tie_word_embeddings=False), None
    yield "cohere2", "plain", t.Cohere2Config(**four, sliding_window=9), None
    yield "cohere2", "odd", t.Cohere2Config(
        **ODD, sliding_window=12, logit_scale=0.25, attention_bias=True,
        layer_types=["full_attention", "sliding_attention", "sliding_attention"]), None
    yield "stablelm", "plain", t.StableLmConfig(**BASE, partial_rotary_factor=0.5), None
    yield "stablelm", "parallel", t.StableLmConfig(**ODD, use_qkv_bias=True,
                                                   use_parallel_residual=True), None
    yield "starcoder2", "plain", t.Starcoder2Config(**BASE), None
    yield "starcoder2", "odd", t.Starcoder2Config(**ODD, use_bias=False, sliding_window=9,
                                                  tie_word_embeddings=False), None
    yield "nemotron", "plain", t.NemotronConfig(**BASE), None
    yield "nemotron", "odd", t.NemotronConfig(**ODD, attention_bias=True, mlp_bias=True), None
    yield "phi", "plain", t.PhiConfig(**BASE), None
    yield "phi", "odd", t.PhiConfig(**ODD, partial_rotary_factor=1.0), None
    neox = without(three, "num_key_value_heads")
    yield "gpt_neox", "parallel", t.GPTNeoXConfig(**neox), None
    yield "gpt_neox", "serial", t.GPTNeoXConfig(
        **without(ODD, "num_key_value_heads"), use_parallel_residual=False, attention_bias=False,
        hidden_act="gelu_new"), None
    yield "minicpm", "plain", t.GraniteConfig(
        **BASE, embedding_multiplier=12.0, residual_multiplier=1.4 / 2 ** 0.5, logits_scaling=4.0,
        attention_multiplier=0.25, tie_word_embeddings=True), None
    yield "minicpm", "odd", t.GraniteConfig(
        **ODD, embedding_multiplier=2.0, residual_multiplier=0.5, logits_scaling=5.0,
        attention_multiplier=0.25), None


def as_minicpm(folder):
    """MiniCPM's own code is not in transformers; its arithmetic is Granite's."""
    with open(f"{folder}/config.json") as file:
        config = json.load(file)
    layers, hidden = config["num_hidden_layers"], config["hidden_size"]
    config.update(model_type="minicpm", architectures=["MiniCPMForCausalLM"],
                  scale_emb=config.pop("embedding_multiplier"),
                  scale_depth=config.pop("residual_multiplier") * layers ** 0.5,
                  dim_model_base=hidden / config.pop("logits_scaling"))
    del config["attention_multiplier"]
    with open(f"{folder}/config.json", "w") as file:
        json.dump(config, file, indent=2)


def main(folder, only=""):
    everything = itertools.chain(families(), more_families())
    for seed, (family, shape, config, shard) in enumerate(everything):
        name = f"{family}.{shape}"
        if not name.startswith(tuple(only.split(","))):
            continue
        model = tiny.build(config, 100 + seed)
        tiny.save(model, f"{folder}/{name}", shard)
        if family == "minicpm":
            as_minicpm(f"{folder}/{name}")
        tiny.dequantize(model)
        prompts = tiny.prompts(config.vocab_size, [1, 24, 70], seed)
        tiny.write(f"{folder}/{name}", "expected-base", prompts,
                   tiny.log_probabilities(model, prompts))
        # For mixtures PEFT's "all-linear" adapts the routers too, which facet refuses.
        targets = adapters.LINEAR[:4] if family in ("mixtral", "qwen3_moe") else "all-linear"
        linear = LoraConfig(r=3, lora_alpha=6, target_modules=targets, task_type="CAUSAL_LM")
        peft = adapters.record(model, f"{folder}/{name}", "linear", linear, prompts[1:], seed)
        adapters.gradients(peft, f"{folder}/{name}", "linear", prompts[2], first=5)
        print(name, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
