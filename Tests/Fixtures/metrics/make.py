"""Scores of answers against references as LLaMA-Factory computes them (train/sft/metric.py).

    pip install nltk==3.10.4 rouge-chinese==1.0.3 jieba==0.42.1
    python make.py
"""

import json
import logging
import random
from pathlib import Path

import jieba
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
from rouge_chinese import Rouge

jieba.setLogLevel(logging.ERROR)
EXAMPLES = Path(__file__).resolve().parents[3] / "examples"

PAIRS = [
    ("The cat sat on the mat.", "the cat is on the mat."),
    ("the the the the", "the cat"),
    ("abc", "abd"),
    ("", "nothing said"),
    ("something said", ""),
    ("   ", "blank"),
    ("x", "x"),
    ("exactly this", "exactly this"),
    ("don't stop at 3.14 or 50%, e.g. x_y", "do not stop at 3.14 or 50%; e.g. y_x"),
    ("C++ and c# at AT&T, C++11", "C# and C++ at AT&T"),
    ("v1.2.3 ... a.5 -- 10%3", "v1.2.4 ... a.5 -- 10%4"),
    ("Is it so? Yes! It is so.", "Is it? Yes.\n\nIt is so."),
    ("a\n\nb?\nc ? ? d", "a\n \nb? c\n\n\nd"),
    ("\nfirst\r\nsecond\r\n", " \n first second"),
    ("naïve café — “quoted”", "naive café - “quoted”"),
    ("Привет, мир", "Привет мир!"),
    ("🙂 smile", "🙂 smiles"),
]


def score(answer, reference):
    hypothesis, label = list(jieba.cut(answer)), list(jieba.cut(reference))
    if not " ".join(hypothesis).split() or not " ".join(label).split():
        rouge = {name: {"f": 0.0} for name in ("rouge-1", "rouge-2", "rouge-l")}
    else:
        rouge = Rouge().get_scores(" ".join(hypothesis), " ".join(label))[0]
    bleu = sentence_bleu(
        [list(reference)], list(answer), smoothing_function=SmoothingFunction().method3
    )
    scores = {name: value["f"] for name, value in rouge.items()} | {"bleu-4": bleu}
    return {"answer": answer, "reference": reference, **scores}


def drawn(count):
    """Reference answers of the example data, with words dropped, changed and swapped."""
    draw = random.Random(3)
    answers = [
        json.loads(line)["messages"][-1]["content"]
        for path in sorted(EXAMPLES.glob("*/heldout.jsonl"))
        for line in path.read_text().splitlines()
    ]
    for reference in draw.sample(answers, count):
        words = [w for w in reference.split(" ") if draw.random() > 0.15]
        for _ in range(draw.randrange(3)):
            other = draw.choice(answers).split(" ")
            words.insert(draw.randrange(len(words) + 1), draw.choice(other))
        yield " ".join(words), reference


pairs = PAIRS + list(drawn(40))
out = Path(__file__).with_name("metrics.json")
out.write_text(json.dumps([score(*p) for p in pairs], indent=1, ensure_ascii=False) + "\n")
