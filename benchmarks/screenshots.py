"""`make screenshots`: the pictures of README, of the report that `make demo` writes about the planted bug."""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / ".rlops" / "demo" / "no_bootstrap.html"
PICTURES = {
    "report.png": {"viewport": {"width": 1200, "height": 800}, "color_scheme": "light"},
    "report-dark.png": {"viewport": {"width": 1200, "height": 800}, "color_scheme": "dark"},
    "report-phone.png": {"viewport": {"width": 400, "height": 800}, "color_scheme": "light"},
}


def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("there is no chromium on PATH; apt-get install chromium")
    if not REPORT.is_file():
        sys.exit(f"there is no {REPORT}; make demo writes it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, how in PICTURES.items():
            page = browser.new_context(**how).new_page()
            page.goto(REPORT.as_uri())
            page.screenshot(path=ROOT / "docs" / name)
            print(f"docs/{name}")
        browser.close()


if __name__ == "__main__":
    main()
