"""A server on this machine that answers as the hub and Zenodo do."""

import contextlib
import hashlib
import http.server
import json
import threading
import time
import urllib.parse

CARD = """$audonnx.core.model.Model==0.5.0:
  path: model.onnx
  labels:
    logits: [arousal, dominance, valence]
  transform: null
"""
"""What audEERING writes beside a model: data, here never run."""

REVISION = "0123456789abcdef0123456789abcdef01234567"


def git_sha1(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class Loopback:
    """What the server has, how it misbehaves, and what it was asked for."""

    def __init__(self, port: int) -> None:
        self.hub = f"http://127.0.0.1:{port}"
        self.cdn = f"http://localhost:{port}/cdn"
        self.zenodo = f"http://127.0.0.1:{port}/zenodo"
        self.redirects = ""
        """Address to which requests of files of a record are redirected."""
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.records: dict[str, dict[str, bytes]] = {}
        self.gated: dict[str, int] = {}
        self.statuses: list[int] = []
        """Errors for the next requests."""
        self.file_statuses: list[int] = []
        """Errors for the next requests of a file's content."""
        self.cuts: list[int] = []
        """Bytes after which the next large bodies break off."""
        self.stall = False
        """Whether bodies stay open instead of breaking off."""
        self.pause = 0.0
        """Seconds per piece of a body."""
        self.damage = False
        """Whether one byte of each body is changed."""
        self.ranges = True
        """Whether ranges are heeded."""
        self.login_page = False
        """Whether a page answers to everything, as in a hotel."""
        self.bodies: list[tuple[str, int, int]] = []
        """Path, first byte and number of bytes of each body."""
        self.requests: list[tuple[str, str, bool]] = []
        """Method, path and whether a token came with it."""
        self.closing = threading.Event()

    def sent(self, ending: str) -> list[tuple[int, int]]:
        """First byte and number of bytes of each body of a path."""
        return [(start, count) for p, start, count in self.bodies if p.endswith(ending)]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args) -> None:
        pass

    def do_HEAD(self) -> None:  # noqa: N802
        self.do_GET()

    def do_GET(self) -> None:  # noqa: N802
        to = self.server.loopback
        path = urllib.parse.urlsplit(self.path).path
        to.requests.append((self.command, path, "Authorization" in self.headers))
        if to.login_page:
            self.send(200, b"<html>Room number?</html>", {"Content-Type": "text/html"})
        elif to.statuses:
            self.send(to.statuses.pop(0))
        elif path.startswith("/cdn/"):
            files = [f for files in to.repositories.values() for f in files.values()]
            names = {hashlib.sha256(content).hexdigest(): content for content in files}
            self.send_file(names[path.removeprefix("/cdn/")])
        elif path.startswith("/zenodo/"):
            self.answer_as_zenodo(path.removeprefix("/zenodo"))
        elif path.startswith("/api/models/"):
            self.list_files(path.removeprefix("/api/models/"))
        elif path.startswith("/api/resolve-cache/models/"):
            *repository, _, name = path.split("/")[4:]
            content = to.repositories["/".join(repository)][name]
            headers = {"ETag": f'"{git_sha1(content)}"', "X-Repo-Commit": REVISION}
            self.send_file(content, headers)
        else:
            self.answer_as_hub(path)

    def list_files(self, path: str) -> None:
        """Answer which commit a repository is at, and which files it has."""
        *repository, kind, _ = path.split("/")
        files = self.server.loopback.repositories["/".join(repository)]
        answer = {"id": "/".join(repository), "sha": REVISION}
        tree = [
            {"type": "file", "path": name, "size": len(c), "oid": git_sha1(c)}
            for name, c in files.items()
        ]
        body = json.dumps(tree if kind == "tree" else answer).encode()
        self.send(200, body, {"Content-Type": "application/json"})

    def answer_as_hub(self, path: str) -> None:
        to = self.server.loopback
        repository, rest = path[1:].split("/resolve/")
        revision, name = rest.split("/")
        if repository in to.gated:
            return self.send(to.gated[repository], **{"X-Error-Code": "GatedRepo"})
        if repository not in to.repositories:
            return self.send(401, **{"X-Error-Code": "RepoNotFound"})
        if revision not in (REVISION, "main"):
            return self.send(404, **{"X-Error-Code": "RevisionNotFound"})
        if name not in to.repositories[repository]:
            return self.send(404, **{"X-Error-Code": "EntryNotFound"})
        content = to.repositories[repository][name]
        headers = {"X-Repo-Commit": REVISION, "X-Linked-Size": str(len(content))}
        if not name.endswith(".safetensors"):
            headers["X-Linked-Etag"] = f'"{git_sha1(content)}"'
            kept = f"/api/resolve-cache/models/{repository}/{REVISION}/{name}"
            return self.send(307, headers=headers, Location=kept)
        sha256 = hashlib.sha256(content).hexdigest()
        headers["X-Linked-Etag"] = f'"{sha256}"'
        headers["X-Xet-Hash"] = sha256
        headers["X-Xet-Refresh-Route"] = f"{to.hub}/api/models/{repository}/xet-token"
        return self.send(302, headers=headers, Location=f"{to.cdn}/{sha256}")

    def answer_as_zenodo(self, path: str) -> None:
        to = self.server.loopback
        parts = path.strip("/").split("/")
        if parts[0] == "api" and parts[2] in to.records:
            files = [
                {
                    "key": name,
                    "size": len(content),
                    "checksum": f"md5:{hashlib.md5(content).hexdigest()}",
                }
                for name, content in to.records[parts[2]].items()
            ]
            page = json.dumps({"id": parts[2], "files": files}).encode()
            self.send(200, page, {"Content-Type": "application/json"})
        elif to.redirects and f"http://{self.headers['Host']}" not in to.redirects:
            self.send(302, Location=f"{to.redirects}{path}")
        elif parts[0] == "records" and parts[1] in to.records:
            self.send_file(to.records[parts[1]][parts[3]])
        else:
            self.send(404)

    def send_file(self, content: bytes, headers: dict[str, str] | None = None) -> None:
        to = self.server.loopback
        if self.command == "GET" and to.file_statuses:
            return self.send(to.file_statuses.pop(0))
        start, status, headers = 0, 200, {"Accept-Ranges": "bytes", **(headers or {})}
        if "Range" in self.headers and to.ranges:
            start, status = int(self.headers["Range"][6:-1]), 206
            last = len(content) - 1
            headers["Content-Range"] = f"bytes {start}-{last}/{len(content)}"
        if to.damage:
            middle = len(content) // 2
            changed = bytes([content[middle] ^ 1])
            content = content[:middle] + changed + content[middle + 1 :]
        return self.send(status, content[start:], headers, start)

    def send(
        self,
        status: int,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        start: int = 0,
        **more: str,
    ) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), **more}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.send_body(body, start)

    def send_body(self, body: bytes, start: int) -> None:
        to = self.server.loopback
        wanted = to.cuts.pop(0) if len(body) > 1000 and to.cuts else len(body)
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < min(wanted, len(body)):
                piece = body[sent : min(sent + 2**16, wanted)]
                self.wfile.write(piece)
                sent += len(piece)
                time.sleep(to.pause)
        to.bodies.append((urllib.parse.urlsplit(self.path).path, start, sent))
        if sent < len(body):
            if to.stall:
                to.closing.wait()
            self.close_connection = True


@contextlib.contextmanager
def running():
    """Run the server as long as the context is open."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.loopback = Loopback(server.server_port)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.loopback
    finally:
        server.loopback.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
