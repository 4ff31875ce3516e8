"""`python tests/gallery/shoot.py BASE OUT NAME=PATH … [--user NAME] [--only 1280-light]`: pictures."""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip


def main() -> None:
    words = sys.argv[1:]
    user = words[words.index("--user") + 1] if "--user" in words else ""
    only = words[words.index("--only") + 1].split(",") if "--only" in words else None
    language = words[words.index("--lang") + 1] if "--lang" in words else "en"
    password = words[words.index("--password") + 1] if "--password" in words else "look-and-see-1"
    base, out = words[0], Path(words[1])
    pages = [word.split("=", 1) for word in words[2:] if "=" in word and not word.startswith("--")]
    out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        for width in (1280, 390):
            for theme in ("light", "dark"):
                if only and f"{width}-{theme}" not in only:
                    continue
                context = browser.new_context(
                    viewport={"width": width, "height": 900},
                    color_scheme=theme,
                    locale=language,
                    device_scale_factor=1,
                )
                page = context.new_page()
                page.on(
                    "console",
                    lambda m: (
                        print("console:", m.type, m.text[:300]) if m.type in ("error", "warning") else None
                    ),
                )
                if user:
                    page.goto(f"{base}/sign-in")
                    page.fill("#username", user)
                    page.fill("#password", password)
                    page.click("main form button")
                for name, path in pages:
                    answer = page.goto(base + path)
                    page.wait_for_load_state("networkidle")
                    wide = page.evaluate("document.documentElement.scrollWidth")
                    if wide > width:
                        print(f"{name} {width}: overflows to {wide}")
                    print(name, width, theme, answer.status)
                    page.screenshot(path=str(out / f"{name}-{width}-{theme}.png"), full_page=True)
                context.close()
        browser.close()


if __name__ == "__main__":
    main()
