"""Twenty texts of English, code and chat from this repository, as JSON Lines for `facet bench`."""

import json
import sys

ENGLISH = ["README", "docs/ARCHITECTURE", "docs/API", "docs/SECURITY", "docs/OPERATIONS",
           "docs/FINE_TUNING", "docs/TROUBLESHOOTING", "CONTRIBUTING"]
CODE = ["Sources/CKernels/norm.c", "Sources/CKernels/pool.c", "Sources/Runtime/Layers/Block.swift",
        "Sources/Runtime/JSON/JSONParser.swift", "scripts/lib.sh", "examples/quickstart.py",
        "scripts/int8/gguf_to_hf.py"]
CHAT = ["butler", "orders", "pirate", "sql", "tickets"]
LENGTH = 1500  # characters, about 350 tokens


def chat(name):
    """Held-out conversations of an example in ChatML, one after the other."""
    text = ""
    for line in open(f"examples/{name}/heldout.jsonl", encoding="utf-8"):
        for message in json.loads(line)["messages"]:
            text += f"<|im_start|>{message['role']}\n{message['content']}<|im_end|>\n"
        if len(text) > LENGTH:
            break
    return text


texts = [open(f"{name}.md", encoding="utf-8").read() for name in ENGLISH]
texts += [open(name, encoding="utf-8").read() for name in CODE]
texts = [text[:LENGTH] for text in texts] + [chat(name)[:LENGTH] for name in CHAT]
with open(sys.argv[1], "w", encoding="utf-8") as file:
    file.writelines(json.dumps({"text": text}) + "\n" for text in texts)
