"""PEFT adapters of every variant that facet promises to load."""

import torch
from peft import LoraConfig

LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
FUSED = ["qkv_proj", "o_proj", "gate_up_proj", "down_proj"]
ATTENTION = LINEAR[:4]


def variants(case):
    """Name, configuration and dtype of the adapters for a checkpoint."""
    fused = case.config.model_type == "phi3"
    linear = FUSED if fused else ATTENTION if case.is_mixture else LINEAR
    first, last = linear[0], linear[-1]

    def lora(**fields):
        return LoraConfig(**{"task_type": "CAUSAL_LM", "r": 4, "lora_alpha": 8,
                             "target_modules": linear, **fields})

    f32, f16, bf16 = torch.float32, torch.float16, torch.bfloat16
    yield "linear", lora(), f32
    yield "rslora-fp16", lora(r=7, use_rslora=True), f16
    yield "dora", lora(use_dora=True), f32
    yield "dora-bf16", lora(use_dora=True, r=1, target_modules=[first, last]), bf16
    yield "patterns", lora(rank_pattern={f"layers.1.self_attn.{first}": 2, last: 6, "o_proj": 3},
                           alpha_pattern={"o_proj": 5, rf"^model\.layers\.0\..*\.{last}$": 12}), f32
    yield "upper", lora(target_modules=[first, "o_proj"], layers_to_transform=[1],
                        lora_bias=True), f32
    yield "regex", lora(target_modules=r".*layers\.[02]\..*(o_proj|%s)" % last), f32
    yield "excluded", lora(exclude_modules=["o_proj"]), bf16
    yield "vocabulary", lora(target_modules=["embed_tokens", "lm_head", first]), f32
    yield "head", lora(target_modules=["lm_head"], use_dora=True), f32
    yield "embedding", lora(target_modules=["embed_tokens"], use_rslora=True), f16
    yield "bias-only", lora(bias="lora_only"), f32
    yield "bias-all", lora(bias="all", target_modules=[first]), f32
    if case.is_mixture:
        yield "experts", lora(target_modules=ATTENTION, target_parameters=[
            "mlp.experts.gate_up_proj", "mlp.experts.down_proj"]), f32
        # "all-linear" would adapt the routers too, which facet refuses.
    else:
        yield "all-linear", lora(target_modules="all-linear", r=2), f32
