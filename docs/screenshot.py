"""Make docs/console.png, the picture of the console in the README.

    python docs/screenshot.py [--chromium /usr/bin/chromium]

Starts `headrace demo` in a temporary folder, waits until samples have come in, types a sentence, and takes the picture. The machine needs
fonts for 38 languages and for emoji (on Debian: fonts-noto-core, fonts-noto-cjk, fonts-noto-color-emoji).
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

PICTURE = Path(__file__).with_name("console.png")
SENTENCE = "Hur mycket är klockan, och när går bussen?"


def main() -> None:
    """Take the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "headrace", "demo", "--port", "0"]
        demo = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True, env={**os.environ})
        try:
            assert demo.stdout is not None
            address = demo.stdout.readline().split()[3]
            picture(address, options.chromium)
        finally:
            demo.send_signal(signal.SIGINT)
            demo.wait()


def picture(address: str, chromium: str) -> None:
    """What a visitor sees half a minute after the start."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 860}, device_scale_factor=1.5)
        page.goto(address)
        page.wait_for_timeout(25_000)
        page.locator("textarea").first.fill(SENTENCE)
        page.wait_for_timeout(3_000)
        # A headless browser shows no bar where room is kept for it.
        page.add_style_tag(content="html { scrollbar-gutter: auto }")
        page.screenshot(path=PICTURE, animations="disabled")
        browser.close()


if __name__ == "__main__":
    main()
