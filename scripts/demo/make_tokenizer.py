"""Trains the demo's byte-level BPE on text of the generators and writes it in Hugging Face layout."""

import argparse
import json
import random

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

import prose
import talk
import tasks
import words

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
PATTERN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
TEMPLATE = (
    "{%- for message in messages %}"
    "{{- '<|im_start|>' + message['role'] + '\\n' }}"
    "{%- if message['role'] == 'assistant' %}{% generation %}{{- message['content'] + '<|im_end|>' }}{% endgeneration %}"
    "{%- else %}{{- message['content'] + '<|im_end|>' }}{%- endif %}"
    "{{- '\\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)


def texts(seed, count):
    rng = random.Random(seed)
    for _ in range(count):
        yield prose.document(rng)
        yield words.paragraph(rng)
        yield "\n".join(content for _, content in talk.conversation(rng))
    for make, _ in tasks.TASKS.values():
        for _ in range(count // 10):
            yield "\n".join(make(rng))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="where tokenizer.json and tokenizer_config.json go")
    parser.add_argument("--vocabulary", type=int, default=4096)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(PATTERN), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=arguments.vocabulary, special_tokens=SPECIAL, show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(texts(arguments.seed, 20000), trainer)
    tokenizer.save(f"{arguments.folder}/tokenizer.json")
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 1024, "add_bos_token": False,
        "bos_token": None, "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "unk_token": None,
        "clean_up_tokenization_spaces": False, "chat_template": TEMPLATE,
    }
    with open(f"{arguments.folder}/tokenizer_config.json", "w") as file:
        json.dump(config, file, indent=2)
    print(f"{tokenizer.get_vocab_size()} tokens")


if __name__ == "__main__":
    main()
