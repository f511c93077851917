"""How each program is asked, and what it answers: tokens per second, or bytes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import model

HERE = Path(__file__).parent
FACET = os.environ["FACET"]


def output(*command):
    """What a program prints; its errors only where it fails."""
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"{command[0]} failed:\n{result.stderr[-3000:]}")
    return result.stdout


def facet(tests, threads):
    """`facet bench`, as name → tokens per second; memory and ceilings beside them."""
    command = [FACET, "bench", "--model", model.CHECKPOINT, "--threads", threads, "--json"]
    answer = json.loads(output(*command, "--tests", tests))
    results = {}
    for line in answer["results"]:
        name = line["test"]
        if name == "decode":
            name = f"decode {line['streams']}"
            name += {0: "", 1: " with adapter"}.get(line["adapters"], " mixed")
        if name == "adapter_load":
            name += " cold" if "adapter_load cold ms" not in results else " warm"
            results[f"{name} ms"] = 1000 * line["seconds"]
            continue
        results[name] = line["tokens_per_second"]
        if name == "train":
            results["train memory"] = line["resident_bytes"]
    for name, value in answer["ceilings"].items():
        results[f"ceiling {name}"] = value
    return results


def llama_bench(kind, threads, prompt, generate):
    tool = os.environ["LLAMA_BIN"] + "/llama-bench"
    answer = output(tool, "-m", model.GGUF[kind], "-t", threads, "-p", prompt, "-n", generate,
                    "-r", 3, "-o", "json")
    return {
        ("prefill" if line["n_gen"] == 0 else "decode 1"): line["avg_ts"]
        for line in json.loads(answer)
    }


def llama_batched(kind, threads, streams):
    tool = os.environ["LLAMA_BIN"] + "/llama-batched-bench"
    answer = output(tool, "-m", model.GGUF[kind], "-t", threads, "-c", 8192, "-b", 2048,
                    "-ub", 512, "-npp", 64, "-ntg", 32, "-npl", ",".join(map(str, streams)),
                    "--output-format", "jsonl")
    lines = [json.loads(line) for line in answer.splitlines() if line.startswith("{")]
    return {f"decode {line['pl']}": line["speed_tg"] for line in lines}


def torch(what, threads):
    """transformers + PEFT + bitsandbytes in a process of their own."""
    command = [os.environ["PEERS_PYTHON"], HERE / "torch_peer.py", what, model.CHECKPOINT, threads]
    return json.loads(output(*command).splitlines()[-1])
