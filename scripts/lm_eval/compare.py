"""Asks the same tasks by `facet eval --task` and by lm-evaluation-harness's local-completions against a
server, and compares every number. With a folder as argument it writes tasks, data and numbers there: the
fixture of the tests, made of the demo base."""

import csv
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

FACET = os.environ["FACET"]
MODEL = os.environ["MODEL"]
COMPUTE = ["--compute-dtype", "fp32"]
WORDS = "door window lamp chair table clock mirror carpet shelf candle basket kettle".split()
COLOURS = "red green blue white black brown".split()

# What an example is drawn from; what stands before and after; how a choice is written.
TASKS = {
    "choice": """
output_type: multiple_choice
dataset_path: json
dataset_kwargs: {data_files: {test: test.jsonl, train: train.jsonl}}
test_split: test
fewshot_split: train
num_fewshot: 3
description: "Orders of a shop.\\n\\n"
doc_to_text: "{{ question.strip() }}\\n{% for c in choices %}{{ loop.index }}. {{ c }}\\n{% endfor %}Answer:"
doc_to_choice: "{{choices}}"
doc_to_target: "{{answer}}"
metric_list:
  - {metric: acc, aggregation: mean, higher_is_better: true}
  - {metric: acc_norm, aggregation: mean, higher_is_better: true}
  - {metric: acc_bytes, aggregation: mean, higher_is_better: true}
  - {metric: acc_mutual_info, aggregation: mean, higher_is_better: true}
  - {metric: exact_match, aggregation: mean, higher_is_better: true}
""",
    "same_split": """
output_type: multiple_choice
dataset_path: csv
dataset_kwargs: {data_files: {test: test.csv}}
test_split: test
fewshot_split: test
num_fewshot: 7
target_delimiter: ""
fewshot_delimiter: "\\n###\\n"
doc_to_text: question
doc_to_choice: ["{first}", "{second}", "neither of them, as it seems"]
doc_to_target: label
gen_prefix: "It is "
""",
    "first_examples": """
output_type: multiple_choice
dataset_path: json
dataset_kwargs: {data_files: {validation: test.jsonl, train: train.jsonl}}
validation_split: validation
fewshot_split: train
fewshot_config: {sampler: first_n}
num_fewshot: 5
doc_to_text: "{{question}}"
doc_to_choice: {a: "red", b: "white", c: "blue"}
doc_to_target: "{{ answer }}"
""",
    "many_inputs": """
output_type: multiple_choice
dataset_path: json
dataset_kwargs: {data_files: {validation: test.jsonl}}
validation_split: validation
doc_to_text: "{{answer}}"
doc_to_choice: "{{[question + ' ' + choices[0], question + ' ' + choices[1], question + ' ' + choices[2]]}}"
doc_to_target: "and that is all."
""",
    "likelihood": """
output_type: loglikelihood
dataset_path: json
dataset_kwargs: {data_files: {test: test.jsonl}}
test_split: test
doc_to_text: "Q: {{question}}\\nA: "
doc_to_target: "{{choices[answer]}}"
""",
    "rolling": """
output_type: loglikelihood_rolling
dataset_path: json
dataset_kwargs: {data_files: {test: test.jsonl}}
test_split: test
doc_to_text: ""
doc_to_target: "{{question}} {{choices | join(', ')}}"
""",
    "generated": """
output_type: generate_until
dataset_path: json
dataset_kwargs: {data_files: {test: test.jsonl, train: train.jsonl}}
test_split: test
fewshot_split: train
num_fewshot: 2
doc_to_text: "{{question}}"
doc_to_target: "{{choices[answer]}}"
generation_kwargs: {until: ["\\n", "."], max_gen_toks: 24}
filter_list:
  - name: first_word
    filter:
      - {function: regex, regex_pattern: "([A-Za-z]+)"}
      - {function: lowercase}
      - {function: take_first}
  - name: whole
    filter:
      - {function: remove_whitespace}
      - {function: take_first}
metric_list:
  - metric: exact_match
    aggregation: mean
    higher_is_better: true
    ignore_case: true
    ignore_punctuation: true
""",
    "mmlu_shop_goods": """
output_type: multiple_choice
dataset_path: json
dataset_kwargs: {data_files: {test: mmlu_test.jsonl, dev: mmlu_dev.jsonl}}
test_split: test
fewshot_split: dev
fewshot_config: {sampler: first_n}
num_fewshot: 5
description: "The following are multiple choice questions (with answers) about shop goods.\\n\\n"
doc_to_text: "{{question.strip()}}\\nA. {{choices[0]}}\\nB. {{choices[1]}}\\nC. {{choices[2]}}\\nD. {{choices[3]}}\\nAnswer:"
doc_to_choice: ["A", "B", "C", "D"]
doc_to_target: answer
metric_list:
  - {metric: acc, aggregation: mean, higher_is_better: true}
""",
}


