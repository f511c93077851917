"""PEFT adapters over a tiny model: their files, their log probabilities, their gradients."""

import copy
import os

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file

from tiny import log_probabilities, write

LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def attach(model, config, seed):
    torch.manual_seed(seed)
    peft = get_peft_model(copy.deepcopy(model), config)
    with torch.no_grad():
        for name, parameter in peft.named_parameters():
            if "lora_B" in name or "lora_embedding_A" in name:
                parameter.normal_(0, 0.1)
            elif "lora_embedding_B" in name:
                parameter.normal_(0, 0.2)
            elif "magnitude" in name:
                parameter.mul_(1 + 0.3 * torch.rand_like(parameter))
            elif parameter.requires_grad and name.endswith("bias"):
                parameter.add_(0.2 * torch.randn_like(parameter))
    return peft.eval()


def save(peft, folder):
    peft.save_pretrained(folder)
    for name in ["README.md"]:
        if os.path.exists(f"{folder}/{name}"):
            os.remove(f"{folder}/{name}")


def record(base, folder, name, config, prompts, seed):
    peft = attach(base, config, seed)
    save(peft, f"{folder}/adapters/{name}")
    write(folder, f"expected-{name}", prompts, log_probabilities(peft, prompts))
    return peft


def gradients(peft, folder, name, prompt, first):
    """d mean(-log p) / d parameters, for the tokens of a prompt from `first` on."""
    ids = torch.tensor([prompt])
    logits = peft(ids).logits[0].float()
    loss = torch.nn.functional.cross_entropy(logits[first - 1:-1], ids[0, first:])
    loss.backward()
    tensors = {"loss": loss.detach().reshape(1)}
    for parameter_name, parameter in peft.named_parameters():
        if parameter.grad is not None and "lora_" in parameter_name:
            tensors[parameter_name.replace(".default", "")] = parameter.grad.contiguous()
    save_file(tensors, f"{folder}/gradients-{name}.safetensors")


def standard():
    """Adapters every loader should know, by name."""
    common = dict(task_type="CAUSAL_LM", lora_dropout=0.0)
    return {
        "attention": LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], **common),
        "everything": LoraConfig(r=4, lora_alpha=8, target_modules=LINEAR, use_rslora=True, **common),
        "patterns": LoraConfig(
            r=4, lora_alpha=8, target_modules=["q_proj", "o_proj", "down_proj"],
            rank_pattern={"layers.1.self_attn.q_proj": 2, "down_proj": 6, "q_proj": 3},
            alpha_pattern={"o_proj": 5, r"^model\.layers\.0\.mlp\.down_proj$": 12}, **common),
        "dora": LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj", "up_proj"],
                           use_dora=True, **common),
        "upper": LoraConfig(r=4, lora_alpha=4, target_modules=["k_proj", "gate_proj"],
                            layers_to_transform=[1], lora_bias=True, **common),
        "vocabulary": LoraConfig(r=4, lora_alpha=8,
                                 target_modules=["embed_tokens", "lm_head", "v_proj"], **common),
    }
