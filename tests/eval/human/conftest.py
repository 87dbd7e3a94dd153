"""A real browser, spoken to in its own protocol over a pipe: no driver to install, no port to open."""

import fcntl
import json
import os
import select
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)


SECONDS = 30


class Browser:
    """One page in headless Chromium; downloads land in `downloads`, what the page complains of in `complaints`."""

    def __init__(self, command: str, folder: Path) -> None:
        self.downloads = folder / "downloads"
        self.complaints: list[str] = []
        commands, self._write = os.pipe()
        self._read, answers = os.pipe()
        # The browser reads from 3 and writes to 4, which may be taken here.
        inside, outside = (fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (commands, answers))
        self._process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{inside} 4>&{outside}', "bash", command, "--headless", "--no-sandbox",
             "--disable-gpu", "--remote-debugging-pipe", f"--user-data-dir={folder / 'profile'}", "about:blank"],
            pass_fds=(inside, outside), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for end in (commands, answers, inside, outside):
            os.close(end)
        self._buffer, self._count, self._session = b"", 0, ""
        self._kept: list[dict[str, Any]] = []
        (target,) = [one for one in self.ask("Target.getTargets")["targetInfos"] if one["type"] == "page"]
        attached = self.ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")
        self.ask("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(self.downloads), eventsEnabled=True)

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol, and its answer."""
        self._count += 1
        session = {} if method.startswith(("Target.", "Browser.")) else {"sessionId": self._session}
        asked = {"id": self._count, "method": method, "params": parameters, **session}
        os.write(self._write, json.dumps(asked).encode() + b"\0")
        answer = self.wait(lambda message: message.get("id") == asked["id"])
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def wait(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The next message of a kind; others are kept for later."""
        for message in self._kept:
            if wanted(message):
                self._kept.remove(message)
                return message
        while not wanted(message := self._receive()):
            self._kept.append(message)
        return message

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            assert select.select([self._read], [], [], SECONDS)[0], "the browser says nothing"
            part = os.read(self._read, 1 << 16)
            assert part, "the browser has gone"
            self._buffer += part
        text, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        if message.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown"):
            self.complaints.append(json.dumps(message["params"]))
        if message.get("method") == "Network.requestWillBeSent":
            self.complaints += [url for url in [message["params"]["request"]["url"]] if url.startswith("http")]
        return message

    def open(self, page: Path, width: int = 1200) -> None:
        """Load a page in a window of some width."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self._kept.clear()
        self.ask("Page.navigate", url=page.as_uri())
        self.wait(lambda message: message.get("method") == "Page.loadEventFired")

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        answer = self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        """A key as a hand would press it: a sign, or a name such as Tab."""
        codes = {"Tab": 9, "Enter": 13, "ArrowRight": 39, " ": 32}
        text = {"Enter": "\r"}.get(key, key) if len(key) == 1 or key == "Enter" else ""
        shared = {"key": key, "windowsVirtualKeyCode": codes.get(key, ord(key[0].upper()))}
        self.ask("Input.dispatchKeyEvent", type="keyDown", text=text, **shared)
        self.ask("Input.dispatchKeyEvent", type="keyUp", **shared)

    def save(self) -> Path:
        """Wait for a download that has begun; the file."""
        begun = self.wait(lambda message: message.get("method") == "Browser.downloadWillBegin")
        self.wait(
            lambda message: (
                message.get("method") == "Browser.downloadProgress" and message["params"]["state"] == "completed"
            )
        )
        name: str = begun["params"]["suggestedFilename"]
        return self.downloads / name

    def close(self) -> None:
        """End the browser."""
        self.ask("Browser.close")
        self._process.wait(20)
        os.close(self._write)
        os.close(self._read)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium, where the machine has it."""
    if BROWSER is None:
        pytest.skip("no Chromium on this machine")
    one = Browser(BROWSER, tmp_path_factory.mktemp("browser"))
    yield one
    one.close()
