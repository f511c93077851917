"""What users of several servers rely on."""

import concurrent.futures
import json
import signal
import subprocess
import threading
import time

import requests
from conftest import FACET, LEASE, ROOT, Server, until

CHAT = "\n".join(
    json.dumps({"messages": [{"role": "user", "content": f"Say {i}."}, {"role": "assistant", "content": f"It is {i}."}]})
    for i in range(12)
)


def load(server, name, adapter="sql"):
    path = str(ROOT / "demo/adapters" / adapter)
    return server.post("/v1/load_lora_adapter", {"lora_name": name, "lora_path": path})


def models(server):
    return {m["id"] for m in server.get("/v1/models").json()["data"]}


def soon(what, ask):
    """Within the second that is promised, and a moment for the machine."""
    until(what, 1.5, ask)


def train(server, epochs, file, **more):
    body = {
        "model": "facet-demo",
        "training_file": file,
        "hyperparameters": {"n_epochs": epochs, "batch_size": 4, "lora_rank": 4, "save_steps": 3} | more,
        "seed": 7,
    }
    answer = server.post("/v1/fine_tuning/jobs", body)
    assert answer.ok, answer.text
    return answer.json()["id"]


def job(server, key):
    return server.get(f"/v1/fine_tuning/jobs/{key}").json()


def losses(server, key):
    events = server.get(f"/v1/fine_tuning/jobs/{key}/events?limit=1000").json()["data"]
    return {e["data"]["step"]: e["data"]["train_loss"] for e in events if e["type"] == "metrics"}


def test_what_one_server_is_told_all_know(cluster):
    a, b, c = cluster.servers
    assert load(a, "told").ok
    for server in (b, c):
        soon("the adapter elsewhere", lambda: "told" in models(server))
        answer = server.ask("told")
        assert answer.ok and answer.headers["x-facet-adapter"] == "told", answer.text
    assert b.post("/v1/adapters/told/alias", {"alias": "stable"}).ok
    soon("the alias elsewhere", lambda: c.ask("stable").ok)
    made = b.upload(CHAT)
    assert made.ok, made.text
    assert c.get(f"/v1/files/{made.json()['id']}/content").text == CHAT
    answers = {s.ask("told", tokens=12).json()["choices"][0]["text"] for s in cluster.servers}
    assert len(answers) == 1
    assert c.post("/v1/unload_lora_adapter", {"lora_name": "told"}).ok
    soon("the adapter is gone", lambda: a.ask("told").status_code == 404)


def test_a_response_is_gone_on_from_elsewhere(cluster):
    a, b, c = cluster.servers
    first = a.post("/v1/responses", {"model": "facet-demo", "input": "My name is Ada.", "max_output_tokens": 4})
    assert first.ok, first.text
    name = first.json()["id"]
    soon("the response elsewhere", lambda: b.get(f"/v1/responses/{name}").ok)
    body = {"model": "facet-demo", "input": "And yours?", "previous_response_id": name, "max_output_tokens": 4}
    second = b.post("/v1/responses", body)
    assert second.ok, second.text
    soon("its items", lambda: len(c.get(f"/v1/responses/{second.json()['id']}/input_items").json().get("data", [])) == 3)
    deleted = requests.delete(f"{c.url}/v1/responses/{name}", headers=cluster.headers, timeout=5)
    assert deleted.ok
    time.sleep(5.5)
    assert {s.get(f"/v1/responses/{name}").status_code for s in cluster.servers} == {404}


def test_keys_are_shared_and_revoked_within_a_second(cluster):
    name, key = cluster.facet("keys", "create", "--tenant", "acme").split()
    headers = {"Authorization": f"Bearer {key}"}

    def status(server):
        return requests.get(f"{server.url}/v1/models", headers=headers, timeout=5).status_code

    for server in cluster.servers:
        soon("the key", lambda: status(server) == 200)
    cluster.facet("keys", "revoke", name)
    for server in cluster.servers:
        soon("the revocation", lambda: status(server) == 401)


