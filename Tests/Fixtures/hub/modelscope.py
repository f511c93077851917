#!/usr/bin/env python3
"""Plays ModelScope for the tests, as its library asks it: lists of models and of data sets, files by
query, ranges, refusals with 200 and with other statuses.

Usage: modelscope.py   Prints `PORT modelscope` when it listens; ends with its standard input. Requests can be
read at `/log`, as JSON lines `{"server", "path", "range", "if_range", "authorization"}`.
"""
import hashlib
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

WEIGHTS = bytes(range(256)) * 4096
MODEL = {
    "config.json": b'{"model_type": "llama"}',
    "tokenizer.json": b'{"version": "1.0"}',
    "configuration.json": b'{"framework": "pytorch"}',
    "README.md": b"not needed",
    "model.safetensors": WEIGHTS,
}
ADAPTER = {
    "adapter_config.json": b"{}",
    "adapter_model.safetensors": WEIGHTS,
    "adapter_model.bin": b"not needed",
    "README.md": b"not needed",
}
DATA = {
    "README.md": b"not needed",
    "data/train-0 of 1.jsonl": b'{"text": "a"}\n' * 1000,
    "data/test.parquet": b"PAR1" * 100,
    "pictures/a.png": b"not needed",
    **{f"many/{number:03}.csv": b"text\na\n" for number in range(120)},
}
log, seen, lock = [], {}, threading.Lock()


def files(repository):
    return {"data": DATA, "adapter": ADAPTER}.get(repository.split("/")[-1], MODEL)


class ModelScope(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def reply(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer(self, data, code=200, message="success", status=200):
        body = {"Code": code, "Data": data, "Message": message, "Success": code == 200}
        self.reply(status, json.dumps(body).encode(), Content_Type="application/json")

    def do_GET(self):
        if self.path == "/log":
            return self.reply(200, "\n".join(log).encode())
        with lock:
            log.append(json.dumps({
                "server": "modelscope", "path": self.path, "range": self.headers["Range"],
                "if_range": self.headers["If-Range"], "authorization": self.headers["Authorization"]}))
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        path = parts.path.strip("/").split("/")
        kind, rest = path[2], path[3:]
        name = rest[1] if len(rest) > 1 else ""
        if name == "missing":
            return self.answer(None, 10010205001, "Repo not found", 404)
        if name == "private" and self.headers["Authorization"] != "Bearer good":
            return self.answer(None, 10990101005, "no permission", 403)
        if name == "limited":
            return self.reply(429, Retry_After="3600")
        if name == "refusing":
            return self.answer(None, 10010101001, "the request is refused")
        if kind == "datasets" and len(rest) == 2:
            return self.answer({"Id": 4711, "Type": 1, "Name": name})
        if kind == "datasets" and rest == ["4711", "repo", "tree"]:
            number, size = int(query["PageNumber"]), int(query["PageSize"])
            return self.answer({"Files": self.listing(DATA, name)[(number - 1) * size:number * size]})
        if rest[2:] == ["repo", "files"]:
            if query["Revision"] not in ("master", "v1"):
                return self.answer(None, 10010205002, "Revision not found", 404)
            return self.answer({"Files": self.listing(files(name), name)})
        return self.file(name, files(name).get(query["FilePath"]))

    def listing(self, contents, name):
        entries = [{"Name": "data", "Path": "data", "Type": "tree", "Size": 0, "Sha256": ""}]
        for path, content in contents.items():
            digest = hashlib.sha256(content).hexdigest()
            if name == "lying" and path == "model.safetensors":
                digest = "0" * 64
            entries.append({"Name": path.split("/")[-1], "Path": path, "Type": "blob",
                            "Size": len(content), "Sha256": digest})
        if name == "escaping":
            entries.append({"Name": "evil", "Path": "../../evil.json", "Type": "blob", "Size": 2, "Sha256": ""})
        return entries

    def file(self, name, content):
        if content is None:
            return self.answer(None, 10010205003, "no such file", 404)
        etag = '"' + hashlib.sha256(content).hexdigest()[:20] + '"'
        start, status = 0, 200
        if self.headers["Range"] and self.headers["If-Range"] in (None, etag):
            start, status = int(self.headers["Range"].removeprefix("bytes=").split("-")[0]), 206
        self.send_response(status)
        self.send_header("Content-Length", str(len(content) - start))
        self.send_header("ETag", etag)
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        with lock:
            seen[name] = seen.get(name, 0) + (content is WEIGHTS)
        if name == "cut" and content is WEIGHTS and seen[name] <= 2:
            self.wfile.write(content[start:start + len(content) // 4])
            self.close_connection = True
            return
        self.wfile.write(content[start:])


server = ThreadingHTTPServer(("127.0.0.1", 0), ModelScope)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], "modelscope", flush=True)
sys.stdin.read()
