"""Every page for everybody: two languages, a phone, the keyboard, a screen reader, a lost server."""

import json

import pytest
from axe_core_python.base import AXE_SCRIPT
from conftest import REPOSITORY, Server
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

PAGES = ["Chat", "Data", "Tune", "Experts", "Evaluate", "Server"]


def settle(browser):
    """Waits until a page has got all it asked for."""
    browser.wait("the page", lambda: browser.all("main .card"))
    browser.wait("its data", lambda: browser.driver.execute_script(
        "const seen = performance.getEntriesByType('resource').length;"
        "const same = seen === window.seenBefore; window.seenBefore = seen; return same"
    ) or "Server" in browser.driver.title)


def violations(browser):
    browser.driver.execute_script(AXE_SCRIPT)
    found = browser.driver.execute_async_script(
        "const done = arguments[0]; axe.run(document).then((result) => done(result.violations), (error) => done(String(error)))"
    )
    return [(each["id"], each["nodes"][0]["html"]) for each in found if each["impact"] in ("serious", "critical")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_fault_for_those_who_see_or_hear_otherwise(browser, scheme):
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    for page in PAGES:
        browser.go(page)
        settle(browser)
        assert violations(browser) == [], page
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_pages_fit_a_phone_in_both_languages(browser):
    browser.go("Data")
    browser.file("Data file", REPOSITORY / "examples/tickets/heldout.jsonl")
    browser.wait("examples", lambda: browser.all(".example"))
    for language, code in [("中文", "zh"), ("English", "en")]:
        browser.choose("Language", language)
        browser.size(400, 800)
        for number in range(len(PAGES)):
            browser.all("nav a")[number].click()
            settle(browser)
            width = browser.driver.execute_script("return document.documentElement.scrollWidth")
            assert width <= 400, (language, PAGES[number], width)
            assert browser.driver.execute_script("return document.documentElement.lang").startswith(code)
        browser.all("nav a")[4].click()
        browser.wait("data sets", lambda: len(browser.all("select[multiple]")) == 2)
        browser.all("select[multiple] option")[0].click()
        browser.all("form button.main")[0].click()
        browser.wait("the end", lambda: browser.all("details.card summary") and not browser.all("progress"))
        browser.all("details.card summary")[0].click()
        browser.wait("answers", lambda: browser.all("details.card tbody tr"))
        width = browser.driver.execute_script("return document.documentElement.scrollWidth")
        assert width <= 400, (language, "results", width)
        words = [each.text for each in browser.all("nav a")]
        assert (words == PAGES) == (code == "en") and all(words)
        browser.size(1280, 900)
    assert len(browser.all("nav")) == 1 and len(browser.all("main")) == 1


def test_the_language_is_remembered_and_names_follow_it(browser):
    browser.choose("Language", "中文")
    browser.named("消息")
    browser.driver.refresh()
    browser.named("发送")
    browser.choose("Language", "English")
    browser.named("Send")


def test_the_keyboard_alone_is_enough(browser):
    browser.named("Message")
    press = lambda *keys: browser.driver.switch_to.active_element.send_keys(*keys)
    press(Keys.TAB)
    assert browser.driver.switch_to.active_element.text == "Skip to content"
    press(Keys.ENTER)
    seen = set()
    while browser.driver.switch_to.active_element.accessible_name != "Message":
        press(Keys.TAB)
        seen.add(browser.driver.switch_to.active_element.accessible_name)
        assert len(seen) < 40, seen
    assert {"Model", "Compare", "Temperature", "Max tokens", "More settings"} <= seen
    outline = "return getComputedStyle(document.activeElement).outlineWidth"
    assert browser.driver.execute_script(outline) != "0px"
    press("Hello!", Keys.ENTER)
    browser.wait("an answer", lambda: browser.all(".turn.assistant:not([aria-busy])"))


def test_a_lost_server_is_said_and_nothing_typed_is_lost(chromium):
    server = Server()
    chromium.begin(server.url)
    chromium.expected = ["ERR_CONNECTION_REFUSED", "ERR_"]
    chromium.named("Message").send_keys("Are you there?")
    assert server.stop() == 0
    chromium.click("Send")
    assert "cannot be reached" in chromium.alert()
    assert "Are you there?" in chromium.text()
    assert chromium.has("Retry")
    chromium.finish()


def test_the_first_page_is_small_and_comes_at_once(browser):
    browser.named("Message")
    sizes = browser.driver.execute_script(
        "return performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))"
        ".map((each) => each.transferSize)"
    )
    assert sum(sizes) < 150_000
    paint = browser.driver.execute_script(
        "return performance.getEntriesByType('paint').find((each) => each.name === 'first-contentful-paint').startTime"
    )
    assert paint < 2000, f"{json.dumps(sizes)}"
