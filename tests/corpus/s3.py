"""A server on this machine that speaks as much of S3 as obstore does."""

import contextlib
import hashlib
import http.server
import io
import sys
import threading
import time
import urllib.parse
import uuid
from xml.sax.saxutils import escape


def etag_of(data: bytes | None) -> str | None:
    return None if data is None else f'"{hashlib.md5(data).hexdigest()}"'


def unchunked(file) -> bytes:
    """Read pieces, each with its size before it, up to the empty one."""
    found = b""
    while size := int(file.readline().partition(b";")[0], 16):
        found += file.read(size)
        file.readline()
    while file.readline().strip():
        pass
    return found


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args) -> None:
        pass

    def setup(self) -> None:
        super().setup()
        self.objects: dict[str, bytes] = self.server.objects
        self.uploads: dict[str, dict[int, bytes]] = self.server.uploads

    @property
    def key(self) -> str:
        """Bucket and key."""
        path = urllib.parse.urlsplit(self.path).path
        return urllib.parse.unquote(path).removeprefix("/")

    @property
    def query(self) -> dict[str, str]:
        text = urllib.parse.urlsplit(self.path).query
        return dict(urllib.parse.parse_qsl(text, keep_blank_values=True))

    def do_HEAD(self) -> None:  # noqa: N802
        bucket, _, key = self.key.partition("/")
        if key:
            return self.send_object()
        return self.send(200 if bucket == self.server.bucket else 404)

    def do_GET(self) -> None:  # noqa: N802
        if "list-type" in self.query and self.key.rstrip("/") != self.server.bucket:
            return self.send_error_code(404, "NoSuchBucket")
        if "list-type" in self.query:
            return self.send_list()
        return self.send_object()

    def do_PUT(self) -> None:  # noqa: N802
        data = self.body()
        if self.key.partition("/")[0] != self.server.bucket:
            return self.send_error_code(404, "NoSuchBucket")
        if "partNumber" in self.query:
            upload = self.uploads[self.query["uploadId"]]
            upload[int(self.query["partNumber"])] = data
        else:
            time.sleep(self.server.delay)
            # As a store does: the condition holds when the object is written
            with self.server.lock:
                stored = self.objects.get(self.key)
                expected = self.headers.get("If-Match", etag_of(stored))
                if "If-None-Match" in self.headers and stored is not None:
                    expected = None
                if expected != etag_of(stored):
                    return self.send_error_code(412, "PreconditionFailed")
                self.objects[self.key] = data
        return self.send(200, ETag=etag_of(data))

    def do_POST(self) -> None:  # noqa: N802
        body = self.body()
        if "uploads" in self.query:
            number = uuid.uuid4().hex
            self.uploads[number] = {}
            found = f"<UploadId>{number}</UploadId>"
            return self.send_xml("InitiateMultipartUploadResult", found)
        if "delete" in self.query:
            bucket, deleted = self.server.bucket, ""
            for part in body.decode().split("<Key>")[1:]:
                key = part.partition("</Key>")[0]
                self.objects.pop(f"{bucket}/{key}", None)
                deleted += f"<Deleted><Key>{key}</Key></Deleted>"
            return self.send_xml("DeleteResult", deleted)
        parts = self.uploads.pop(self.query["uploadId"])
        self.objects[self.key] = b"".join(parts[number] for number in sorted(parts))
        return self.send_xml("CompleteMultipartUploadResult", '<ETag>"1"</ETag>')

    def do_DELETE(self) -> None:  # noqa: N802
        if "uploadId" in self.query:
            self.uploads.pop(self.query["uploadId"], None)
        else:
            self.objects.pop(self.key, None)
        self.send(204)

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            data = unchunked(self.rfile)
        else:
            data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if "aws-chunked" in self.headers.get("Content-Encoding", ""):
            data = unchunked(io.BytesIO(data))
        return data

    def send_list(self) -> None:
        prefix = f"{self.key.rstrip('/')}/{self.query.get('prefix', '')}"
        names = [name for name in sorted(self.objects) if name.startswith(prefix)]
        folders, found = {}, ""
        for name in names[: int(self.query.get("max-keys", 1000))]:
            first, slash, _ = name.removeprefix(prefix).partition("/")
            key = name.partition("/")[2]
            if slash and self.query.get("delimiter") == "/":
                folders[f"{prefix}{first}/".partition("/")[2]] = None
                continue
            found += (
                f"<Contents><Key>{escape(key)}</Key>"
                "<LastModified>2026-01-01T00:00:00.000Z</LastModified>"
                f"<ETag>{escape(etag_of(self.objects[name]))}</ETag><Size>{len(self.objects[name])}</Size></Contents>"
            )
        for folder in folders:
            folder = escape(folder)
            found += f"<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>"
        count = f"<KeyCount>{len(names)}</KeyCount><IsTruncated>false</IsTruncated>"
        self.send_xml("ListBucketResult", count + found)

    def send_object(self) -> None:
        if self.key not in self.objects:
            return self.send_error_code(404, "NoSuchKey")
        data, status, headers = self.objects[self.key], 200, {}
        if "Range" in self.headers:
            first, _, last = self.headers["Range"].removeprefix("bytes=").partition("-")
            last = min(int(last or len(data)), len(data) - 1)
            headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
            data, status = data[int(first) : last + 1], 206
        modified = "Thu, 01 Jan 2026 00:00:00 GMT"
        headers |= {"Last-Modified": modified, "ETag": etag_of(self.objects[self.key])}
        return self.send(status, data, **headers)

    def send_error_code(self, status: int, code: str) -> None:
        text = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>"
        self.send(status, text.encode())

    def send_xml(self, name: str, content: str) -> None:
        self.send(200, f'<?xml version="1.0"?><{name}>{content}</{name}>'.encode())

    def send(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    bucket = "bucket"

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.objects: dict[str, bytes] = {}
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.lock = threading.Lock()
        self.delay = 0.0
        """Seconds that pass before an object is there."""

    def handle_error(self, *args) -> None:
        # Clients may be killed
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(*args)

    @property
    def environment(self) -> dict[str, str]:
        """What a client has to know."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.server_port}",
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "fabricated",
            "AWS_SECRET_ACCESS_KEY": "fabricated",
        }

    def url(self, name: str) -> str:
        """Address of a folder."""
        return f"s3://{self.bucket}/{name}"

    def folder(self, name: str) -> dict[str, bytes]:
        """What is there under a name."""
        start = f"{self.bucket}/{name}/"
        return {
            key.removeprefix(start): data
            for key, data in self.objects.items()
            if key.startswith(start) and not key.endswith("/")
        }


@contextlib.contextmanager
def running():
    """Run the server as long as the context is open."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
