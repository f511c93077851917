"""Tiny checkpoints of every family as strangers bring them: odd shapes, configurations as
transformers 4 and 5 write them, other dtypes, shards, several end tokens."""

import json
import os
from dataclasses import dataclass, field

import torch
import transformers as t
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

import tiny

BASE = dict(vocab_size=97, hidden_size=64, intermediate_size=96, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=160,
            bos_token_id=1, eos_token_id=2, pad_token_id=0)
#: Rows of 72, 24 and 104: blocks of the flat matrix straddle them.
ODD = {**BASE, "vocab_size": 103, "hidden_size": 72, "intermediate_size": 104,
       "num_attention_heads": 6, "num_key_value_heads": 3, "num_hidden_layers": 3}
MQA = {**BASE, "num_key_value_heads": 1, "num_attention_heads": 8}
FOUR = {**BASE, "num_hidden_layers": 4}


@dataclass
class Case:
    name: str
    config: object
    #: Which transformers wrote config.json.
    version: int = 5
    dtype: torch.dtype = torch.bfloat16
    shards: str = "1GB"
    ends: object = 2
    #: Changes of config.json, None to remove a field.
    changes: dict = field(default_factory=dict)
    is_mixture: bool = False


def rope(kind, theta=10000.0, **more):
    return dict(rope_type=kind, rope_theta=theta, **more)


LLAMA3 = rope("llama3", 500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=32)
YARN = rope("yarn", factor=4.0, original_max_position_embeddings=40)


def llamas():
    f16, f32 = torch.float16, torch.float32
    yield Case("llama.v4", t.LlamaConfig(**BASE), version=4, dtype=f16, ends=[2, 5, 9])
    yield Case("llama.mqa-biased", t.LlamaConfig(**MQA, attention_bias=True, mlp_bias=True),
               dtype=f32, shards="40KB")
    yield Case("llama.tied-head-dim", t.LlamaConfig(**ODD, head_dim=20, tie_word_embeddings=True),
               shards="20KB")
    yield Case("llama.linear-v4", t.LlamaConfig(**ODD, rope_parameters=rope("linear", factor=4.0)),
               version=4)
    yield Case("llama.linear-old", t.LlamaConfig(**BASE, rope_parameters=rope("linear", factor=2.5)),
               version=3)
    yield Case("llama.dynamic", t.LlamaConfig(**BASE, rope_parameters=rope("dynamic", factor=2.0)),
               version=4)
    yield Case("llama.yarn", t.LlamaConfig(**ODD, rope_parameters=YARN), dtype=f32)
    yield Case("llama.yarn-v4", t.LlamaConfig(**BASE, rope_parameters={
        **YARN, "attention_factor": 0.8, "beta_fast": 20.0}), version=4, dtype=f16)
    yield Case("llama.llama3", t.LlamaConfig(**ODD, rope_parameters=LLAMA3), ends=[2, 3])
    yield Case("llama.llama3-v4", t.LlamaConfig(**MQA, rope_parameters=LLAMA3,
                                                tie_word_embeddings=True), version=4)
    yield Case("llama.yi", t.LlamaConfig(**ODD, rope_parameters=rope("default", 5000000.0)),
               version=4, changes={"pretraining_tp": 1, "rope_scaling": None})
    yield Case("llama.gelu", t.LlamaConfig(**BASE, hidden_act="gelu"), dtype=f32)
    yield Case("mistral.window-v4", t.MistralConfig(**ODD, sliding_window=17), version=4)
    yield Case("mistral.head-dim", t.MistralConfig(**BASE, sliding_window=None, head_dim=40),
               dtype=f32, shards="30KB")


def qwens():
    f16 = torch.float16
    yield Case("qwen2.v4", t.Qwen2Config(**ODD, tie_word_embeddings=True), version=4, dtype=f16)
    yield Case("qwen2.sliding-v4", t.Qwen2Config(
        **FOUR, use_sliding_window=True, sliding_window=21, max_window_layers=2), version=4)
    yield Case("qwen2.yarn", t.Qwen2Config(**BASE, rope_parameters=YARN), shards="50KB")
    yield Case("qwen3.v4", t.Qwen3Config(**ODD, head_dim=20), version=4)
    yield Case("qwen3.tied", t.Qwen3Config(**MQA, head_dim=24, tie_word_embeddings=True),
               dtype=torch.float32, ends=[2, 4])
    yield Case("qwen3.sliding", t.Qwen3Config(**FOUR, head_dim=16, use_sliding_window=True,
                                              sliding_window=14, max_window_layers=1))


def phis():
    factors = dict(short_factor=[1.0 + 0.1 * i for i in range(6)],
                   long_factor=[2.0 + 0.5 * i for i in range(6)])
    longrope = rope("longrope", original_max_position_embeddings=160, **factors)
    yield Case("phi3.v4", t.Phi3Config(**BASE, sliding_window=25), version=4)
    yield Case("phi3.longrope-v4", t.Phi3Config(
        **ODD, original_max_position_embeddings=160, rope_parameters=longrope), version=4,
        changes={"max_position_embeddings": 640})
    yield Case("phi3.longrope-old", t.Phi3Config(
        **{**ODD, "max_position_embeddings": 320}, original_max_position_embeddings=160,
        rope_parameters=longrope), version=3, dtype=torch.float16)
    yield Case("phi3.partial-tied", t.Phi3Config(
        **{**BASE, "tie_word_embeddings": True},
        rope_parameters={**rope("default"), "partial_rotary_factor": 0.75}), shards="30KB")
    yield Case("phi3.partial-v4", t.Phi3Config(
        **BASE, rope_parameters={**rope("default"), "partial_rotary_factor": 0.5}), version=4)