def test_a_large_file_goes_in_parts_and_comes_back_elsewhere(cluster):
    a, _, c = cluster.servers
    line = json.dumps({"custom_id": "x", "note": "é" * 4000}) + "\n"
    text = line * (20_000_000 // len(line))
    made = a.upload(text.encode(), purpose="user_data")
    assert made.ok, made.text
    content = c.get(f"/v1/files/{made.json()['id']}/content").content
    assert content == text.encode()


def test_a_job_is_taken_over_and_ends_in_the_same_bits(cluster):
    a, b, c = cluster.servers
    file = a.upload(CHAT).json()["id"]
    whole = train(a, 8, file)
    until("the job that is left alone", 90, lambda: job(a, whole)["status"] == "succeeded")
    cut = train(b, 8, file)
    until("its first checkpoint", 60, lambda: len(losses(a, cut)) > 4)
    worker = job(a, cut)["worker"]
    victim = next(s for s in cluster.servers if worker.endswith(f"/{s.process.pid}"))
    others = [s for s in cluster.servers if s is not victim]
    # Stopped, not killed: it will go on, and must write nothing then.
    victim.process.send_signal(signal.SIGSTOP)
    stopped = time.monotonic()
    until("the takeover", 30, lambda: job(others[0], cut)["worker"] != worker)
    took = time.monotonic() - stopped
    assert took <= 2 * LEASE + 2, took
    victim.process.send_signal(signal.SIGCONT)
    done = until("its end", 90, lambda: (j := job(others[0], cut))["status"] == "succeeded" and j)
    assert done["worker"] != worker
    assert losses(others[0], cut) == losses(others[0], whole)

    def content(key):
        name = job(others[0], key)["fine_tuned_model"]

        def generation():
            rows = others[0].get("/v1/adapters").json()["data"]
            return next((r["generation"] for r in rows if r["name"] == name), None)

        return until("its model", 1.5, generation)

    assert content(cut) == content(whole)
    print(f"takeover after {took:.1f} s with a lease of {LEASE} s")


def test_a_batch_goes_on_elsewhere_and_answers_each_line_once(cluster):
    a, b, _ = cluster.servers
    body = {"model": "sql", "prompt": "List all orders", "max_tokens": 40, "ignore_eos": True}
    lines = [
        json.dumps({"custom_id": f"line-{i}", "method": "POST", "url": "/v1/completions", "body": body})
        for i in range(120)
    ]
    file = a.upload("\n".join(lines), purpose="batch").json()["id"]
    made = a.post("/v1/batches", {"input_file_id": file, "endpoint": "/v1/completions", "completion_window": "24h"})
    name = made.json()["id"]

    def batch():
        return b.get(f"/v1/batches/{name}").json()

    until("its first answers", 30, lambda: batch()["request_counts"]["completed"] > 5)
    a.kill()
    before = batch()["request_counts"]["completed"]
    assert before < 120
    done = until("its end", 90, lambda: (found := batch())["status"] == "completed" and found)
    assert done["request_counts"] == {"total": 120, "completed": 120, "failed": 0}
    output = b.get(f"/v1/files/{done['output_file_id']}/content").text.splitlines()
    assert sorted(json.loads(line)["custom_id"] for line in output) == sorted(f"line-{i}" for i in range(120))
    a.start()
    a.wait()
    print(f"a batch of 120 lines, {before} of them answered by a server that died")


def test_limits_are_shared(cluster):
    key = cluster.facet("keys", "create", "--tenant", "small", "--limits", "requests=30").split()[1]
    headers = {"Authorization": f"Bearer {key}"}
    # Asking whether the key is known already would count.
    time.sleep(1.5)
    begun = time.monotonic()
    answers = [
        requests.get(f"{cluster.servers[i % 3].url}/v1/models", headers=headers, timeout=5).status_code
        for i in range(60)
    ]
    allowed = 30 + (time.monotonic() - begun) / 2 + 1
    assert set(answers) <= {200, 429} and 20 <= answers.count(200) <= allowed, answers


def test_nothing_acknowledged_is_lost_when_servers_die_under_load(cluster):
    kept, failures, end = [], [], threading.Event()

    def work(number):
        count = 0
        while not end.is_set():
            server = cluster.servers[(number + count) % 3]
            count += 1
            try:
                made = server.upload(f"{number} {count}".encode(), purpose="user_data")
                if made.ok:
                    kept.append((made.json()["id"], f"{number} {count}"))
                elif made.status_code != 503:
                    failures.append(made.text)
            except requests.RequestException:
                time.sleep(0.05)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    cluster.servers[1].kill()
    time.sleep(1)
    cluster.servers[1].start()
    time.sleep(1)
    end.set()
    for thread in threads:
        thread.join()
    cluster.servers[1].wait()
    assert not failures and len(kept) > 20, failures
    for name, text in kept:
        assert cluster.servers[2].get(f"/v1/files/{name}/content").text == text
    print(f"{len(kept)} files acknowledged, all there")


def refused(answer):
    error = answer.json()["error"]
    assert answer.status_code == 503 and error["message"] and "Retry-After" in answer.headers, answer.text
    return True


def test_without_the_database_what_is_resident_answers(cluster):
    a = cluster.servers[0]
    assert load(a, "warm").ok and a.ask("warm").ok
    cluster.database.stop()
    try:
        for _ in range(3):
            assert a.get("/readyz").status_code == 200
            assert a.ask("facet-demo").ok
            answer = a.ask("warm")
            assert answer.ok and answer.headers["x-facet-resident"] == "hit"
            begun = time.monotonic()
            refused(load(a, "new"))
            refused(a.upload("x", purpose="user_data"))
            assert time.monotonic() - begun < 10
            assert a.get("/metrics").ok
            time.sleep(1)
        unknown = requests.get(f"{a.url}/v1/models", headers={"Authorization": "Bearer sk-facet-x-y"}, timeout=5)
        assert unknown.status_code == 503
    finally:
        cluster.database.start()
    until("writes again", 5, lambda: load(a, "new").ok)


def test_a_database_that_hangs_is_an_outage_within_seconds(cluster):
    a = cluster.servers[0]
    assert a.ask("facet-demo").ok
    cluster.database.signal(signal.SIGSTOP)
    try:
        slowest = 0
        for _ in range(4):
            begun = time.monotonic()
            refused(a.upload("x", purpose="user_data"))
            slowest = max(slowest, time.monotonic() - begun)
            begun = time.monotonic()
            assert a.ask("facet-demo").ok and a.get("/readyz").ok
            assert time.monotonic() - begun < 2
        assert slowest < 5
        print(f"a database that hangs: 503 after at most {slowest:.1f} s")
    finally:
        cluster.database.signal(signal.SIGCONT)
    until("writes again", 10, lambda: a.upload("x", purpose="user_data").ok)


def test_without_the_object_store_what_is_resident_answers(cluster):
    a, b, _ = cluster.servers
    assert load(a, "cold", "pirate").ok
    soon("its name", lambda: "cold" in models(b))
    cluster.store.stop()
    try:
        assert b.get("/readyz").status_code == 200
        assert b.ask("facet-demo").ok and a.ask("cold").ok
        begun = time.monotonic()
        refused(a.upload("x", purpose="user_data"))
        assert time.monotonic() - begun < 6
    finally:
        cluster.store.start()
    until("writes again", 10, lambda: a.upload("x", purpose="user_data").ok)


def test_each_adapter_stays_on_one_server(cluster):
    names = [f"expert-{i}" for i in range(30)]
    for name in names:
        assert load(cluster.servers[0], name).ok
    for server in cluster.servers:
        soon("the adapters", lambda: set(names) <= models(server))
    weights = [1 / (i + 1) for i in range(30)]
    asked = [n for n, w in zip(names, weights) for _ in range(max(1, round(w * 60)))]

    def ask(name):
        body = {"model": name, "prompt": "hi", "max_tokens": 1}
        return requests.post(f"{cluster.url}/v1/completions", json=body, headers=cluster.headers, timeout=60)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert all(a.ok for a in pool.map(ask, asked))
    hits = total = 0
    for name in names:
        counts = [s.metric("facet_adapter_requests_total", adapter=name) for s in cluster.servers]
        hits, total = hits + max(counts), total + sum(counts)
    assert total == len(asked)
    assert hits / total >= 0.9
    print(f"affinity {100 * hits / total:.0f} % of {len(asked)} requests for 30 adapters")


def test_a_data_directory_moves_to_the_shared_stores(cluster, tmp_path):
    """One server on its own, then `facet migrate`, then a server that starts with an empty directory."""
    subprocess.run(["psql", cluster.database.url, "-qc", "CREATE DATABASE moved"], check=True)
    url = cluster.database.url.replace("/postgres", "/moved")
    alone = Server(cluster, "alone", own=[])
    alone.wait()
    assert load(alone, "mine").ok
    file = alone.upload(CHAT).json()["id"]
    key = train(alone, 2, file)
    until("its job", 60, lambda: job(alone, key)["status"] == "succeeded")
    model = job(alone, key)["fine_tuned_model"]
    answer = alone.ask(model).json()["choices"][0]["text"]
    alone.process.send_signal(signal.SIGTERM)
    assert alone.process.wait(30) == 0
    objects = ["--objects", "s3://bucket/moved", "--s3-endpoint", cluster.store.url]
    moved = subprocess.run(
        [FACET, "migrate", "--from", str(alone.folder), "--to", url, *objects],
        env=cluster.environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert "jobEvent" in moved.stdout, moved.stdout
    again = subprocess.run(
        [FACET, "migrate", "--from", str(alone.folder), "--to", url, *objects],
        env=cluster.environment, capture_output=True, text=True,
    )  # fmt: skip
    assert again.returncode != 0 and "already" in again.stderr
    fresh = Server(cluster, "fresh", own=["--database", url, *objects])
    fresh.wait()
    assert "mine" in models(fresh)
    assert fresh.ask(model).json()["choices"][0]["text"] == answer
    assert fresh.get(f"/v1/files/{file}/content").text == CHAT
    assert losses(fresh, key)
    later = fresh.upload(CHAT).json()["id"]
    assert fresh.get("/v1/files").json()["data"][0]["id"] == later
    fresh.kill()


def test_a_server_drains_without_a_failed_request(cluster):
    failures, count, end = [], [0], threading.Event()

    def work():
        while not end.is_set():
            body = {"model": "facet-demo", "prompt": "hi", "max_tokens": 3}
            answer = requests.post(f"{cluster.url}/v1/completions", json=body, headers=cluster.headers, timeout=60)
            count[0] += 1
            if not answer.ok:
                failures.append((answer.status_code, answer.text))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for server in cluster.servers:
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(60) == 0
        server.start()
        server.wait()
        time.sleep(1.5)
    end.set()
    for thread in threads:
        thread.join()
    assert not failures and count[0] > 20, failures[:3]
    print(f"{count[0]} requests during the restart of all servers, none failed")