def write_data(folder):
    draw = random.Random(7)
    for name, count in (("test", 20), ("train", 15)):
        rows = []
        for number in range(count):
            thing, choices = draw.choice(WORDS), draw.sample(COLOURS, 3)
            question = f"A customer wants the {thing} in {choices[0]}. Which colour is item {number}?"
            rows.append({"question": question, "choices": choices, "answer": draw.randrange(3)})
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(lines)
        with open(folder / f"{name}.csv", "w", newline="") as file:
            table = csv.writer(file)
            table.writerow(["question", "label"])
            table.writerows([row["question"], row["answer"]] for row in rows)
    for split, count in (("test", 12), ("dev", 5)):
        os.makedirs(folder / "mmlu" / split, exist_ok=True)
        with open(folder / "mmlu" / split / f"shop_goods_{split}.csv", "w", newline="") as file:
            table, lines = csv.writer(file), []
            for _ in range(count):
                question, answer = f"Which of them is a {draw.choice(WORDS)}? ", draw.randrange(4)
                choices = draw.sample(WORDS, 4)
                table.writerow([question, *choices, "ABCD"[answer]])
                row = {"question": question, "choices": choices, "answer": answer}
                lines.append(json.dumps(row) + "\n")
        (folder / f"mmlu_{split}.jsonl").write_text("".join(lines))
    for name, text in TASKS.items():
        (folder / f"{name}.yaml").write_text(f"task: {name}\n{text.lstrip()}")


def serve(folder):
    command = [FACET, "serve", "--port", "0", "--data", str(folder / "data"), "--model", MODEL]
    process = subprocess.Popen(command + COMPUTE, stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if match := re.search(r"listening on (\S+)", line):
            return process, match.group(1)
    raise SystemExit("the server did not start")


def harness(folder, url):
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager

    os.chdir(folder)
    os.environ.setdefault("HF_DATASETS_OFFLINE", "1")
    os.environ["HF_DATASETS_CACHE"] = str(folder / "cache")
    arguments = {
        "model": Path(MODEL).name,
        "base_url": url + "/v1/completions",
        "tokenizer": MODEL,
        "tokenizer_backend": "huggingface",
        "tokenized_requests": True,
        "num_concurrent": 4,
        "max_length": 1024,
    }
    return simple_evaluate(
        model="local-completions",
        model_args=arguments,
        tasks=list(TASKS),
        task_manager=TaskManager(include_path=str(folder), include_defaults=False),
        bootstrap_iters=0,
        log_samples=True,
    )


def facet(folder):
    command = [FACET, "eval", "--json", "--model", MODEL, "--no-add-bos-token", *COMPUTE]
    for name in TASKS:
        command += ["--task", f"{name}.yaml"]
    command += ["--task", "mmlu", "--samples", "samples.jsonl"]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def main():
    with tempfile.TemporaryDirectory(prefix="facet-lm-eval-", ignore_cleanup_errors=True) as folder:
        compare(Path(folder))


def compare(folder):
    write_data(folder)
    ours = facet(folder)["results"]
    server, url = serve(folder)
    try:
        theirs = harness(folder, url)
    finally:
        server.terminate()
        server.wait()
    wrong = []
    for name in TASKS:
        for key, value in theirs["results"][name].items():
            if not isinstance(value, float) or "_stderr" in key:
                continue
            own = ours[name].get(key)
            good = own is not None and abs(own - value) <= 1e-6 * max(1, abs(value))
            print(f"{name:16} {key:32} {value:.8f} {own if own is None else round(own, 8)}")
            if not good:
                wrong.append((name, key))
    table, known = ours["mmlu"]["acc,none"], theirs["results"]["mmlu_shop_goods"]["acc,none"]
    print(f"{'mmlu folder':16} {'acc,none':32} {known:.8f} {table:.8f}")
    if table != known:
        wrong.append(("mmlu", "acc"))
    wrong += compare_samples(folder, theirs)
    if wrong:
        sys.exit(f"differ: {wrong}")
    print("all agree")
    if len(sys.argv) > 1:
        write_fixture(Path(sys.argv[1]), theirs)


def write_fixture(folder, theirs):
    """The tasks, their data, and what lm-evaluation-harness said, for a test without it."""
    folder.mkdir(parents=True, exist_ok=True)
    write_data(folder)
    numbers = {
        name: {key: value for key, value in theirs["results"][name].items()
               if isinstance(value, float) and "_stderr" not in key}
        for name in TASKS
    }
    (folder / "expected.json").write_text(json.dumps(numbers, indent=1) + "\n")


def compare_samples(folder, theirs):
    """Prompts to the letter, log-likelihoods to a millionth."""
    wrong = []
    ours = {}
    for line in (folder / "samples.jsonl").open():
        sample = json.loads(line)
        ours.setdefault(sample["task"], {})[sample["doc_id"]] = sample
    for name in TASKS:
        for sample in theirs["samples"][name]:
            own = ours[name][sample["doc_id"]]
            # Beside what is asked, choices alone for acc_mutual_info.
            asked = [list(a)[: len(o)] for a, o in zip(sample["arguments"], own["arguments"])]
            if asked != own["arguments"]:
                wrong.append((name, sample["doc_id"], asked, own["arguments"]))
                break
            for said, answer in zip(sample["resps"], own["resps"]):
                said = said[0]
                if isinstance(answer, list):
                    same = abs(float(said[0]) - answer[0]) < 1e-4 and bool(said[1]) == answer[1]
                elif isinstance(answer, float):
                    same = abs(float(said) - answer) < 1e-4
                else:
                    same = said == answer
                if not same:
                    wrong.append((name, sample["doc_id"], said, answer))
                    break
    return wrong[:3]


main()
