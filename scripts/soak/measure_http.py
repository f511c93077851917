#!/usr/bin/env python3
"""Measures what HTTP costs: uploads, idle connections, small requests. Fails beyond its bounds.

    scripts/soak/measure_http.py [--megabytes 512] [--connections 1000]

`wrk` measures the throughput where it is installed.
"""

import argparse
import http.client
import os
import re
import resource
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from server import Soaked, expect, show


def upload(server: Soaked, megabytes: int) -> None:
    """One big file, while the server's peak memory is watched."""
    connection = http.client.HTTPConnection(server.host)
    mark = "soak"
    head = (
        f'--{mark}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n'
        f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="big"\r\n\r\n'
    ).encode()
    tail = f"\r\n--{mark}--\r\n".encode()
    size = megabytes << 20
    before = server.resident("RssAnon")
    peak, done = before, threading.Event()

    def watch():
        nonlocal peak
        while not done.wait(0.005):
            peak = max(peak, server.resident("RssAnon"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    begun = time.monotonic()
    connection.putrequest("POST", "/v1/files")
    connection.putheader("Content-Type", f"multipart/form-data; boundary={mark}")
    connection.putheader("Content-Length", str(len(head) + size + len(tail)))
    connection.endheaders(head)
    block = os.urandom(1 << 20)
    for _ in range(megabytes):
        connection.send(block)
    connection.send(tail)
    answer = connection.getresponse()
    body = answer.read()
    seconds = time.monotonic() - begun
    done.set()
    watcher.join()
    expect(answer.status == 200, body.decode())
    show("upload", megabytes=megabytes, seconds=seconds, added_mb=peak - before)
    expect(peak - before < 30, "the upload took more than 30 MB of memory")


def idle(server: Soaked, count: int, context: ssl.SSLContext | None = None) -> None:
    """Connections that have asked once and stay open."""
    name = "tls idle" if context else "idle"
    request = b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n"
    host, port = server.host.rsplit(":", 1)

    def connect():
        plain = socket.create_connection((host, int(port)))
        made = context.wrap_socket(plain) if context else plain
        made.sendall(request)
        expect(made.recv(4096).startswith(b"HTTP/1.1 200"), "no answer")
        return made

    warm = [connect() for _ in range(32)]
    time.sleep(0.5)
    before = server.resident("RssAnon")
    connections = [connect() for _ in range(count)]
    time.sleep(1)
    added = server.resident("RssAnon") - before
    busy = server.processor_seconds()
    time.sleep(5)
    busy = server.processor_seconds() - busy
    show(name, connections=count, added_mb=added, processor_seconds_in_5=busy)
    for connection in connections + warm:
        connection.close()
    # OpenSSL alone keeps 16 KB of a session.
    limit = 25 if context else 20
    expect(added < limit, f"{count} idle connections took {added:.1f} MB")
    expect(busy <= 0.05, f"{count} idle connections took {busy:.2f} s of processor in 5 s")


def latency(server: Soaked, rate: int = 100, seconds: int = 10) -> None:
    """Small requests at a steady pace over kept connections."""
    connections = [http.client.HTTPConnection(server.host) for _ in range(8)]
    paths = ["/v1/models", "/v1/models/" + server.base]
    times = []
    begun = time.monotonic()
    for number in range(rate * seconds):
        time.sleep(max(0, begun + number / rate - time.monotonic()))
        connection = connections[number % len(connections)]
        sent = time.monotonic()
        connection.request("GET", paths[number % len(paths)])
        answer = connection.getresponse()
        answer.read()
        times.append((time.monotonic() - sent) * 1000)
        expect(answer.status == 200, "no answer")
    times = sorted(times[len(connections) :])
    p50, p99 = times[len(times) // 2], times[int(len(times) * 0.99)]
    show(f"{rate} requests/s", p50_ms=p50, p99_ms=p99, worst_ms=times[-1])
    expect(p99 < 2, f"p99 is {p99:.2f} ms")


def throughput(server: Soaked) -> None:
    if not shutil.which("wrk"):
        print("wrk is not installed: throughput is not measured")
        return
    said = subprocess.run(
        ["wrk", "-t1", "-c32", "-d5", "--latency", server.url + "/health"],
        capture_output=True, text=True, check=True,
    ).stdout
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said).group(1))
    show("wrk /health", requests_per_second=rate, p99=re.search(r"99%\s+(\S+)", said).group(1))
    expect(rate >= 5000, f"{rate:.0f} requests/s")


def certificate(folder) -> tuple[str, str]:
    """A certificate for this run alone."""
    files = str(folder / "cert.pem"), str(folder / "key.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "1", "-subj", "/CN=localhost", "-out", files[0], "-keyout", files[1]],
        check=True, capture_output=True,
    )
    return files


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=int, default=512)
    parser.add_argument("--connections", type=int, default=1000)
    options = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
    os.environ["FACET_LOG"] = "warning"
    failures = []

    def attempt(body, *arguments):
        try:
            body(*arguments)
        except AssertionError as error:
            failures.append(str(error))

    server = Soaked("--threads", "1", "--max-file-bytes", str(600 << 20))
    attempt(latency, server)
    attempt(throughput, server)
    attempt(idle, server, options.connections)
    attempt(upload, server, options.megabytes)
    server.stop()
    shutil.rmtree(server.folder)
    tls_idle(options.connections, attempt)
    expect(not failures, "\n".join(failures))
    print("passed")


def tls_idle(count: int, attempt) -> None:
    """Idle connections once more, encrypted."""
    folder = Path(tempfile.mkdtemp(prefix="facet-soak-"))
    cert, key = certificate(folder)
    server = Soaked("--threads", "1", "--tls-cert", cert, "--tls-key", key, folder=folder)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    attempt(idle, server, count, context)
    server.stop()
    shutil.rmtree(server.folder)


if __name__ == "__main__":
    main()
