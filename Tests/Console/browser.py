"""Chromium as a person uses it: things are found by the names a screen reader says."""

import json
import shutil
import time
from pathlib import Path
from urllib.parse import urlsplit

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

CONTROLS = "input, select, textarea, button, a, summary"
PATIENCE = 30


class Browser:
    """One Chromium for all tests; `begin` gives it a clean memory, `finish` looks for what went wrong."""

    def __init__(self, downloads: Path):
        self.downloads = downloads
        options = webdriver.ChromeOptions()
        if chromium := shutil.which("chromium"):
            options.binary_location = chromium
        for argument in ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--lang=en"]:
            options.add_argument(argument)
        options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        self.expected: list[str] = []

    def quit(self):
        self.driver.quit()

    def begin(self, url: str, page: str = ""):
        self.url = url
        self.expected = []
        self.size(1280, 900)
        self.speed(-1)
        self.driver.get(url + "/health")
        self.driver.execute_script("localStorage.clear(); sessionStorage.clear()")
        self.driver.delete_all_cookies()
        for log in ["browser", "performance"]:
            self.driver.get_log(log)
        self.driver.get(f"{url}/{page}")

    def finish(self):
        """No error in the browser's console that a test did not ask for, and no request elsewhere."""
        errors = [
            entry["message"]
            for entry in self.driver.get_log("browser")
            if entry["level"] == "SEVERE"
            and not any(text in entry["message"] for text in self.expected)
        ]
        assert errors == []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                address = message["params"]["request"]["url"]
                assert address.startswith(("blob:" + self.url, "data:", "chrome:")) or (
                    urlsplit(address).netloc == urlsplit(self.url).netloc
                ), address

    def size(self, width: int, height: int):
        """The size of the page itself, which may be smaller than a window can be."""
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )

    def speed(self, bytes_per_second: int):
        """How fast answers come in; -1 is without limit."""
        self.driver.execute_cdp_cmd(
            "Network.emulateNetworkConditions",
            {"offline": False, "latency": 0, "downloadThroughput": bytes_per_second, "uploadThroughput": -1},
        )

    # Finding

    def wait(self, what, condition):
        """Waits until the condition is true, and returns what it is."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                if value := condition():
                    return value
            except StaleElementReferenceException:
                pass
            assert time.monotonic() < end, f"{what} did not come about; the page says:\n{self.text()}"
            time.sleep(0.05)

    def all(self, selector: str):
        return [each for each in self.driver.find_elements(By.CSS_SELECTOR, selector) if each.is_displayed()]

    def named(self, name: str, selector: str = CONTROLS):
        """The control of exactly that name."""
        return self.wait(
            f"'{name}'",
            lambda: next((each for each in self.all(selector) if each.accessible_name == name), None),
        )

    def has(self, name: str, selector: str = CONTROLS) -> bool:
        return any(each.accessible_name == name for each in self.all(selector))

    def text(self) -> str:
        return self.driver.find_element(By.TAG_NAME, "body").text

    def says(self, text: str):
        self.wait(f"'{text}'", lambda: text in self.text())

    def alert(self) -> str:
        return self.wait("an alert", lambda: "\n".join(each.text for each in self.all("[role=alert]")))

    # Doing

    def go(self, page: str):
        self.named(page, "nav a").click()
        self.wait(f"the page {page}", lambda: any(each.text == page for each in self.all("nav a[aria-current]")))

    def click(self, name: str, selector: str = CONTROLS):
        """Clicks a control, also where the page puts another of that name in its place just then."""

        def press():
            element = self.named(name, selector)
            self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
            element.click()
            return True

        self.wait(f"a click on '{name}'", press)

    def fill(self, name: str, text: str):
        element = self.named(name)
        element.clear()
        element.send_keys(text + "\t")

    def choose(self, name: str, text: str):
        """Chooses the first option that begins with a text."""

        def pick():
            select = Select(self.named(name))
            option = next((each for each in select.options if each.text.startswith(text)), None)
            if option is not None:
                select.select_by_value(option.get_attribute("value"))
            return option is not None

        self.wait(f"'{text}' in '{name}'", pick)

    def file(self, name: str, path: Path):
        self.named(name).send_keys(str(path))

    def downloaded(self, pattern: str) -> Path:
        path = self.wait(f"the file {pattern}", lambda: next(iter(sorted(self.downloads.glob(pattern))), None))
        return path
