#!/usr/bin/env python3
"""Plays a Hugging Face hub for the tests: listings, redirects, ranges, ETags, and misbehaviour.

Usage: hub.py [--tls CERT KEY]   Prints `PORT CDN-PORT` when it listens; ends with its standard input.

What a repository does is in its name: `org/plain`, `org/redirect`, … Every request is kept and can be
read at `/log`, as JSON lines `{"server", "path", "range", "if_range", "authorization"}`.
"""
import hashlib
import json
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"
WEIGHTS = bytes(range(256)) * 4096
SHARD = b"second shard " * 1000
FILES = {
    "config.json": b'{"model_type": "llama"}',
    "generation_config.json": b"{}",
    "tokenizer.json": b'{"version": "1.0"}',
    "tokenizer_config.json": b"{}",
    "chat_template.jinja": b"{{ messages }}",
    "README.md": b"not needed",
    "pytorch_model.bin": b"not needed either",
    "original/consolidated.00.pth": b"nor this",
    "model.safetensors": WEIGHTS,
}
SHARDED = {
    **{name: content for name, content in FILES.items() if name != "model.safetensors"},
    "model.safetensors.index.json": json.dumps(
        {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    ).encode(),
    "model-00001-of-00002.safetensors": WEIGHTS,
    "model-00002-of-00002.safetensors": SHARD,
    "other.safetensors": b"not in the index",
}
log, counts, lock = [], {}, threading.Lock()
ports = []
scheme = "https" if sys.argv[1:2] == ["--tls"] else "http"


def count(key):
    with lock:
        counts[key] = counts.get(key, 0) + 1
        return counts[key]


def files(repository):
    name = repository.split("/")[-1]
    if name == "examples":
        return {"README.md": b"not needed", "data/train.jsonl": b'{"text": "a"}\n', "code.py": b"nor this"}
    if name == "sharded":
        return SHARDED
    if name == "pickled":
        return {name: content for name, content in FILES.items() if not name.endswith("safetensors")}
    if name == "escaping":
        return {**FILES, "../../evil.json": b"{}"}
    if name == "escaping-index":
        index = json.dumps({"weight_map": {"a": "../../../evil.safetensors"}}).encode()
        return {**SHARDED, "model.safetensors.index.json": index}
    return FILES


class Hub(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_kind = "hub"

    def log_message(self, *arguments):
        pass

    def reply(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/log":
            return self.reply(200, "\n".join(log).encode())
        with lock:
            log.append(
                json.dumps(
                    {
                        "server": self.server_kind,
                        "path": self.path,
                        "range": self.headers["Range"],
                        "if_range": self.headers["If-Range"],
                        "authorization": self.headers["Authorization"],
                    }
                )
            )
        parts = self.path.split("?")[0].strip("/").split("/")
        # Of data sets the paths are the same, with that word in them.
        if parts[:2] == ["api", "datasets"]:
            parts[1] = "models"
        if parts[0] == "datasets":
            parts = parts[1:]
        if self.server_kind == "cdn":
            return self.content(*self.path.strip("/").split("/", 2))
        if parts[:2] == ["api", "models"]:
            return self.listing("/".join(parts[2:4]), parts[5])
        return self.file("/".join(parts[:2]), parts[3], "/".join(parts[4:]))

    def listing(self, repository, revision):
        name = repository.split("/")[-1]
        if name == "missing":
            return self.reply(401, X_Error_Code="RepoNotFound", X_Error_Message="Repository not found")
        if name == "gated" and self.headers["Authorization"] != "Bearer good":
            return self.reply(401 if not self.headers["Authorization"] else 403, X_Error_Code="GatedRepo")
        if name == "limited" or (name == "limited-once" and count("limited-once") == 1):
            return self.reply(429, Retry_After="1" if name == "limited-once" else "3600")
        if name == "broken-once" and count("broken-once") == 1:
            return self.reply(503)
        if revision not in ("main", COMMIT, "v1.0"):
            return self.reply(404, X_Error_Code="RevisionNotFound")
        siblings = []
        for path, content in files(repository).items():
            sibling = {"rfilename": path, "size": len(content), "blobId": hashlib.sha1(content).hexdigest()}
            if len(content) > 10000:
                digest = hashlib.sha256(content).hexdigest()
                if name == "lying-hash":
                    digest = "0" * 64
                sibling["lfs"] = {"sha256": digest, "size": len(content), "pointerSize": 130}
            if name == "lying-size" and path == "model.safetensors":
                sibling["size"] = sibling["lfs"]["size"] = len(content) - 1
            siblings.append(sibling)
        body = json.dumps({"id": repository, "sha": COMMIT, "siblings": siblings}).encode()
        self.reply(200, body, Content_Type="application/json")

    def file(self, repository, commit, path):
        if commit != COMMIT or path not in files(repository):
            return self.reply(404, X_Error_Code="EntryNotFound")
        name = repository.split("/")[-1]
        if name == "loop":
            return self.reply(302, Location=self.path)
        if name in ("redirect", "gated") and path.endswith("safetensors"):
            return self.reply(302, Location=f"{scheme}://localhost:{ports[1]}/{repository}/{path}")
        if name == "downgrade" and path.endswith("safetensors"):
            return self.reply(302, Location=f"http://localhost:{ports[1]}/{repository}/{path}")
        if name == "relative":
            return self.reply(307, Location=f"/org/plain/resolve/{COMMIT}/{path}")
        return self.content(*repository.split("/"), path)

    def content(self, organisation, name, path):
        content = files(f"{organisation}/{name}")[path]
        etag = '"' + hashlib.sha256(content).hexdigest()[:20] + '"'
        is_weights = path.endswith("safetensors")
        if name == "changed" and is_weights and count("changed") > 1:
            content, etag = WEIGHTS, '"another"'
        start, end, status = 0, len(content), 200
        asked = self.headers["Range"]
        if asked and name not in ("rangeless", "stuck") and self.headers["If-Range"] in (None, etag):
            start = int(asked.removeprefix("bytes=").split("-")[0])
            if start >= len(content):
                return self.reply(416, Content_Range=f"bytes */{len(content)}")
            status = 206
        self.send_response(status)
        self.send_header("Content-Length", str(end - start))
        self.send_header("ETag", etag)
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(content)}")
        self.end_headers()
        body = content[start:end]
        cuts = name in ("cut", "rangeless", "changed") and count(name + path) <= 2
        if is_weights and (cuts or name == "stuck"):
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self.close_connection = True
            return
        if name == "corrupted" and is_weights and count("corrupted") == 1:
            body = b"x" + body[1:]
        if name == "slow" and is_weights:
            for offset in range(0, len(body), 65536):
                self.wfile.write(body[offset : offset + 65536])
                time.sleep(0.05)
            return
        self.wfile.write(body)


class CDN(Hub):
    server_kind = "cdn"


def main():
    servers = []
    for handler in (Hub, CDN):
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        if sys.argv[1:2] == ["--tls"]:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(sys.argv[2], sys.argv[3])
            server.socket = context.wrap_socket(server.socket, server_side=True)
        ports.append(server.server_address[1])
        servers.append(server)
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print(*ports, flush=True)
    sys.stdin.read()


main()
