#!/usr/bin/env python3
"""Writes what the `tokenizers` library makes of random texts with random tokenizers, in the form of
reference.json: `fuzz.py FILE [SEED [COUNT]]`. Then

    FACET_TOKENIZER_REFERENCE=FILE swift test --filter ReferenceTests
"""
import copy
import importlib.util
import json
import pathlib
import random
import sys

from tokenizers import Tokenizer

path = pathlib.Path(__file__).with_name("make-reference.py")
spec = importlib.util.spec_from_file_location("reference", path)
reference = importlib.util.module_from_spec(spec)
spec.loader.exec_module(reference)

RANGES = [(0x20, 0x7E), (0x20, 0x7E), (0x20, 0x7E), (0, 0x20), (0x80, 0x17F), (0x300, 0x36F),
          (0x370, 0x52F), (0x590, 0x6FF), (0x900, 0x97F), (0xE00, 0xE7F), (0x1100, 0x11FF),
          (0x1E00, 0x1FFF), (0x2000, 0x206F), (0x2070, 0x218F), (0x2460, 0x24FF), (0x3000, 0x30FF),
          (0x3300, 0x33FF), (0x4E00, 0x4E30), (0xAC00, 0xAC30), (0xFB00, 0xFB4F), (0xFE00, 0xFE0F),
          (0xFF00, 0xFFEF), (0x1F1E6, 0x1F1FF), (0x1F3FB, 0x1F64F), (0x1D400, 0x1D420),
          (0x10400, 0x10420), (0xE000, 0xE005), (0x378, 0x379), (0x1FA70, 0x1FAFF), (0x1E900, 0x1E95F)]
CONTENTS = ["<s>", "</s>", "[MASK]", "<a>", "<a>b", "a", "ab", " ", "  ", "é", "E\u0301", "É", "ﬁ",
            "<|im_start|>", "▁", "▁a", "to", "token", "Token", "x y", "\n", "12", "한", "\u0301", ".",
            "don't", "Ａ", "\t\t", "the ", " the", "😀", "👨\u200d👩", "ǅ", "ß", "İ"]


def scalar(random):
    return chr(random.randint(*random.choice(RANGES)))


def text(random):
    parts = []
    for _ in range(random.randrange(1, 9)):
        kind = random.randrange(8)
        if kind < 2:
            whole = random.choice(reference.TEXTS)
            begin = random.randrange(len(whole) + 1)
            parts.append(whole[begin:begin + random.randrange(12)])
        elif kind < 4:
            parts.append(random.choice(CONTENTS))
        elif kind == 4:
            parts.append(random.choice(["a", "▁", " ", "\n", "é", "1", "'", "\u0301"]) * random.randrange(1, 7))
        elif kind == 5:
            parts.append(random.choice(reference.CORPUS)[:random.randrange(30)])
        else:
            parts.append("".join(scalar(random) for _ in range(random.randrange(1, 7))))
        if random.random() < 0.4:
            parts.append(" ")
    return "".join(parts)


def sequence(random, parts, key, most=3):
    count = random.choice([0, 1, 1, 2, most])
    steps = [part for _, part in random.sample(parts, count)]
    if not steps:
        return None
    return steps[0] if len(steps) == 1 else {"type": "Sequence", key: steps}


def added(random):
    tokens = []
    for content in random.sample(CONTENTS, random.choice([0, 2, 5, 9])):
        flags = {name: random.random() < 0.3 for name in ("single_word", "lstrip", "rstrip", "normalized", "special")}
        if not content.strip():
            # The library itself stumbles over white space that swallows white space.
            flags["lstrip"] = flags["rstrip"] = False
        tokens.append(reference.added(content, 0, **flags))
    return tokens


def decoders(random):
    strip = {"type": "Strip", "content": random.choice([" ", "a", "▁"]), "start": random.randrange(3), "stop": random.randrange(2)}
    meta = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": random.choice(["always", "first", "never"]), "split": random.random() < 0.5}
    kinds = [
        {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
        {"type": "Replace", "pattern": {"Regex": "[aeiou]+"}, "content": random.choice(["", "_"])},
        {"type": "ByteFallback"}, {"type": "Fuse"}, strip, meta,
        {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        {"type": "WordPiece", "prefix": "##", "cleanup": random.random() < 0.5},
        {"type": "BPEDecoder", "suffix": "</w>"},
        {"type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": random.random() < 0.5},
    ]
    return sequence(random, [("", kind) for kind in kinds], "decoders", 4)


def main(file, seed="1", count="200"):
    generator = random.Random(int(seed))
    reference.TEXTS = list(reference.TEXTS)
    texts = [text(generator) for _ in range(40)]
    reference.TEXTS += texts
    probe = reference.probe()
    reference.TEXTS = texts
    models = [parts["model"] for _, parts in reference.trained()]
    normalizers, splitters = list(reference.normalizers()), list(reference.pretokenizers())
    entries = []
    while len(entries) < int(count):
        is_probe = generator.random() < 0.5
        model = probe if is_probe else copy.deepcopy(generator.choice(models))
        if model["type"] == "BPE" and generator.random() < 0.3:
            model["ignore_merges"] = not model.get("ignore_merges")
        parts = reference.document(
            model,
            normalizer=sequence(generator, normalizers, "normalizers"),
            pre_tokenizer=sequence(generator, splitters, "pretokenizers"),
            decoder=None if is_probe else decoders(generator),
            added_tokens=added(generator),
        )
        # The library numbers tokens that are new behind the model's.
        whole = probe["vocab"] if is_probe else model["vocab"]
        known = whole if isinstance(whole, dict) else {t: i for i, (t, _) in enumerate(whole)}
        number = max(known.values()) + 1
        for token in parts["added_tokens"]:
            token["id"] = known.get(token["content"], number)
            number += token["id"] == number
        try:
            tokenizer = Tokenizer.from_str(json.dumps(parts))
            ids = [tokenizer.encode(t, add_special_tokens=False).ids for t in texts]
        except BaseException as error:
            print("left out:", str(error)[:100], file=sys.stderr)
            continue

        # Since 0.22 the library shows such tokens as the normalizer leaves them and no longer takes
        # special ones for special; what the file says is shown here.
        odd = {t["id"] for t in parts["added_tokens"] if t["normalized"] and parts["normalizer"]}

        def decode(run, skip):
            if odd & set(run):
                return None
            try:
                return tokenizer.decode(run, skip_special_tokens=skip)
            except BaseException:
                return None

        used = dict(parts, model="probe") if is_probe else parts
        entry = {"name": f"{seed}.{len(entries)}", "ids": ids,
                 "tokenizer": {k: v for k, v in used.items() if v not in (None, [])}}
        if not is_probe:
            size = tokenizer.get_vocab_size()
            runs = ids + [[generator.randrange(size) for _ in range(15)] for _ in range(10)]
            entry["runs"] = runs
            entry["decoded"] = [decode(run, False) for run in runs]
            entry["skipped"] = [decode(run, True) for run in runs]
        entries.append(copy.deepcopy(entry))
    whole = {"texts": texts, "probe": probe, "encoders": entries, "decoders": []}
    pathlib.Path(file).write_text(json.dumps(whole, ensure_ascii=False))


if __name__ == "__main__":
    main(*sys.argv[1:])
