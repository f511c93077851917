"""Data come in, are seen as the model sees them, and become an expert that answers."""

import json
import os
import subprocess
from pathlib import Path

from conftest import REPOSITORY
from selenium.webdriver.common.by import By

BUTLER = REPOSITORY / "examples/butler/train.jsonl"


def upload(browser, path):
    browser.go("Data")
    browser.file("Data file", path)
    browser.wait("examples", lambda: browser.all(".example"))


def test_what_is_learned_is_marked_as_the_api_says(browser, server):
    upload(browser, BUTLER)
    file = server.call("/v1/files?purpose=fine-tune")["data"][0]
    wanted = server.call(f"/v1/files/{file['id']}/examples?limit=20")
    assert wanted["has_more"] and len(wanted["data"]) == 20
    shown = browser.all(".example .text")
    lines = BUTLER.read_text().splitlines()
    for element, example, line in zip(shown, wanted["data"], lines):
        learned = [example["text"][start:end] for start, end in example["trained"]]
        answer = json.loads(line)["messages"][-1]["content"]
        assert learned == [answer + "<|im_end|>"]
        assert [each.text for each in element.find_elements(By.TAG_NAME, "mark")] == learned
        assert element.get_attribute("textContent") == example["text"]
        assert 0 < example["trained_tokens"] < example["tokens"]
    rest = server.call(f"/v1/files/{file['id']}/examples?after=20&limit=100")
    assert rest["data"][0]["line"] == rest["data"][0]["index"] == 21
    browser.click("More examples")
    browser.wait("more of them", lambda: len(browser.all(".example")) == 40)


def test_places_count_characters_however_they_are_encoded(browser, tmp_path):
    path = tmp_path / "worlds.jsonl"
    messages = [{"role": "user", "content": "Café 🙂 你好?"}, {"role": "assistant", "content": "Ça va 🚀, 世界"}]
    path.write_text(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")
    upload(browser, path)
    assert [each.text for each in browser.all("mark")][-1] == "Ça va 🚀, 世界<|im_end|>"


def test_a_pair_shows_both_answers(browser, tmp_path):
    path = tmp_path / "pairs.jsonl"
    better, worse = ({"role": "assistant", "content": text} for text in ["Gladly.", "No."])
    record = {
        "input": {"messages": [{"role": "user", "content": "Help me?"}]},
        "preferred_output": [better],
        "non_preferred_output": [worse],
    }
    path.write_text(json.dumps(record) + "\n")
    upload(browser, path)
    assert [each.text for each in browser.all(".example mark")] == ["Gladly.<|im_end|>", "No.<|im_end|>"]


def test_a_file_that_cannot_be_learned_from_is_refused_with_its_line(browser, tmp_path):
    path = tmp_path / "broken.jsonl"
    path.write_text(BUTLER.read_text().splitlines()[0] + '\n{"oops": 1}\n')
    browser.expected = ["400"]
    browser.go("Data")
    browser.file("Data file", path)
    assert "line 2" in browser.alert() and "oops" in browser.alert()


def test_a_plan_comes_before_the_job_and_names_what_is_wrong(browser):
    upload(browser, BUTLER)
    browser.go("Tune")
    browser.choose("Data set", "train.jsonl")
    browser.choose("Preset", "Demo model")
    plan = browser.wait("a plan", lambda: next((each for each in browser.all("section") if each.accessible_name == "Plan"), None))
    for text in ["160", "80, 20 per epoch", "with the model"]:
        assert text in plan.text
    browser.expected = ["400"]
    browser.fill("LoRA rank", "0")
    assert "lora_rank" in browser.alert()
    assert browser.named("LoRA rank").get_attribute("aria-invalid") == "true"


def test_every_hyperparameter_has_a_name_and_a_description(browser, server):
    browser.go("Tune")
    browser.named("Epochs")
    rows = server.call("/v1/fine_tuning/hyperparameters")["data"]
    rows = [row for row in rows if "supervised" in row.get("methods", ["supervised"])]
    controls = browser.all("fieldset input, fieldset select")
    assert len(controls) == len(rows)
    names = [each.accessible_name for each in controls]
    assert len(set(names)) == len(names) and all(names)
    for control in controls:
        hint = browser.driver.find_element(By.ID, control.get_attribute("aria-describedby"))
        assert len(hint.text) > 10


def test_an_expert_is_made_watched_and_spoken_to(browser):
    upload(browser, BUTLER)
    browser.go("Tune")
    browser.choose("Data set", "train.jsonl")
    browser.choose("Preset", "Demo model")
    browser.fill("Suffix", "butler")
    browser.click("Start")
    job = lambda: next((each for each in browser.all(".job") if each.text.startswith("butler")), None)
    browser.wait("steps", lambda: job() and "step " in job().text and "/ 80, loss " in job().text)
    browser.wait("the end", lambda: "succeeded" in job().text)
    charts = {each.accessible_name.split(":")[0] for each in job().find_elements(By.CSS_SELECTOR, "svg[role=img]")}
    assert {"Loss of butler", "Token accuracy"} <= charts
    browser.wait("four checkpoints", lambda: job().text.count("Talk to step") == 4)
    browser.click("Talk to it")
    browser.fill("Temperature", "0")
    browser.named("Message").send_keys("What does the Norvik kettle cost?")
    browser.click("Send")
    browser.says("Very good.")


def test_a_job_can_be_cancelled(browser):
    upload(browser, BUTLER)
    browser.go("Tune")
    browser.choose("Data set", "train.jsonl")
    browser.fill("Suffix", "never")
    browser.fill("Epochs", "500")
    browser.click("Start")
    job = lambda: next((each for each in browser.all(".job") if each.text.startswith("never")), None)
    browser.wait("the job", lambda: job() and "running" in job().text)
    browser.click("Cancel")
    browser.wait("the end", lambda: "cancelled" in job().text)


def test_what_is_saved_as_yaml_is_read_back_and_trains_elsewhere(browser, tmp_path):
    upload(browser, BUTLER)
    browser.go("Tune")
    browser.choose("Data set", "train.jsonl")
    browser.fill("Suffix", "saved")
    browser.fill("Epochs", "2")
    browser.fill("Learning rate", "2e-3")
    browser.fill("LoRA target modules", "q_proj, v_proj")
    browser.choose("Learning rate scheduler", "linear")
    browser.click("Save YAML")
    path = browser.downloaded("saved*.yaml")
    browser.choose("Preset", "Defaults")
    assert browser.named("Epochs").get_attribute("value") == ""
    browser.file("Load YAML", path)
    browser.wait("the values", lambda: browser.named("Epochs").get_attribute("value") == "2")
    assert float(browser.named("Learning rate").get_attribute("value")) == 2e-3
    assert browser.named("LoRA target modules").get_attribute("value") == "q_proj, v_proj"
    assert plan(path, tmp_path)["total_steps"] == 40


def plan(path: Path, folder: Path):
    """What `facet train` makes of a file."""
    arguments = [f"model_name_or_path={REPOSITORY}/demo/base", f"dataset={BUTLER}", f"output_dir={folder}/out"]
    command = [os.environ["FACET"], "train", str(path), "--plan", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
