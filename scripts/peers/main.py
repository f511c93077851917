"""Runs the parts in turns, keeps what was measured, prints medians and ratios."""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time

import measures
import model
import report
import servers

RESULTS = model.ROOT / "results.json"


def prefill(threads):
    yield "facet", lambda: measures.facet("prefill", threads)
    for kind in ("Q4_0", "IQ4_NL"):
        yield f"llama.cpp {kind}", lambda kind=kind: measures.llama_bench(kind, threads, 512, 0)


def decode(threads):
    yield "facet", lambda: measures.facet("decode,adapter_load", threads)
    for kind in ("Q4_0", "IQ4_NL"):
        yield f"llama.cpp {kind}", lambda kind=kind: measures.llama_bench(kind, threads, 0, 64)
    yield "transformers", lambda: measures.torch("decode", threads)


def batched(threads):
    yield "facet", lambda: measures.facet("batched,mixed", threads)
    yield "llama.cpp Q4_0", lambda: measures.llama_batched("Q4_0", threads, [4, 16, 32])


def mixed(threads):
    def facet():
        with tempfile.TemporaryDirectory() as data:
            return servers.measure(*servers.facet(threads, data))

    yield "facet", facet
    yield "llama.cpp Q4_0", lambda: servers.measure(*servers.llama(threads))


def train(threads):
    yield "facet", lambda: measures.facet("train", threads)
    yield "transformers", lambda: measures.torch("train", threads)


PARTS = {part.__name__: part for part in (prefill, decode, batched, mixed, train)}


def main():
    parser = argparse.ArgumentParser(prog="bench-peers")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas between")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3, help="everybody's turns; medians over them")
    parser.add_argument("--programs", default="", help="only programs whose name begins so")
    parser.add_argument("--report", action="store_true", help="print what was measured before")
    options = parser.parse_args()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    if not options.report:
        for part in options.only.split(","):
            if part not in PARTS:
                parser.error(f"unknown part {part!r}; there are {', '.join(PARTS)}")
        model.make()
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])
        for part in options.only.split(","):
            run(part, options, results)
    print(report.text(results))


def run(part, options, results):
    """Everybody once, then everybody again: what disturbs the machine disturbs all alike."""
    samples = {}
    for turn in range(options.rounds):
        for name, measure in PARTS[part](options.threads):
            if not name.startswith(options.programs):
                continue
            print(f"{part}, round {turn + 1}: {name}", file=sys.stderr)
            for what, value in measure().items():
                values = samples.setdefault(name, {}).setdefault(what, [])
                values.append(value)
                results.setdefault(name, {})[what] = {
                    "value": statistics.median(values),
                    "samples": values,
                    "date": time.strftime("%Y-%m-%d"),
                }
            RESULTS.write_text(json.dumps(results, indent=1))


main()
