#!/usr/bin/env python3
"""Makes the fixtures beside it: small SentencePiece models, and the ids the library gives texts.

    pip install sentencepiece==0.2.3
    python3 make.py
"""

import json
import random
import tempfile
from pathlib import Path

import sentencepiece

here = Path(__file__).parent
words = "the quick brown fox jumps over lazy dogs while Grüße aus München reach 東京 and naïve café tables at 12 or 345".split()
random.seed(1)
syllables = "ka to mi re su no ha li ve dor an bel tri os".split()
words += ["".join(random.choices(syllables, k=random.randint(2, 4))) for _ in range(300)]
corpus = "\n".join(" ".join(random.choices(words, k=12)) for _ in range(800))
texts = [
    "the quick brown fox", " two  spaces ", "Grüße aus München", "東京 und 🙂", "ﬁne ①", "x\ty", "345 dogs!", "", "a b c", "tables, tables", "katomi belanos trikato",
]
models = {
    "unigram": dict(model_type="unigram", byte_fallback=False),
    "bpe": dict(model_type="bpe", byte_fallback=True, normalization_rule_name="identity", remove_extra_whitespaces=False),
    "unigram-bytes": dict(model_type="unigram", byte_fallback=True, add_dummy_prefix=False, normalization_rule_name="identity"),
}
expected = {}
for name, options in models.items():
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "corpus").write_text(corpus)
        sentencepiece.SentencePieceTrainer.train(
            input=f"{folder}/corpus", model_prefix=f"{folder}/m", vocab_size=380 if options["byte_fallback"] else 110,
            user_defined_symbols=["<tool>"], minloglevel=2, **options,
        )
        model = (Path(folder) / "m.model").read_bytes()
    (here / f"{name}.model").write_bytes(model)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    expected[name] = [{"text": text, "ids": processor.encode(text)} for text in texts]
(here / "expected.json").write_text(json.dumps(expected, ensure_ascii=False, indent=1))
