"""Which modules PEFT adapts, and by which rank and alpha, for configurations as tools write them."""

import json
import os

from peft import LoraConfig
from peft.tuners.tuners_utils import _ExcludedModule, check_target_module_exists
from peft.utils.other import get_pattern_key

LINEAR = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"] + [
    "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"]
PATHS = [f"model.layers.{l}.{m}" for l in range(2) for m in LINEAR] + ["lm_head", "model.embed_tokens"]

# Where a multimodal whole, as transformers 4 or 5 builds it, has a module of its language model.
WHOLES = {
    "": lambda path: path,
    "language_model.": lambda path: "language_model." + path,
    "model.language_model.": lambda path: path if path == "lm_head" else path.replace("model.", "model.language_model.", 1),
}

CONFIGS = [
    {"target_modules": ["q_proj", "v_proj"]},
    {"target_modules": ["q_proj", "W_pack", "qkv_proj"]},
    {"target_modules": ["proj", "down_proj"]},
    {"target_modules": ["layers.1.self_attn.q_proj", "lm_head"]},
    {"target_modules": ["self_attn.q_proj"], "layers_to_transform": 1},
    {"target_modules": ["q_proj", "lm_head"], "layers_to_transform": [0]},
    {"target_modules": ["q_proj", "embed_tokens"], "layers_to_transform": [1], "layers_pattern": "layers"},
    {"target_modules": ["q_proj"], "layers_to_transform": [1], "layers_pattern": ["h", "(layers|blocks)"]},
    {"target_modules": ["q_proj"], "layers_to_transform": [1], "layers_pattern": ["h"]},
    {"target_modules": r".*\.(q|k)_proj"},
    {"target_modules": r".*language_model.*\.q_proj"},
    {"target_modules": r"(?:.*?(?:language|text|model).*?(?:self_attn|attention).*?(?:q_proj|o_proj).*?)"},
    {"target_modules": r"^(?!.*(?:visual|lm_head)).*(?:down_proj).*"},
    {"target_modules": r"model\.layers\.\d+\.mlp\..*"},
    {"target_modules": ["q_proj", "v_proj"], "exclude_modules": ["layers.0.self_attn.q_proj"]},
    {"target_modules": ["q_proj", "v_proj"], "exclude_modules": r".*\.0\..*v_proj"},
    {"target_modules": ["q_proj", "embed_tokens", "lm_head"], "modules_to_save": ["lm_head"]},
    {"target_modules": ["q_proj", "v_proj"], "rank_pattern": {"q_proj": 3}, "alpha_pattern": {"layers.1.self_attn.v_proj": 5}},
    {"target_modules": ["q_proj", "v_proj"], "rank_pattern": {"self_attn.q_proj": 3, "q_proj": 4, "v_proj": 5}},
    {"target_modules": ["q_proj", "v_proj"], "rank_pattern": {r".*\.1\..*": 6, "q_proj": 4}},
    {"target_modules": ["q_proj", "v_proj"], "alpha_pattern": {r"^model\.layers\.0\..*": 7, r"layers\.\d+\.self_attn\.v_proj": 2}},
    {"target_modules": ["q_proj"], "alpha_pattern": {"q": 9, "_proj": 9, "self_attn.q.proj": 9}},
    {"target_modules": ["q_proj"], "alpha_pattern": {"model.language_model.layers.0.self_attn.q_proj": 9}},
    {"target_modules": ["q_proj"], "rank_pattern": {"language_model.model.layers.1.self_attn.q_proj": 9}},
    {"target_modules": ["language_model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.q_proj"]},
]


def record(config, whole):
    full = LoraConfig(r=8, lora_alpha=16, task_type="CAUSAL_LM", **config)
    modules = {}
    for path in PATHS:
        key = WHOLES[whole](path)
        found = check_target_module_exists(full, key)
        if found and not isinstance(found, _ExcludedModule):
            rank = full.rank_pattern.get(get_pattern_key(full.rank_pattern.keys(), key), 8)
            alpha = full.alpha_pattern.get(get_pattern_key(full.alpha_pattern.keys(), key), 16)
            modules[path] = [rank, alpha]
    return {"config": {"peft_type": "LORA", "r": 8, "lora_alpha": 16, **config}, "whole": whole, "modules": modules}


if __name__ == "__main__":
    records = [record(config, whole) for config in CONFIGS for whole in WHOLES]
    with open(os.path.join(os.path.dirname(__file__), "targets.json"), "w") as file:
        file.write("[\n" + ",\n".join(json.dumps(r) for r in records) + "\n]\n")
