"""The order of examples in an epoch, as Sources/Trainer/Data/Order has it."""

MASK = (1 << 64) - 1
GAMMA = 0x9E3779B97F4A7C15


def mixed(value):
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)


def permutation(count, epoch, seed):
    """EpochPlan.swift by CounterRandom, purpose 1."""
    key = mixed((seed + GAMMA) & MASK)
    key = mixed(key ^ (1 * GAMMA & MASK))
    key = mixed(((key + GAMMA) & MASK) ^ epoch)
    order = list(range(count))
    for place in range(count - 1, 0, -1):
        number = mixed((key + (place + 1) * GAMMA) & MASK)
        other = (number * (place + 1)) >> 64
        order[place], order[other] = order[other], order[place]
    return order
