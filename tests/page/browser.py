"""A browser that shows pages of ``/in``, for programs that run in the image ``browser``.

Run as a program it does what ``/in/params.json`` says: ``{"shots": [{"page", "fragment", "width", "height", "to"}]}``
takes pictures; ``{"checks": [names]}`` runs these of ``checks.py`` and writes ``/out/results.json``, what is wrong by
the name of the check, empty where nothing is.
"""

from __future__ import annotations

import json
import os
import traceback
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # the container is one: nothing runs as root, nothing can be written to, there is no network
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--hide-scrollbars",
    "--user-data-dir=/tmp/profile",
    "--force-color-profile=srgb",
    "--disable-background-networking",
)
WATCH = """
window.problems = [];
const note = (text) => window.problems.push(text);
addEventListener("securitypolicyviolation", (event) => note(`policy: ${event.blockedURI}`));
addEventListener("error", (event) => note(`error: ${event.message}`));
addEventListener("unhandledrejection", (event) => note(`rejection: ${event.reason}`));
window.alert = (text) => note(`alert: ${text}`);
"""


class Browser:
    """A window on pages."""

    def __init__(self) -> None:
        """Start Chromium."""
        os.environ["HOME"] = "/tmp"
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for option in OPTIONS:
            options.add_argument(option)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options, webdriver.ChromeService("/usr/bin/chromedriver"))
        self.command("Page.addScriptToEvaluateOnNewDocument", source=WATCH)

    def command(self, name: str, **parameters: Any) -> Any:
        """Have Chromium do what WebDriver has no word for."""
        return self.driver.execute_cdp_cmd(name, parameters)

    def open(
        self,
        page: str = "index.html",
        fragment: str = "",
        *,
        width: int = 1280,
        height: int = 800,
        scripts: bool = True,
        **media: str,
    ) -> None:
        """Show ``page`` of ``/in`` anew.

        Args:
            page: The file.
            fragment: What follows the ``#`` of its address.
            width: Of the window's inside, in CSS pixels.
            height: Likewise.
            scripts: Whether they run.
            media: ``color_scheme``, ``reduced_motion`` as in CSS; ``type``, say ``print``.
        """
        features = [
            {"name": f"prefers-{name.replace('_', '-')}", "value": value}
            for name, value in media.items()
            if name != "type"
        ]
        self.command("Emulation.setEmulatedMedia", media=media.get("type", ""), features=features)
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        self.command("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.driver.get("about:blank")
        self.driver.get(f"file:///in/{page}" + (f"#{fragment}" if fragment else ""))

    def js(self, code: str, *arguments: Any) -> Any:
        """The value of JavaScript statements."""
        return self.driver.execute_script(code, *arguments)

    def settle(self) -> None:
        """Wait until the page has drawn what is to be drawn by now."""
        self.driver.execute_async_script(
            "const [done] = arguments; setTimeout(() => requestAnimationFrame(done), 20)"
        )

    def choose(self, field: str, value: str) -> None:
        """Choose of one of the filters' lists."""
        self.js(
            "const list = document.forms.filters.elements[arguments[0]]; list.value = arguments[1];"
            "for (const kind of ['input', 'change']) list.dispatchEvent(new Event(kind, {bubbles: true}));",
            field,
            value,
        )

    def all(self, selector: str) -> list[WebElement]:
        """The elements that a CSS selector finds and that are shown."""
        return [element for element in self.driver.find_elements(By.CSS_SELECTOR, selector) if element.is_displayed()]

    def one(self, selector: str) -> WebElement:
        """The only such element."""
        found = self.all(selector)
        assert len(found) == 1, f"{len(found)} elements are shown for {selector}"
        return found[0]

    def text(self, selector: str) -> str:
        """What is read there, white space put right."""
        return " ".join(self.one(selector).text.split())

    def type(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        for key in keys:
            self.driver.switch_to.active_element.send_keys(key)

    def focus(self) -> WebElement:
        """The element that has the focus."""
        return self.driver.switch_to.active_element

    def problems(self) -> list[str]:
        """What has gone wrong since the page was opened or this was asked last: none of it should."""
        found = list(self.js("const all = window.problems; window.problems = []; return all") or [])
        found += [entry["message"] for entry in self.driver.get_log("browser")]
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                url = message["params"]["request"]["url"]
                if not url.startswith(("file:///in/", "data:", "about:")):
                    found.append(f"request: {url}")
        return found

    def shoot(self, name: str) -> None:
        """Write a picture of what is seen to ``/out``."""
        self.driver.save_screenshot(f"/out/{name}")

    def close(self) -> None:
        """End Chromium."""
        self.driver.quit()


def main() -> None:
    """Do what ``/in/params.json`` says."""
    params = json.loads(Path("/in/params.json").read_text())
    browser = Browser()
    try:
        for shot in params.get("shots", ()):
            _picture(browser, **shot)
        if params.get("checks"):
            import checks

            results = {name: _outcome(getattr(checks, name), browser) for name in params["checks"]}
            Path("/out/results.json").write_text(json.dumps(results))
    finally:
        browser.close()


def _picture(
    browser: Browser, page: str, to: str, fragment: str = "", width: int = 1280, height: int = 800, **media: str
) -> None:
    browser.open(page, fragment, width=width, height=height, **media)
    browser.shoot(to)


def _outcome(check: Any, browser: Browser) -> str:
    """What ``check`` finds wrong, or what the page complained of meanwhile."""
    browser.driver.get("about:blank")
    browser.problems()
    try:
        check(browser)
        problems = browser.problems()
        assert not problems, f"the page complained: {problems}"
    except Exception:
        browser.shoot(f"{check.__name__}.png")
        return traceback.format_exc()
    return ""


if __name__ == "__main__":
    main()
