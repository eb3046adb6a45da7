"""Takes pictures of the report's golden pages for docs/screenshots/, and proves that a page makes no requests.

    python3 tests/screenshots/shoot.py

A small local server serves each page and records every request: there must be exactly one, for the page. Other host
names do not resolve, and Chromium's own network log must show no attempt to reach one. Needs Chromium.
"""

import contextlib
import functools
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = ROOT / "shared/domain/tests/goldens/report"
PICTURES = ROOT / "docs/screenshots"

# Page, width, height: of long pages the beginning, which a reader sees first.
WANTED = [
    ("busy", 1280, 1750),
    ("busy", 390, 2000),
    ("quiet", 1280, 1500),
    ("quiet", 390, 1700),
    ("three-targets", 1280, 1300),
    ("200-clusters", 1280, 1600),
    ("eks-busy", 1280, 1400),
    ("eks-busy", 390, 1700),
]
MOST_BYTES = 200 * 1024


def find_chromium():
    """The browser, if there is one."""
    paths = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome", "chrome"))
    return next((path for path in paths if path), None)


def chromium():
    """The browser, or the end of the program with a message."""
    return find_chromium() or sys.exit(
        "Chromium is missing: install it (Debian: apt-get install chromium) and run this again."
    )


class Recorder(http.server.SimpleHTTPRequestHandler):
    """Serves the golden pages and records the requests."""

    asked = []

    def do_GET(self):
        Recorder.asked.append(self.path)
        super().do_GET()

    def log_message(self, *_):
        pass


def shoot(browser, port, page, width, height, theme, to):
    """One picture. Fails if the page requested anything but itself."""
    Recorder.asked.clear()
    url = f"http://127.0.0.1:{port}/{page}.html"
    with tempfile.TemporaryDirectory() as profile:
        log = pathlib.Path(profile) / "net.json"
        command = [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-default-apps", "--disable-extensions", "--hide-scrollbars", f"--user-data-dir={profile}",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", f"--log-net-log={log}",
            f"--window-size={width},{height}", f"--blink-settings=preferredColorScheme={1 if theme == 'light' else 0}",
            f"--screenshot={to}", url,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if done.returncode != 0 or not to.exists():
            sys.exit(f"Chromium made no picture of {url}: {done.stderr[-500:]}")
        requests = urls_of(log)
    # A browser requests the icon of a site by itself; a page in a file or in S3 has none.
    strange = [path for path in Recorder.asked if path not in (f"/{page}.html", "/favicon.ico")]
    strange += [asked for asked in requests if page_made(asked, port)]
    if strange:
        sys.exit(f"{page}.html requested {strange}; a report must not make requests.")


def urls_of(log):
    """The requests according to the browser, with their initiators."""
    events = json.loads(log.read_text())["events"]
    params = [event.get("params", {}) for event in events]
    return [(param["url"], param.get("initiator", "")) for param in params if "url" in param]


def page_made(asked, port):
    """Whether the page made the request: the browser's own requests have another initiator or none."""
    url, initiator = asked
    here = f"http://127.0.0.1:{port}"
    return initiator.startswith(here) and not url.startswith(here)


def smaller(path):
    """Fewer colors, if the tool is installed and the picture is large."""
    if path.stat().st_size > MOST_BYTES and shutil.which("pngquant"):
        subprocess.run(["pngquant", "--force", "--ext", ".png", "64", str(path)], check=True)


@contextlib.contextmanager
def served(folder):
    """The port at which the folder is served."""
    handler = functools.partial(Recorder, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def main():
    browser = chromium()
    PICTURES.mkdir(parents=True, exist_ok=True)
    with served(PAGES) as port:
        for page, width, height in WANTED:
            for theme in ("light", "dark"):
                to = PICTURES / f"{page}-{width}-{theme}.png"
                shoot(browser, port, page, width, height, theme, to)
                smaller(to)
                print(f"{to.relative_to(ROOT)}: {to.stat().st_size // 1024} KiB, no request")


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
