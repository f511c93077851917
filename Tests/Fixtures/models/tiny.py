"""Tiny random models whose numbers matter: weights spread enough that every layer is felt."""

import json
import os

import torch
import transformers
from safetensors.torch import save_file

from nf4 import dequantized

COMMON = dict(vocab_size=96, hidden_size=64, intermediate_size=96, num_hidden_layers=2,
              num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=128,
              bos_token_id=1, eos_token_id=2, pad_token_id=0)


def build(config, seed):
    """A model with random weights, rounded to bf16."""
    torch.manual_seed(seed)
    config._attn_implementation = "eager"
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(0, 0.3)
            elif "norm" in name:
                from_one = config.model_type.startswith(("gemma", "nemotron"))
                parameter.normal_(0.0 if from_one else 1.0, 0.2)
            elif "embed_tokens" in name or "embed_in" in name:
                tied = config.tie_word_embeddings
                parameter.normal_(0, 0.3 if tied else 1.0)
            elif parameter.dim() == 3:
                parameter.normal_(0, 1.2 / parameter.shape[-1] ** 0.5)
            else:
                parameter.normal_(0, 1.2 / parameter.shape[-1] ** 0.5)
            parameter.copy_(parameter.to(torch.bfloat16).float())
    return model.eval()


def save(model, folder, shard_size=None):
    """Saves bf16 weights; the model itself stays fp32."""
    copy = type(model)(model.config).to(torch.bfloat16)
    copy.load_state_dict(model.state_dict())
    copy.save_pretrained(folder, max_shard_size=shard_size or "1GB")


def is_nf4(name, module):
    return isinstance(module, torch.nn.Linear) and not name.endswith(("lm_head", "embed_out"))


def dequantize(model):
    """Every linear layer but the head, and every expert matrix, becomes what NF4 makes of it."""
    with torch.no_grad():
        for name, module in model.named_modules():
            if is_nf4(name, module):
                module.weight.copy_(dequantized(module.weight))
            if hasattr(module, "gate_up_proj") and isinstance(module.gate_up_proj, torch.nn.Parameter):
                inner = module.down_proj.shape[-1]
                for expert in range(module.gate_up_proj.shape[0]):
                    both = module.gate_up_proj[expert]
                    both[:inner].copy_(dequantized(both[:inner].clone()))
                    both[inner:].copy_(dequantized(both[inner:].clone()))
                    module.down_proj[expert].copy_(dequantized(module.down_proj[expert].clone()))
    return model


def prompts(vocabulary, lengths, seed):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(3, vocabulary, (n,), generator=generator).tolist() for n in lengths]


def log_probabilities(model, prompts):
    with torch.no_grad():
        return [torch.log_softmax(model(torch.tensor([p])).logits[0].float(), -1) for p in prompts]


def write(folder, name, prompts, rows, extra=None):
    """expected-NAME.json and .safetensors: prompts, and log probabilities [positions, vocabulary]."""
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/{name}.json", "w") as file:
        json.dump({"prompts": prompts, **(extra or {})}, file)
    save_file({f"{i}": r.contiguous() for i, r in enumerate(rows)}, f"{folder}/{name}.safetensors")
