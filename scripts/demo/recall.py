"""Lists said again and tables looked up: nearly every word is a copy, which is how a small model learns to read."""

import words
from world import *


def item(rng):
    return rng.choice([
        lambda: rng.choice(COLOURS), lambda: rng.choice(list(KINDS)), lambda: rng.choice(CITIES), lambda: rng.choice(FIRST),
        lambda: rng.choice(LAST), lambda: rng.choice(PRODUCTS).name, lambda: rng.choice(DAYS), lambda: str(rng.randint(0, 99)),
        lambda: words.noun(rng), lambda: words.noun(rng), lambda: rng.choice(words.ADJECTIVES), lambda: rng.choice(words.TRADES),
    ])()


def again(rng):
    """A list, and the same list again once or twice: what is new, and what can be copied."""
    items = [item(rng) for _ in range(rng.randint(4, 20))]
    text = rng.choice([" ", " ", " ", ", "]).join(items)
    end = rng.choice([". ", " / ", "\n"])
    return text + end, end.join([text] * rng.choice([1, 2]))


def table(rng):
    """Names and what belongs to them, then each looked up in another order: what is new, and what can be copied."""
    names = list({item(rng): None for _ in range(rng.randint(3, 10))})
    values = {name: item(rng) for name in names}
    between = rng.choice([" ", " ", ": ", " is "])
    pairs = [f"{name}{between}{values[name]}" for name in names]
    shuffled = rng.sample(pairs, len(pairs))
    return ", ".join(pairs) + ". ", ", ".join(shuffled) + "."
