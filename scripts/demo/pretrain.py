"""Pretrains the demo base from scratch on text of the generators; resumes from its own checkpoint.

The last third trains with the linear weights rounded to NF4 in the forward pass (straight-through), so that
what is shipped in 4 bits is what was trained.
"""

import argparse
import math
import os
import random
import time

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from transformers import LlamaConfig, LlamaForCausalLM

import copying
import prose
import recall
import talk

NF4 = torch.tensor([
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
    -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
    0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
])
MIDPOINTS = (NF4[1:] + NF4[:-1]) / 2


class RoundToNF4(torch.nn.Module):
    """W -> the nearest NF4 weight in blocks of 64; the gradient passes as if nothing had happened."""

    def forward(self, weight):
        blocks = weight.detach().reshape(-1, 64)
        scale = blocks.abs().amax(1, keepdim=True).clamp_min(1e-12)
        rounded = NF4[torch.bucketize(blocks / scale, MIDPOINTS)] * scale
        return weight + (rounded.reshape(weight.shape) - weight.detach())


def segments(rng):
    """One text in parts, each with the weight of its loss.

    What can be known from the text before counts most; what a generator drew at random teaches little and is mostly noise.
    """
    kind = rng.random()
    if kind < 0.25:
        return [(prose.document(rng), 0.3)]
    if kind < 0.4:
        new, known = rng.choice([recall.again, recall.table])(rng)
        return [(new, 0.02), (known, 0.5)]
    parts = []
    for role, content in talk.conversation(rng):
        weight = 1.0 if role == "assistant" else 0.05
        parts += [(f"<|im_start|>{role}\n", 0.05), (f"{content}<|im_end|>", weight), ("\n", 0.05)]
    return parts


def stream(tokenizer, seed):
    """Endless token ids with their weights: texts and conversations, in a fixed order for each seed."""
    rng = random.Random(seed)
    end = tokenizer.token_to_id("<|endoftext|>")
    while True:
        for text, weight in segments(rng):
            for token in tokenizer.encode(text, add_special_tokens=False).ids:
                yield token, weight
        yield end, 0.3


def batches(tokenizer, seed, rows, length):
    """Token ids and weights, each [rows, length + 1]."""
    tokens = stream(tokenizer, seed)
    while True:
        drawn = [[next(tokens) for _ in range(length + 1)] for _ in range(rows)]
        yield tuple(torch.tensor([[pair[part] for pair in row] for row in drawn]) for part in (0, 1))


def learning_rate(step, total, peak):
    if step < 50:
        return peak * (step + 1) / 50
    progress = (step - 50) / max(1, total - 50)
    return peak * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * progress)))


def groups(model, decay):
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() <= 1]
    return [{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="with tokenizer.json; the checkpoint goes there too")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=16)
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--minutes", type=float, default=1e9, help="stop and save after this long; run again to go on")
    arguments = parser.parse_args()

    torch.manual_seed(arguments.seed)
    tokenizer = Tokenizer.from_file(f"{arguments.folder}/tokenizer.json")
    end = tokenizer.token_to_id("<|im_end|>")
    config = LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=256, intermediate_size=768, num_hidden_layers=6,
        num_attention_heads=8, num_key_value_heads=4, head_dim=32, max_position_embeddings=1024, rope_theta=10000.0,
        tie_word_embeddings=True, bos_token_id=None, eos_token_id=end, pad_token_id=0,
    )
    model = LlamaForCausalLM(config)
    copying.plant(model, match=10, code=1.0, write=1.0)
    optimizer = torch.optim.AdamW(groups(model, 0.1), lr=arguments.rate, betas=(0.9, 0.95))
    state_file, step = f"{arguments.folder}/pretrain.pt", 0
    if os.path.exists(state_file):
        state = torch.load(state_file, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        step = state["step"]
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, from step {step}", flush=True)

    def save():
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}, state_file + ".new")
        os.replace(state_file + ".new", state_file)

    linear = [m for n, m in model.named_modules() if isinstance(m, torch.nn.Linear) and "lm_head" not in n]
    start, shown, quantized = time.time(), time.time(), False
    # A new seed after each resume: no text is seen twice.
    data = batches(tokenizer, arguments.seed * 1_000_003 + step, arguments.rows, arguments.length)
    while step < arguments.steps and time.time() - start < arguments.minutes * 60:
        if not quantized and step >= arguments.steps * 2 // 3:
            save()
            for module in linear:
                torch.nn.utils.parametrize.register_parametrization(module, "weight", RoundToNF4())
            quantized = True
        batch, weights = next(data)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, arguments.steps, arguments.rate)
        logits = model(batch[:, :-1]).logits
        losses = F.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten(), reduction="none")
        loss = (losses * weights[:, 1:].flatten()).sum() / weights[:, 1:].sum()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        if step % 20 == 0:
            rate = 20 * batch[:, 1:].numel() / (time.time() - shown)
            shown = time.time()
            print(f"step {step}/{arguments.steps} loss {loss.item():.4f} {rate:.0f} tokens/s", flush=True)
        if step % 100 == 0 and not quantized:
            save()

    if quantized:
        for module in linear:
            module.parametrizations["weight"][0].forward = lambda weight: weight
            torch.nn.utils.parametrize.remove_parametrizations(module, "weight")
    save()
    model.to(torch.bfloat16).save_pretrained(arguments.folder)
    print(f"saved after step {step}")


if __name__ == "__main__":
    main()
