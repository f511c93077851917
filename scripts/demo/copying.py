"""Starts a few attention heads as copying heads, so that a small model need not find them by chance.

Layer 0 gets a head that looks at the token before; layers 1 and 2 get heads that look for places where the token before
was the present one, and write down what stood there ("induction heads", arXiv:2209.11895; structured starts:
arXiv:2305.09828). Training keeps, sharpens or drops them like any other weight.
"""

import torch


def rows(head, width):
    return slice(head * width, (head + 1) * width)


@torch.no_grad()
def plant(model, seed=1, gap=6.0, code=0.6, match=6.0, write=0.5):
    """`gap`: nats between the token before and its neighbours; `code`, `write`: size of what is written, relative to an
    embedding; `match`: nats for a match."""
    generator = torch.Generator().manual_seed(seed)
    config = model.config
    width, hidden = config.head_dim, config.hidden_size
    group = config.num_attention_heads // config.num_key_value_heads
    embedding = model.model.embed_tokens.weight
    # Large enough that a token is still to be seen under what the layers write; the last norm makes up for it.
    embedding *= 16
    model.model.norm.weight *= 0.2
    size = embedding.norm(dim=1).mean()
    _, _, axes = torch.linalg.svd(embedding - embedding.mean(0), full_matrices=True)
    constant, spare = axes[-1], axes[-1 - width:-1]
    content = axes[: hidden - 1 - width]

    # The same vector in every embedding adds a constant to all logits: it changes no probability, and gives heads a bias.
    shift = 0.7 * size
    embedding += torch.outer(shift - embedding @ constant, constant)
    total = (size**2 + shift**2).sqrt()
    bias = hidden**0.5 * shift / total

    # What the other heads and the feed-forward layers write at random must not drown it.
    for block in model.model.layers:
        block.self_attn.o_proj.weight *= 0.1
        block.mlp.down_proj.weight *= 0.1

    def basis(count):
        mixed = torch.randn(content.shape[0], content.shape[0], generator=generator)
        return (torch.linalg.qr(mixed)[0] @ content)[:count]

    reader = basis(width)
    theta = config.rope_parameters["rope_theta"] ** (-torch.arange(width // 2) / (width // 2))

    def layer(index):
        block = model.model.layers[index]
        return block.self_attn, block.input_layernorm.weight

    # The slow pairs say nothing of a distance of one.
    theta = theta[:4]
    attention, scale = layer(0)
    strength = (gap * width**0.5 / (1 - theta.cos()).sum()).sqrt() / bias
    query, key = torch.zeros(width), torch.zeros(width)
    query[:4], key[:4], key[width // 2 : width // 2 + 4] = strength, strength * theta.cos(), strength * theta.sin()
    attention.k_proj.weight[rows(0, width)] = torch.outer(key, constant / scale)
    attention.v_proj.weight[rows(0, width)] = reader / scale
    for head in range(group):
        attention.q_proj.weight[rows(head, width)] = torch.outer(query, constant / scale)
        attention.o_proj.weight[:, rows(head, width)] = 0
    seen = hidden**0.5 * size / total * (width / hidden) ** 0.5
    attention.o_proj.weight[:, rows(0, width)] = code * size / seen * spare.T

    # Only the slow half of the rotary pairs: the others turn a match away within a few tokens.
    slow = torch.cat([torch.arange(width // 4, width // 2), torch.arange(width // 4 + width // 2, width)])
    for index in (1, 2):
        attention, scale = layer(index)
        for kv in range(2):
            half = slice(kv * width // 2, (kv + 1) * width // 2)
            wide = hidden**0.5 / (1 + 0.49 + code**2) ** 0.5
            expected = wide * (0.5 * width / hidden) ** 0.5 * wide * code * 0.5**0.5
            strength = (match * width**0.5 / expected) ** 0.5
            find, have = torch.zeros(width, hidden), torch.zeros(width, hidden)
            find[slow], have[slow] = strength * reader[half], strength * spare[half]
            copied = basis(width)
            attention.k_proj.weight[rows(kv, width)] = have / scale
            attention.v_proj.weight[rows(kv, width)] = copied / scale
            for head in range(kv * group, (kv + 1) * group):
                attention.q_proj.weight[rows(head, width)] = find / scale
                attention.o_proj.weight[:, rows(head, width)] = write * size / wide / group * copied.T * (hidden / width) ** 0.5
