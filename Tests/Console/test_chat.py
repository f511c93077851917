"""Chat: asking, comparing, editing, rating."""

import json

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

QUESTION = "What does the Norvik kettle cost?"


def answers(browser):
    """What was answered so far, column by column."""
    done = browser.all(".turn.assistant:not([aria-busy])")
    return [each.find_element(By.CSS_SELECTOR, ".body").text for each in done]


def ask(browser, text, count):
    browser.named("Message").send_keys(text)
    browser.click("Send")
    return browser.wait(f"{count} answers", lambda: (found := answers(browser)) and len(found) >= count and found)


def test_an_answer_survives_a_reload_as_does_what_was_typed(browser):
    browser.fill("Temperature", "0")
    (answer,) = ask(browser, QUESTION, 1)
    assert "Norvik" in answer
    assert "tokens" in browser.all(".turn.assistant")[0].text
    browser.named("Message").send_keys("half a quest")
    browser.driver.refresh()
    assert browser.named("Message").get_attribute("value") == "half a quest"
    assert answers(browser) == [answer]
    assert browser.named("Temperature").get_attribute("value") == "0"


def test_two_experts_answer_the_same_question_side_by_side(browser, server):
    browser.choose("Model", "pirate")
    browser.choose("Compare", "tickets")
    browser.fill("Temperature", "0")
    browser.fill("Max tokens", "20")
    found = ask(browser, "Please send me the invoice for the Breeze fan.", 2)
    for name, answer in zip(["pirate", "tickets"], found):
        body = {
            "model": name,
            "temperature": 0,
            "max_tokens": 20,
            "messages": [{"role": "user", "content": "Please send me the invoice for the Breeze fan."}],
        }
        assert answer == server.call("/v1/chat/completions", body)["choices"][0]["message"]["content"]


def test_a_mix_of_experts_answers(browser):
    browser.choose("Model", "A mix of experts")
    browser.fill("Mix", "pirate=0.8, tickets=0.2")
    assert ask(browser, QUESTION, 1)[0]
    browser.fill("Mix", "nobody=1")
    browser.named("Message").send_keys("Again?")
    browser.expected = ["404"]
    browser.click("Send")
    assert "nobody" in browser.alert()


def test_an_edited_question_is_a_version_beside_the_first(browser):
    browser.fill("Temperature", "0")
    (first,) = ask(browser, QUESTION, 1)
    browser.click("Edit")
    browser.named("Edited message").clear()
    browser.named("Edited message").send_keys("Tell me a short story.")
    browser.click("Ask again")
    browser.wait("another answer", lambda: (found := answers(browser)) and found != [first] and len(found) == 1)
    browser.says("2 / 2")
    browser.click("Previous version")
    browser.wait("the first answer", lambda: answers(browser) == [first])


def test_a_long_answer_can_be_stopped(browser, server):
    browser.click("More settings")
    browser.named("JSON Schema of the answer").send_keys('{"type": "array", "items": {"type": "integer"}, "minItems": 200}')
    browser.fill("Max tokens", "900")
    browser.named("Message").send_keys("Count.")
    # So slow a line that no answer ends by itself in time.
    browser.speed(4000)
    browser.click("Send")
    browser.wait("its first words", lambda: any(each.text for each in browser.all(".turn.assistant .body")))
    browser.click("Stop")
    browser.says("Stopped.")
    browser.speed(-1)
    assert browser.named("Send").is_enabled() and browser.has("Retry") and not browser.has("Stop")
    browser.wait("an idle server", lambda: not any(each["is_processing"] for each in server.call("/slots")))


def test_tokens_show_their_probabilities_and_what_could_have_stood_there(browser):
    browser.click("More settings")
    browser.click("Show token probabilities")
    browser.fill("Temperature", "0")
    ask(browser, QUESTION, 1)
    tokens = browser.wait("tokens", lambda: browser.all("button.token"))
    assert len(tokens) > 3
    tokens[0].click()
    alternatives = browser.wait("alternatives", lambda: browser.all(".alternatives li"))
    shares = [float(each.text.split()[-2].replace(",", "")) for each in alternatives]
    assert len(shares) == 5 and shares == sorted(shares, reverse=True)


def test_a_schema_holds_the_answer_and_a_broken_one_is_said(browser):
    browser.click("More settings")
    schema = '{"type": "object", "properties": {"price": {"type": "integer"}}, "required": ["price"]}'
    browser.named("JSON Schema of the answer").send_keys(schema)
    browser.fill("Max tokens", "200")
    (answer,) = ask(browser, QUESTION, 1)
    assert isinstance(json.loads(answer)["price"], int)
    browser.named("JSON Schema of the answer").send_keys("}")
    browser.named("Message").send_keys("Again?")
    browser.click("Send")
    assert "JSON Schema of the answer" in browser.alert()


def test_a_call_of_a_tool_is_shown_and_its_result_goes_back(browser):
    browser.click("More settings")
    parameters = {"type": "object", "properties": {"amount": {"type": "integer"}}, "required": ["amount"]}
    tool = {"type": "function", "function": {"name": "look_up", "parameters": parameters}}
    browser.named("Tools").send_keys(json.dumps([tool]))
    browser.choose("Tool choice", "a call")
    browser.named("Message").send_keys(QUESTION)
    browser.click("Send")
    call = browser.wait("a call", lambda: browser.all(".turn.assistant:not([aria-busy]) .call"))[0]
    assert call.find_element(By.TAG_NAME, "strong").text == "look_up"
    assert isinstance(json.loads(call.find_element(By.TAG_NAME, "code").text)["amount"], int)
    browser.choose("Tool choice", "no call")
    browser.named("Result of look_up").send_keys("168 crowns")
    browser.click("Send results")
    browser.wait("an answer", lambda: len(answers(browser)) == 2)
    assert "168 crowns" in browser.all(".turn.tool")[0].text


def test_markup_in_an_answer_stays_text(browser):
    browser.named("Message").send_keys("<img src=x onerror=alert(1)><b>bold</b>")
    browser.click("Send")
    browser.wait("the question", lambda: browser.all(".turn.user .body"))
    assert browser.all(".turn.user .body")[0].text == "<img src=x onerror=alert(1)><b>bold</b>"
    assert browser.driver.find_elements(By.CSS_SELECTOR, ".turn img, .turn b") == []
    browser.wait("an answer", lambda: answers(browser))


def test_rated_and_corrected_answers_become_a_data_set(browser):
    browser.fill("Temperature", "0")
    ask(browser, QUESTION, 1)
    browser.click("Correct")
    browser.named("Corrected answer").clear()
    browser.named("Corrected answer").send_keys("It costs 168 crowns.")
    browser.click("Keep correction")
    browser.says("Corrected: It costs 168 crowns.")
    browser.go("Data")
    browser.click("Make examples")
    browser.wait("the correction as what is learned", lambda: any(
        "It costs 168 crowns." in mark.text for mark in browser.all("mark")
    ))


def test_enter_sends_and_shift_enter_begins_a_line(browser):
    browser.named("Message").send_keys("Hello", Keys.SHIFT + Keys.ENTER, Keys.NULL, "there", Keys.ENTER)
    browser.wait("the question", lambda: browser.all(".turn.user .body"))
    assert browser.all(".turn.user .body")[0].text == "Hello\nthere"
    browser.wait("an answer", lambda: answers(browser))
