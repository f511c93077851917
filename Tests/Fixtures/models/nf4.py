"""NF4 by the formula: codebook x absmax in fp32. No kernels of bitsandbytes, whose CPU
dequantization is wrong for some shapes and rounds on the way."""

import json
import struct

import torch

CODEBOOK = torch.tensor(
    [struct.unpack(">f", bytes.fromhex(h))[0] for h in (
        "bf800000 bf3239b1 bf066b30 beca32a0 be91a24d be3d353f bdba7871 00000000 "
        "3da2faff 3e24cae3 3e7c04dd 3ead033a 3ee1a4b8 3f1007ab 3f3913b3 3f800000").split()],
    dtype=torch.float32)
BOUNDARIES = (CODEBOOK[:-1] + CODEBOOK[1:]) / 2


def quantize(weight, block=64):
    """Codes and absmax of a tensor, blocks of consecutive elements in row-major order."""
    flat = weight.detach().float().reshape(-1)
    padded = torch.nn.functional.pad(flat, (0, -len(flat) % block)).reshape(-1, block)
    absmax = padded.abs().amax(dim=1)
    scaled = padded * (1.0 / absmax.clamp(min=1e-38))[:, None]
    tail = len(flat) % block
    if tail:  # the CPU rule divides in a last partial block
        scaled[-1] = padded[-1] / absmax[-1].clamp(min=1e-38)
    codes = torch.bucketize(scaled.clamp(-1, 1), BOUNDARIES, right=False)
    return codes, absmax


def dequantized(weight):
    """The tensor as it is after quantization, in fp32."""
    codes, absmax = quantize(weight)
    flat = (CODEBOOK[codes] * absmax[:, None]).reshape(-1)[: weight.numel()]
    return flat.reshape(weight.shape)


def stored(tensors, name, shape):
    """A matrix that bitsandbytes stored under `name`, by the formula in fp32."""
    packed = tensors[name].reshape(-1)
    codes = torch.stack([packed >> 4, packed & 15], dim=1).reshape(-1).long()
    state = json.loads(bytes(tensors[f"{name}.quant_state.bitsandbytes__nf4"].tolist()))
    absmax = tensors[f"{name}.absmax"]
    if absmax.dtype == torch.uint8:
        scales = tensors[f"{name}.nested_absmax"].repeat_interleave(state["nested_blocksize"])
        map8 = tensors[f"{name}.nested_quant_map"]
        absmax = map8[absmax.long()] * scales[: len(absmax)] + torch.tensor(
            state["nested_offset"], dtype=torch.float32)
    count = shape.numel()
    values = CODEBOOK[codes[:count]]
    return (values * absmax.repeat_interleave(state["blocksize"])[:count]).reshape(shape)
