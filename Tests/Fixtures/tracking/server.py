#!/usr/bin/env python3
"""Plays the tracking servers of W&B and MLflow for the tests.

Usage: server.py   Prints its port when it listens; ends with its standard input. Every request is kept
and can be read at `/log`, as JSON lines `{"path", "authorization", "body"}`.
"""
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

log, experiments, lock = [], {}, threading.Lock()
ROOT = "/api/2.0/mlflow"


class Tracker(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def reply(self, value, status=200):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def keep(self, body):
        with lock:
            log.append({"path": self.path, "authorization": self.headers["Authorization"], "body": body})

    def do_GET(self):
        if self.path == "/log":
            return self.reply("".join(json.dumps(entry) + "\n" for entry in log).encode())
        self.keep(None)
        name = self.path.split("experiment_name=")[-1]
        if name in experiments:
            return self.reply({"experiment": {"experiment_id": experiments[name]}})
        self.reply({"error_code": "RESOURCE_DOES_NOT_EXIST"}, 404)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.keep(body)
        if self.path == "/graphql":
            given = body["variables"]
            return self.reply({"data": {"upsertBucket": {"inserted": True, "bucket": {
                "id": "x", "name": given["name"], "historyLineCount": 0,
                "project": {"name": given["project"], "entity": {"name": given["entity"] or "me"}}}}}})
        if self.path == ROOT + "/experiments/create":
            experiments[body["name"].replace(" ", "%20")] = "17"
            return self.reply({"experiment_id": "17"})
        if self.path == ROOT + "/runs/create":
            return self.reply({"run": {"info": {"run_id": "run-of-" + body["experiment_id"]}}})
        self.reply({})


server = ThreadingHTTPServer(("127.0.0.1", 0), Tracker)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
