#!/usr/bin/env python3
"""Writes reference.json: small tokenizers of every kind and what the `tokenizers` library makes of
some texts with them. Run with tokenizers 0.23 installed; see README.md."""
import base64
import copy
import json
import pathlib
import random
import struct
import unicodedata

import tokenizers
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

HERE = pathlib.Path(__file__).resolve().parent

TEXTS = [
    "",
    " ",
    "a",
    "Hello, World! It's 12345 o'clock; is it?",
    "  two  spaces   and\ttabs\r\n\r\nnewlines \n ",
    "naïve café — Ça déjà-vu №42 ½ Ⅷ ②",
    "cafe\u0301 A\u030a o\u0323\u0302 \u1ea5 \u0344 q\u0307\u0323",
    "ﬁne ﬂow ＡＢＣ１２３ ﾊﾟ ㎏ ™ ① ²",
    "中文字符，日本語のテキスト。한국어 텍스트 각",
    "한국 각 가힣 \u1100\u1161\u11a8",
    "Привет, МИР! ΣΊΣ İst ẞ Straße",
    "مرحبا بالع עִבְ हिन्दी ไทย",
    "😀👍🏽👨\u200d👩\u200d👧 🇺🇸",
    "x=[1,2];y_z=f(3.1e-10)->b::z  # ok",
    "\u00a0nbsp\u2003em\u3000wide\u2028line\u0085nel\u200bzw\u180emvs",
    "nul\u0000bell\u0007del\u007f\u009f\ufffd\ufeffbom\u00adshy",
    "▁lit▁mark ▁ _un__score_",
    "CamelCaseHTTP2Go ALL lower",
    "[MASK] <s>hi</s> x <x> <y><x>  <y> é<z>É",
    "do not I'm he's won't . , ? ! ' s",
    "unbelievable tokenizers of tokens",
]

CORPUS = [
    "the quick brown fox jumps over the lazy dog and tokenization of words is fun",
    "tokenizers tokenize unbelievable texts into tokens, and tokens into texts",
    "hello world, it is twelve o'clock; is it not? don't do that in Straße or café",
    "naïve words and numbers 12345 3.14 lower upper CamelCase ALLCAPS request",
]


def added(content, index, **flags):
    token = {
        "id": index,
        "content": content,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
        "special": True,
    }
    token.update(flags)
    return token


def document(model, **parts):
    result = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": None,
        "post_processor": None,
        "decoder": None,
        "model": model,
    }
    result.update(parts)
    return result


def probe():
    """A model that shows both the text of the pieces and where they begin."""
    scalars = set()
    for text in TEXTS:
        for form in ("NFC", "NFD", "NFKC", "NFKD"):
            for variant in (text, text.lower(), unicodedata.normalize(form, text)):
                scalars.update(variant)
                scalars.update(unicodedata.normalize(form, variant))
    scalars.update(chr(code) for code in range(0x20, 0x144))
    scalars.update("▁")
    vocab = {"[UNK]": 0}
    for scalar in sorted(scalars):
        vocab[scalar] = len(vocab)
        vocab["##" + scalar] = len(vocab)
    return {
        "type": "WordPiece",
        "unk_token": "[UNK]",
        "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100000,
        "vocab": vocab,
    }


def charsmap(rules):
    """SentencePiece's compiled rules: a double-array trie and the replacements behind it."""
    texts, values = b"", {}
    for old, new in sorted(rules.items()):
        values[old.encode()] = len(texts)
        texts += new.encode() + b"\0"
    units = {0: 0}

    def place(prefix, position):
        labels = sorted({key[len(prefix)] for key in values if key[: len(prefix)] == prefix and len(key) > len(prefix)})
        is_leaf = prefix in values
        wanted = labels + ([0] if is_leaf else [])
        base = 1
        while any((base ^ label) in units for label in wanted):
            base += 1
        for label in wanted:
            units[base ^ label] = label
        units[position] |= (position ^ base) << 10 | (1 << 8 if is_leaf else 0)
        if is_leaf:
            units[base] = 1 << 31 | values[prefix]
        for label in labels:
            place(prefix + bytes([label]), base ^ label)

    place(b"", 0)
    size = (max(units) | 0xFF) + 1
    array = b"".join(struct.pack("<I", units.get(index, 0)) for index in range(size))
    return base64.b64encode(struct.pack("<I", len(array)) + array + texts).decode()