def gemmas():
    f16, f32 = torch.float16, torch.float32
    yield Case("gemma2.v4", t.Gemma2Config(**FOUR, head_dim=24, sliding_window=18,
                                           query_pre_attn_scalar=30), version=4)
    yield Case("gemma2.mqa", t.Gemma2Config(**MQA, head_dim=16, sliding_window=200,
                                            attn_logit_softcapping=None,
                                            final_logit_softcapping=4.0), dtype=f32)
    yield Case("gemma3.v4", t.Gemma3TextConfig(
        **{**ODD, "num_hidden_layers": 7}, head_dim=20, sliding_window=15,
        query_pre_attn_scalar=24), version=4)
    scaled = {"full_attention": rope("linear", 1000000.0, factor=8.0),
              "sliding_attention": rope("default", 20000.0)}
    kinds = ["sliding_attention", "full_attention", "sliding_attention", "full_attention"]
    yield Case("gemma3.scaled", t.Gemma3TextConfig(
        **FOUR, head_dim=32, sliding_window=33, layer_types=kinds, rope_parameters=scaled),
        dtype=f16, ends=[2, 7])
    yield Case("gemma3.scaled-v4", t.Gemma3TextConfig(
        **{**FOUR, "num_hidden_layers": 6}, head_dim=32, sliding_window=33,
        rope_parameters=scaled), version=4)


def others():
    multipliers = dict(embedding_multiplier=7.0, logits_scaling=2.5, residual_multiplier=0.3,
                       attention_multiplier=0.09)
    yield Case("smollm3.v4", t.SmolLM3Config(**{**FOUR, "num_hidden_layers": 5}), version=4)
    yield Case("smollm3.sliding", t.SmolLM3Config(
        **{**ODD, "num_hidden_layers": 4, "tie_word_embeddings": False},
        no_rope_layers=[1, 0, 1, 0], use_sliding_window=True, sliding_window=19))
    yield Case("granite.v4", t.GraniteConfig(**ODD, **multipliers, attention_bias=True,
                                             mlp_bias=True), version=4)
    yield Case("granite.tied", t.GraniteConfig(**MQA, **multipliers, tie_word_embeddings=True),
               dtype=torch.float16, shards="30KB")
    yield Case("mixtral.v4", t.MixtralConfig(**ODD, num_local_experts=5, num_experts_per_tok=2,
                                             sliding_window=23), version=4, is_mixture=True)
    yield Case("mixtral.shards", t.MixtralConfig(**MQA, num_local_experts=3, head_dim=24,
                                                 num_experts_per_tok=1), shards="40KB",
               dtype=torch.float32, is_mixture=True)
    yield Case("qwen3_moe.v4", t.Qwen3MoeConfig(
        **ODD, head_dim=24, num_experts=6, num_experts_per_tok=3, moe_intermediate_size=40,
        norm_topk_prob=True, attention_bias=True), version=4, is_mixture=True)
    yield Case("qwen3_moe.sparse-steps", t.Qwen3MoeConfig(
        **{**FOUR, "tie_word_embeddings": True}, head_dim=16, num_experts=4, num_experts_per_tok=2,
        moe_intermediate_size=48, decoder_sparse_step=2, use_sliding_window=True,
        sliding_window=22), dtype=torch.float16, is_mixture=True)


def cases():
    for group in (llamas, qwens, phis, gemmas, others):
        yield from group()


def older(config, version):
    """config.json as transformers 4 writes it; 3 stands for the early 4s, with `type`."""
    parameters = config.pop("rope_parameters")
    config["torch_dtype"] = config.pop("dtype")
    kind = "type" if version == 3 else "rope_type"
    if "full_attention" in parameters:
        config["rope_local_base_freq"] = parameters["sliding_attention"]["rope_theta"]
        parameters = parameters["full_attention"]
        config["sliding_window_pattern"] = 6
    if config["model_type"] in ("gemma2", "gemma3_text", "qwen2", "qwen3"):
        config.pop("layer_types", None)
    parameters = dict(parameters)
    config["rope_theta"] = parameters.pop("rope_theta")
    if "partial_rotary_factor" in parameters:
        config["partial_rotary_factor"] = parameters.pop("partial_rotary_factor")
    name = parameters.pop("rope_type")
    if name == "longrope":
        config["original_max_position_embeddings"] = parameters.pop(
            "original_max_position_embeddings")
    config["rope_scaling"] = None if name == "default" else {kind: name, **parameters}
    return config


def tokenizer(folder, size):
    """One word per id, so that texts tell ids."""
    words = Tokenizer(models.WordLevel({f"w{i}": i for i in range(size)}, unk_token="w0"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    words.save(f"{folder}/tokenizer.json")
    with open(f"{folder}/tokenizer_config.json", "w") as file:
        json.dump({"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "w2"}, file)


def make(case, folder, seed):
    """Writes the checkpoint; its weights are random and of the case's dtype."""
    model = tiny.build(case.config, seed).to(case.dtype)
    model.config.dtype = case.dtype
    model.generation_config.eos_token_id = case.ends
    model.save_pretrained(folder, max_shard_size=case.shards)
    path = f"{folder}/config.json"
    with open(path) as file:
        config = json.load(file)
    if case.version < 5:
        config = older(config, case.version)
    for name, value in case.changes.items():
        config.pop(name, None)
        if value is not None:
            config[name] = value
    with open(path, "w") as file:
        json.dump(config, file, indent=2)
    tokenizer(folder, case.config.vocab_size)
    assert (case.shards == "1GB") == os.path.exists(f"{folder}/model.safetensors"), folder
