"""Experts, evaluations, the server, signing in."""

import csv
import os
import subprocess
import tarfile
import urllib.error

import pytest
from conftest import REPOSITORY, Server


def test_traffic_is_split_between_generations_and_rolled_back(browser, server):
    hashes = []
    for expert in ["orders", "pirate"]:
        body = {"lora_name": "desk", "lora_path": str(REPOSITORY / f"demo/adapters/{expert}"), "load_inplace": bool(hashes)}
        hashes.append(server.call("/v1/load_lora_adapter", body)["generation"])
    browser.go("Experts")
    browser.click("desk")
    browser.wait("two generations", lambda: len([each for each in browser.all("tbody tr")]) == 2)
    browser.fill("Alias", "front")
    browser.fill(f"Share of {hashes[0]}", "9")
    browser.fill(f"Share of {hashes[1]}", "1")
    browser.click("Save alias")
    browser.says("The alias 'front' is saved.")
    alias = lambda: next(each for each in server.call("/v1/adapters")["aliases"] if each["alias"] == "front")
    assert alias()["weights"] == {hashes[0]: 9, hashes[1]: 1}
    model = next(each for each in server.call("/v1/models")["data"] if each["id"] == "front")
    assert model["weights"] == {hashes[0]: 9, hashes[1]: 1}
    browser.says("90 %")
    browser.fill(f"Share of {hashes[0]}", "0")
    browser.click("Save alias")
    browser.wait("the change", lambda: alias()["weights"] == {hashes[1]: 1})
    browser.wait("its words", lambda: "change 2" in browser.text())
    browser.click("Roll back")
    browser.wait("the weights of before", lambda: alias()["weights"] == {hashes[0]: 9, hashes[1]: 1})


def test_an_expert_can_be_taken_elsewhere(browser):
    browser.go("Experts")
    browser.click("sql")
    browser.wait("its heading", lambda: any(each.text == "sql" for each in browser.all("h2")))
    browser.click("Export")
    names = tarfile.open(browser.downloaded("sql*.tar")).getnames()
    assert any(name.endswith("adapter_model.safetensors") for name in names)


def test_an_evaluation_counts_who_is_right(browser):
    browser.go("Data")
    browser.file("Data file", REPOSITORY / "examples/tickets/heldout.jsonl")
    browser.wait("examples", lambda: browser.all(".example"))
    browser.go("Evaluate")
    browser.choose("Data set", "heldout.jsonl")
    browser.choose("Model", "facet-demo")
    browser.choose("Model", "tickets")
    browser.click("Evaluate", "button")
    browser.wait("the matrix", lambda: "0 of 20 (0 %)" in browser.text() and "20 of 20 (100 %)" in browser.text())
    browser.click("Save as CSV")
    with open(browser.downloaded("evaluation*.csv"), newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 20 and all(row["tickets"] == row["label"] for row in rows)


def test_the_server_says_what_it_does(browser):
    browser.go("Server")
    browser.says("facet-demo")
    browser.says("0 running, 0 waiting")
    browser.says("OPENAI_BASE_URL=" + browser.url)


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """A server that asks for keys, and keys by what they are for."""
    path = tmp_path_factory.mktemp("keys") / "keys.json"
    made = {}
    for tenant, rights in [("clinic", "infer,train"), ("reader", "infer"), ("ops", "infer,train,admin")]:
        command = [os.environ["FACET"], "keys", "create", "--api-keys", str(path), "--tenant", tenant, "--rights", rights]
        made[tenant] = next(word for word in subprocess.check_output(command, text=True).split() if word.startswith("sk-"))
    server = Server("--api-keys", str(path))
    yield server, made
    assert server.stop() == 0


def test_a_key_signs_in_stays_out_of_reach_and_signs_out(chromium, keys):
    server, made = keys
    chromium.begin(server.url)
    chromium.expected = ["401"]
    assert not chromium.all("nav")
    chromium.named("API key").send_keys("sk-facet-wrong")
    chromium.click("Log in")
    assert "Incorrect API key" in chromium.alert()
    chromium.fill("API key", made["clinic"])
    chromium.click("Log in")
    chromium.named("Message").send_keys("Hello!")
    chromium.click("Send")
    chromium.wait("an answer", lambda: chromium.all(".turn.assistant:not([aria-busy])"))
    script = "return JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
    assert "sk-facet" not in chromium.driver.execute_script(script)
    assert "facet_session" not in chromium.driver.execute_script(script)
    cookie = chromium.driver.get_cookie("facet_session")
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict"
    chromium.driver.refresh()
    chromium.named("Message")
    chromium.click("Log out")
    chromium.named("API key")
    assert not chromium.driver.get_cookie("facet_session")
    chromium.driver.refresh()
    chromium.named("API key")
    assert "Hello!" not in chromium.text()
    chromium.finish()


def test_rights_decide_what_is_shown(chromium, keys):
    server, made = keys
    chromium.begin(server.url)
    chromium.fill("API key", made["reader"])
    chromium.click("Log in")
    chromium.go("Data")
    assert "train" in chromium.alert()
    chromium.go("Server")
    chromium.says("Only a key with the right 'admin'")
    chromium.click("Log out")
    chromium.fill("API key", made["ops"])
    chromium.click("Log in")
    chromium.go("Server")
    chromium.fill("Tenant", "ward-3")
    chromium.click("Make the key")
    text = chromium.wait("the key", lambda: next((each.text for each in chromium.all("pre") if each.text.startswith("sk-facet-")), None))
    chromium.wait("that it works", lambda: works(server, text))
    chromium.says("ward-3")
    chromium.finish()


def works(server, key):
    try:
        return server.call("/v1/models", key=key)["data"]
    except urllib.error.HTTPError:
        return False


def test_a_revoked_key_ends_its_session(chromium, keys):
    server, made = keys
    chromium.begin(server.url)
    chromium.expected = ["401"]
    chromium.fill("API key", made["ops"])
    chromium.click("Log in")
    chromium.go("Server")
    chromium.named("Tenant")
    own = next(each for each in server.call("/v1/keys", key=made["ops"])["data"] if each["tenant"] == "ops")
    chromium.click(f"Revoke {own['id']}")
    chromium.driver.switch_to.alert.accept()
    chromium.named("API key")
    chromium.finish()


def test_there_is_no_console_where_none_is_wanted():
    server = Server("--no-console")
    for path in ["/", "/console/app.js"]:
        with pytest.raises(urllib.error.HTTPError) as caught:
            server.call(path)
        assert caught.value.code == 404
    assert server.stop() == 0