RULES = {
    "ﬁ": "fi", "Ａ": "A", "Ｂ": "B", "é": "é", "e\u0301": "é", "①": "1", "\t": " ", "\r\n": " ",
    "\u00a0": " ", "㎏": "kg", "\u200b": "", "각": "gag", "½": "1/2", "😀": ":-)", "A\u030a": "Å",
}


def normalizers():
    yield "NFC", {"type": "NFC"}
    yield "NFD", {"type": "NFD"}
    yield "NFKC", {"type": "NFKC"}
    yield "NFKD", {"type": "NFKD"}
    yield "Lowercase", {"type": "Lowercase"}
    yield "StripAccents", {"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "StripAccents"}]}
    yield "Strip", {"type": "Strip", "strip_left": True, "strip_right": True}
    yield "Strip right", {"type": "Strip", "strip_left": False, "strip_right": True}
    yield "Prepend", {"type": "Prepend", "prepend": "▁"}
    yield "Replace string", {"type": "Replace", "pattern": {"String": "o'"}, "content": "OO"}
    yield "Replace regex", {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": "_"}
    yield "Replace by nothing", {"type": "Replace", "pattern": {"Regex": "[aeiou]"}, "content": ""}
    yield "Precompiled", {"type": "Precompiled", "precompiled_charsmap": charsmap(RULES)}
    yield "Nmt", {"type": "Nmt"}
    yield "ByteLevel", {"type": "ByteLevel"}
    for name, clean, chinese, accents, lower in [
        ("Bert", True, True, None, True),
        ("Bert cased", True, True, None, False),
        ("Bert accents", False, False, True, False),
        ("Bert no accents", True, False, False, True),
    ]:
        yield name, {
            "type": "BertNormalizer",
            "clean_text": clean,
            "handle_chinese_chars": chinese,
            "strip_accents": accents,
            "lowercase": lower,
        }


PATTERNS = {
    "gpt-4": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "o200k": r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "deepseek": r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "cjk": "[一-龥぀-ゟ゠-ヿ]+",
    "kimi": r"[\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+|\p{N}{1,3}|\s+",
    "possessive": r"\p{N}{1,3}+|\p{L}++|\s?+[^\s\p{L}\p{N}]*+",
    "word": r"\w+|[^\w\s]+",
    "not word": r"[\W_]+",
    "no word": r"[^\W\d]+",
    "boundary": r"\b\w",
    "lookbehind": r"(?<=[a-z])(?=[A-Z])",
    "posix": r"[[:upper:]]+|[[:punct:]]+|[[:^alnum:]]",
    "hex": r"\h{2,3}|\H{,2}x",
    "options": r"a(?i)l|c",
    "dot all": r"(?m:.+)",
    "line": r"^.*$",
    "names": r"\p{Letter}+|\p{^Punctuation}",
    "unicode": r"\u4e2d|[\u3040-\u30ff]+|\x{20AC}",
    "empty": r"x*",
    "vertical": r"\v|\t|[\v\t]",
}


def pretokenizers():
    for name, pattern in PATTERNS.items():
        yield f"Split {name}", {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    for behavior in ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"):
        for invert in (False, True):
            yield f"Split {behavior} {invert}", {
                "type": "Split",
                "pattern": {"Regex": r"[\s,]"},
                "behavior": behavior,
                "invert": invert,
            }
    yield "Split string", {"type": "Split", "pattern": {"String": "to"}, "behavior": "MergedWithNext", "invert": False}
    for prefix in (False, True):
        for regex in (False, True):
            yield f"ByteLevel {prefix} {regex}", {
                "type": "ByteLevel",
                "add_prefix_space": prefix,
                "trim_offsets": True,
                "use_regex": regex,
            }
    yield "Whitespace", {"type": "Whitespace"}
    yield "WhitespaceSplit", {"type": "WhitespaceSplit"}
    yield "Bert", {"type": "BertPreTokenizer"}
    for behavior in ("Isolated", "Contiguous", "Removed", "MergedWithPrevious"):
        yield f"Punctuation {behavior}", {"type": "Punctuation", "behavior": behavior}
    yield "Digits", {"type": "Digits", "individual_digits": False}
    yield "Digits individual", {"type": "Digits", "individual_digits": True}
    yield "CharDelimiterSplit", {"type": "CharDelimiterSplit", "delimiter": "e"}
    yield "FixedLength", {"type": "FixedLength", "length": 3}
    for scheme in ("always", "first", "never"):
        for split in (False, True):
            yield f"Metaspace {scheme} {split}", {
                "type": "Metaspace",
                "replacement": "▁",
                "prepend_scheme": scheme,
                "split": split,
            }
    yield "UnicodeScripts", {"type": "UnicodeScripts"}
    yield "Sequence", {
        "type": "Sequence",
        "pretokenizers": [
            {"type": "Digits", "individual_digits": True},
            {"type": "WhitespaceSplit"},
            {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True},
            {"type": "Punctuation", "behavior": "Isolated"},
        ],
    }


ADDED = [
    added("[MASK]", 0, lstrip=True),
    added("<s>", 0),
    added("</s>", 0, rstrip=True),
    added("<x>", 0, single_word=True, special=False),
    added("<y>", 0, lstrip=True, rstrip=True, special=False),
    added("É<z>é", 0, normalized=True, special=False),
    added("word", 0, single_word=True, normalized=True, special=False),
    added("token", 0, normalized=False, special=False),
    added("tokens", 0, single_word=True, special=False),
]


def trained():
    """Models of the other kinds, trained on a few lines."""

    def train(model, trainer, pre_tokenizer):
        tokenizer = Tokenizer(model)
        tokenizer.pre_tokenizer = pre_tokenizer
        tokenizer.train_from_iterator(CORPUS, trainer)
        return json.loads(tokenizer.to_str())["model"]

    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    unigram = train(
        models.Unigram(),
        trainers.UnigramTrainer(vocab_size=120, special_tokens=["<unk>"], unk_token="<unk>", show_progress=False),
        pre_tokenizers.Metaspace(),
    )
    yield "Unigram", document(unigram, pre_tokenizer=metaspace, decoder=metaspace)
    whole = dict(metaspace, split=False)
    yield "Unigram whole", document(unigram, pre_tokenizer=whole)
    fallback = json.loads(json.dumps(unigram))
    fallback["byte_fallback"] = True
    fallback["vocab"] += [[f"<0x{byte:02X}>", -20.0] for byte in range(256)]
    yield "Unigram with bytes", document(
        fallback,
        pre_tokenizer=metaspace,
        decoder={"type": "Sequence", "decoders": [{"type": "ByteFallback"}, metaspace]},
    )
    partial = json.loads(json.dumps(fallback))
    partial["vocab"] = [entry for entry in partial["vocab"] if entry[0][:3] != "<0x" or int(entry[0][3:5], 16) % 5 == 4]
    yield "Unigram without a byte", document(partial, pre_tokenizer=metaspace)
    wordpiece = train(
        models.WordPiece(unk_token="[UNK]"),
        trainers.WordPieceTrainer(vocab_size=120, special_tokens=["[UNK]", "[CLS]", "[SEP]"], show_progress=False),
        pre_tokenizers.BertPreTokenizer(),
    )
    wordpiece["vocab"] = dict(sorted(wordpiece["vocab"].items(), key=lambda item: item[1]))
    bert = {"type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1]}
    for cleanup in (False, True):
        yield f"WordPiece {cleanup}", document(
            wordpiece,
            normalizer={"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
            pre_tokenizer={"type": "BertPreTokenizer"},
            post_processor=bert,
            decoder={"type": "WordPiece", "prefix": "##", "cleanup": cleanup},
            added_tokens=[added("[UNK]", 0), added("[CLS]", 1), added("[SEP]", 2)],
        )
    yield "WordPiece short words", document(
        dict(wordpiece, max_input_chars_per_word=5), pre_tokenizer={"type": "Whitespace"}
    )
    words = {word: index for index, word in enumerate(["<unk>", "the", "Hello", "it", "é", ",", "a"])}
    yield "WordLevel", document(
        {"type": "WordLevel", "vocab": words, "unk_token": "<unk>"},
        pre_tokenizer={"type": "Whitespace"},
        post_processor={"type": "RobertaProcessing", "sep": ["a", 6], "cls": ["the", 1], "trim_offsets": True, "add_prefix_space": False},
    )
    bpe = train(
        models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"),
        trainers.BpeTrainer(vocab_size=150, special_tokens=["<unk>"], end_of_word_suffix="</w>", show_progress=False),
        pre_tokenizers.Whitespace(),
    )
    yield "BPE suffix", document(bpe, pre_tokenizer={"type": "Whitespace"}, decoder={"type": "BPEDecoder", "suffix": "</w>"})
    for fuse in (False, True):
        yield f"BPE suffix fuse {fuse}", document(dict(bpe, fuse_unk=fuse), pre_tokenizer={"type": "WhitespaceSplit"})
    bpe = train(
        models.BPE(unk_token="<unk>", continuing_subword_prefix="##"),
        trainers.BpeTrainer(vocab_size=150, special_tokens=["<unk>"], continuing_subword_prefix="##", show_progress=False),
        pre_tokenizers.Whitespace(),
    )
    yield "BPE prefix", document(bpe, pre_tokenizer={"type": "Whitespace"}, decoder={"type": "WordPiece", "prefix": "##", "cleanup": False})
    byte_level = train(
        models.BPE(),
        trainers.BpeTrainer(vocab_size=300, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False),
        pre_tokenizers.ByteLevel(add_prefix_space=True),
    )
    level = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
    yield "BPE bytes", document(byte_level, pre_tokenizer=level, decoder=level, added_tokens=ADDED)
    yield "BPE bytes ignoring merges", document(dict(byte_level, ignore_merges=True), pre_tokenizer=level, decoder=level)
    llama = train(
        models.BPE(unk_token="<unk>"),
        trainers.BpeTrainer(vocab_size=120, special_tokens=["<unk>"], show_progress=False),
        pre_tokenizers.Metaspace(),
    )
    last = len(llama["vocab"])
    llama["vocab"].update({f"<0x{byte:02X}>": last + byte for byte in range(256)})
    gemma = {
        "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
        "pre_tokenizer": {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False},
        "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}]},
    }
    yield "BPE gemma", document(dict(llama, byte_fallback=True, fuse_unk=True), added_tokens=ADDED, **gemma)
    for byte in range(0xC4, 256):
        del llama["vocab"][f"<0x{byte:02X}>"]
    yield "BPE without a byte", document(dict(llama, byte_fallback=True, fuse_unk=True), **gemma)
    llama["vocab"] = {token: id for token, id in llama["vocab"].items() if id < last}
    yield "BPE unknown", document(dict(llama, fuse_unk=False), **gemma)
    yield "BPE unknown dropped", document(dict(llama, unk_token=None), **gemma)


def decoders():
    """Decoders over a vocabulary that stresses them; ids are given rather than encoded."""
    tokens = [
        "a", "▁b", "##c", "d</w>", " e ", "<0xE4>", "<0xBD>", "<0xA0>", "<0xFF>", "<0x41>", "Ġf",
        "ä", "½", "ł", "<pad>", "|", "▁", "▁▁", " n't", " do not", ".", "é", "<0x+A>", "</w>", "  ", "ab", "##",
    ]
    vocab = {token: index for index, token in enumerate(tokens)}
    generator = random.Random(3)
    runs = [[], [0], [16], [17, 1], [4, 4], [5, 6, 7], [5, 6, 7, 5, 6], [5, 6, 0], [11, 12, 13], [14, 14, 0, 0, 14, 0], [3, 3], [24, 0, 24], [24]]
    runs += [[generator.randrange(len(tokens)) for _ in range(generator.randrange(2, 12))] for _ in range(10)]
    replace = {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}
    pattern = {"type": "Replace", "pattern": {"Regex": "[ab]+"}, "content": "<>"}
    fuse, fallback = {"type": "Fuse"}, {"type": "ByteFallback"}
    meta = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}

    def strip(start, stop):
        return {"type": "Strip", "content": " ", "start": start, "stop": stop}

    def sequence(*steps):
        return {"type": "Sequence", "decoders": list(steps)}

    kinds = [
        None,
        {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        meta,
        dict(meta, prepend_scheme="never"),
        {"type": "WordPiece", "prefix": "##", "cleanup": True},
        {"type": "WordPiece", "prefix": "##", "cleanup": False},
        {"type": "BPEDecoder", "suffix": "</w>"},
        {"type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": True},
        {"type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": False},
        sequence(replace, fallback, fuse, strip(1, 0)),
        sequence(replace, fallback, fuse, strip(2, 1)),
        sequence(replace, fallback, fuse),
        sequence(fuse, replace, strip(1, 1)),
        sequence(fuse, pattern),
        sequence(pattern, strip(1, 0), fuse),
        sequence(fuse, meta),
        sequence(fuse, {"type": "WordPiece", "prefix": "##", "cleanup": True}),
        sequence(fuse, {"type": "BPEDecoder", "suffix": "</w>"}),
        sequence(fuse, fallback),
        sequence(strip(1, 1)),
        fallback,
    ]
    model = {"type": "WordLevel", "vocab": vocab, "unk_token": "a"}
    for number, decoder in enumerate(kinds):
        parts = document(model, decoder=decoder, added_tokens=[added("<pad>", 14)])
        tokenizer = Tokenizer.from_str(json.dumps(parts))

        def decode(run, skip):
            try:
                return tokenizer.decode(run, skip_special_tokens=skip)
            except BaseException:  # the library's Strip panics on tokens that it empties
                return None

        yield {
            "name": f"decoder {number}",
            "decoder": decoder,
            "ids": runs,
            "decoded": [decode(run, False) for run in runs],
            "skipped": [decode(run, True) for run in runs],
        }, model


def encoded(name, parts, is_probe):
    tokenizer = Tokenizer.from_str(json.dumps(parts))
    ids = [tokenizer.encode(text, add_special_tokens=False).ids for text in TEXTS]
    entry = {"name": name, "tokenizer": dict(parts, model="probe") if is_probe else parts, "ids": ids}
    if not is_probe:
        entry["special"] = tokenizer.encode(TEXTS[3]).ids
    if parts["decoder"]:
        entry["decoded"] = [tokenizer.decode(run, skip_special_tokens=False) for run in ids]
    if parts["decoder"] and parts["added_tokens"]:
        entry["skipped"] = [tokenizer.decode(run, skip_special_tokens=True) for run in ids]
    # The models are changed for the next entry.
    return copy.deepcopy(entry)


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def main():
    model = probe()
    entries = []
    for name, part in normalizers():
        entries.append(encoded(f"normalizer {name}", document(model, normalizer=part), True))
        if name in ("Strip", "Replace by nothing", "Precompiled", "Bert"):
            first = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True}
            parts = document(model, normalizer=part, pre_tokenizer=first, added_tokens=ADDED)
            entries.append(encoded(f"normalizer {name} first", parts, True))
    for name, part in pretokenizers():
        entries.append(encoded(f"pre-tokenizer {name}", document(model, pre_tokenizer=part), True))
    for name, normalizer in [("plain", None), ("lower", {"type": "Lowercase"}), ("NFD", {"type": "NFD"})]:
        parts = document(model, normalizer=normalizer, added_tokens=ADDED)
        entries.append(encoded(f"added tokens {name}", parts, True))
    for name, parts in trained():
        entries.append(encoded(name, parts, False))
    decoding = list(decoders())
    # Most of a probe's document is always the same.
    for entry in entries:
        entry["tokenizer"] = {key: value for key, value in entry["tokenizer"].items() if value not in (None, [])}
    reference = {
        "made_with": f"tokenizers {tokenizers.__version__}",
        "texts": TEXTS,
        "probe": model,
        "encoders": entries,
        "decoder_model": decoding[0][1],
        "decoders": [entry for entry, _ in decoding],
    }
    head = {key: value for key, value in reference.items() if key not in ("encoders", "decoders")}
    lines = [compact(head)[:-1]]
    for key in ("encoders", "decoders"):
        rows = ",\n".join(compact(entry) for entry in reference[key])
        lines.append(f',"{key}":[\n{rows}\n]')
    (HERE / "reference.json").write_text("".join(lines) + "}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
