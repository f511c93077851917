"""Three facet servers behind HAProxy, with one PostgreSQL database and one S3 store."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time

import boto3
import pytest
import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
FACET = os.environ["FACET"]
LEASE = 3


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def until(what, seconds, ask):
    """What `ask` says, once it says something true."""
    end = time.monotonic() + seconds
    while True:
        try:
            answer = ask()
        except requests.RequestException:
            answer = None
        if answer:
            return answer
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        time.sleep(0.05)


class Postgres:
    """A server of our own, by scripts/postgres.sh."""

    def __init__(self, folder):
        self.folder, self.port = folder / "db", free_port()
        self.run(f"start_postgres {self.folder} {self.port}")
        self.url = f"postgresql://facet@127.0.0.1:{self.port}/postgres"

    def run(self, command):
        subprocess.run(["bash", "-c", f". {ROOT}/scripts/postgres.sh; {command}"], check=True)

    def stop(self):
        self.run(f"stop_postgres {self.folder} immediate")

    def signal(self, number):
        """To every process of the server: with SIGSTOP it hangs, and connections stay open."""
        first = int((self.folder / "data/postmaster.pid").read_text().split()[0])
        children = subprocess.run(["pgrep", "-P", str(first)], capture_output=True, text=True).stdout
        for process in [first, *map(int, children.split())]:
            os.kill(process, number)

    def start(self):
        self.run(f"resume_postgres {self.folder} {self.port}")


class Store:
    """moto_server; what it holds lies in its memory, so that an outage stops it without ending it."""

    def __init__(self):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "moto.server", "-p", str(self.port)]
        # After the requests below signatures are checked.
        environment = os.environ | {"INITIAL_NO_AUTH_ACTION_COUNT": "4"}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, env=environment, **quiet)
        until("moto_server", 30, lambda: requests.get(f"{self.url}/moto-api/", timeout=1))
        known = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "us-east-1"}
        iam = boto3.client("iam", endpoint_url=self.url, **known)
        iam.create_user(UserName="facet")
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
        iam.put_user_policy(UserName="facet", PolicyName="all", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName="facet")["AccessKey"]
        self.key, self.secret = key["AccessKeyId"], key["SecretAccessKey"]
        boto3.client("s3", endpoint_url=self.url, **known).create_bucket(Bucket="bucket")

    def stop(self):
        self.process.send_signal(signal.SIGSTOP)

    def start(self):
        self.process.send_signal(signal.SIGCONT)


class Server:
    def __init__(self, cluster, name, own=None):
        """`own`: where it keeps its things; by default where all servers do."""
        self.own = own
        self.cluster, self.name, self.port = cluster, name, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = cluster.folder / name
        self.start()

    def start(self):
        cluster = self.cluster
        command = [
            FACET, "serve", "--port", str(self.port), "--data", str(self.folder), "--threads", "1",
            "--api-keys", cluster.database.url, *(cluster.shared if self.own is None else self.own),
            "--job-lease", str(LEASE), "--memory", "2000", "--no-console",
            "--adapter-root", str(ROOT / "demo"),
        ]  # fmt: skip
        self.log = open(cluster.folder / f"{self.name}.log", "ab")
        self.process = subprocess.Popen(command, env=cluster.environment, stdout=self.log, stderr=self.log)

    def wait(self):
        until(self.name, 60, lambda: requests.get(f"{self.url}/readyz", timeout=2).ok)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def get(self, path, **more):
        return requests.get(self.url + path, headers=self.cluster.headers, timeout=30, **more)

    def post(self, path, body=None, **more):
        return requests.post(self.url + path, json=body, headers=self.cluster.headers, timeout=60, **more)

    def ask(self, model, text="hi", tokens=4):
        return self.post("/v1/completions", {"model": model, "prompt": text, "max_tokens": tokens, "temperature": 0})

    def upload(self, text, purpose="fine-tune"):
        files = {"file": ("data.jsonl", text)}
        return requests.post(
            self.url + "/v1/files", data={"purpose": purpose}, files=files, headers=self.cluster.headers, timeout=60
        )

    def metric(self, name, **labels):
        """The sum of a metric's series that have the labels."""
        total = 0.0
        for line in self.get("/metrics").text.splitlines():
            if line.startswith(name + "{") and all(f'{k}="{v}"' in line for k, v in labels.items()):
                total += float(line.rsplit(" ", 1)[1])
        return total


class Cluster:
    def __init__(self, folder):
        self.folder = folder
        self.database = Postgres(folder)
        self.store = Store()
        self.shared = ["--database", self.database.url, "--objects", "s3://bucket/facet"]
        self.shared += ["--s3-endpoint", self.store.url]
        secret = {"AWS_ACCESS_KEY_ID": self.store.key, "AWS_SECRET_ACCESS_KEY": self.store.secret}
        self.environment = os.environ | secret
        self.key = self.facet("keys", "create", "--tenant", "ops", "--rights", "admin,infer,train").split()[1]
        self.headers = {"Authorization": f"Bearer {self.key}"}
        self.servers = [Server(self, f"facet{i}") for i in (1, 2, 3)]
        for server in self.servers:
            server.wait()
        self.balance()

    def facet(self, command, action, *arguments):
        command = [FACET, command, action, "--api-keys", self.database.url, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def balance(self):
        """HAProxy with deploy/haproxy.cfg, for these servers."""
        port = free_port()
        text = (ROOT / "deploy/haproxy.cfg").read_text().replace("bind :8080", f"bind 127.0.0.1:{port}")
        for server in self.servers:
            text = re.sub(rf"server {server.name} \S+", f"server {server.name} 127.0.0.1:{server.port}", text)
        (self.folder / "haproxy.cfg").write_text(text)
        self.proxy = subprocess.Popen(["haproxy", "-f", str(self.folder / "haproxy.cfg")])
        self.url = f"http://127.0.0.1:{port}"
        until("haproxy", 10, lambda: requests.get(f"{self.url}/readyz", timeout=2).ok)

    def close(self):
        for process in [self.proxy, self.store.process] + [s.process for s in self.servers]:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()
        self.database.stop()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scale")
    for part in [folder, *folder.parents][:3]:
        part.chmod(0o711)
    made = Cluster(folder)
    yield made
    made.close()
