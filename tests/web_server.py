"""A web server on this machine that takes a publisher's place in the tests of downloads."""

import contextlib
import hashlib
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server(ThreadingHTTPServer):
    """A web server on this machine.

    It serves `files` (path -> content), breaks off the next `breaks` answers half-way, and records the requests in
    `asked`. With `gated` it refuses as Hugging Face refuses a file with a licence to accept; with `tells_length` unset
    it does not say how long an answer is.
    """

    def __init__(self, files):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = files
        self.breaks = 0
        self.gated = False
        self.tells_length = True
        self.asked = []

    def url(self, path):
        return f"http://127.0.0.1:{self.server_port}{path}"


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def do_HEAD(self):
        self.do_GET(body=False)

    def do_GET(self, body=True):
        content = self.server.files.get(self.path)
        if self.server.gated:
            return self.answer(403, b"", {"X-Error-Code": "GatedRepo"})
        if content is None:
            return self.answer(404, b"", {})
        start = int(re.sub(r"bytes=(\d+)-.*", r"\1", self.headers.get("Range", "bytes=0-")))
        self.server.asked.append((self.command, start))
        if start >= len(content):
            return self.answer(416, b"", {})
        headers = {"ETag": f'"{hashlib.sha256(content).hexdigest()}"', "X-Repo-Commit": "c" * 40}
        if "Range" in self.headers:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        return self.answer(206 if "Range" in self.headers else 200, content[start:], headers, body)

    def answer(self, status, content, headers, body=True):
        self.send_response(status)
        if self.server.tells_length:
            headers = {"Content-Length": len(content), **headers}
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()
        if body and self.server.breaks > 0:
            self.server.breaks -= 1
            content = content[: len(content) // 2]
            self.close_connection = True
        if body:
            with contextlib.suppress(ConnectionError):
                self.wfile.write(content)


@contextlib.contextmanager
def serve(files: dict[str, bytes]) -> Iterator[Server]:
    """Run a server of these files until the block ends."""
    with Server(files) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()
