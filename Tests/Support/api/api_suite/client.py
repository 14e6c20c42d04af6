"""Requests exactly as they are written: no library between a path and the wire."""

import http.client
import json
import socket
import time


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def header(self, name):
        return self.headers.get(name)

    def json(self):
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise Wrong(f"{self} is not JSON: {error}") from None

    def __str__(self):
        return f"{self.status} {self.body[:300]!r}"


class Wrong(Exception):
    """What came is not what the row says."""


class Client:
    """One connection for each request."""

    def __init__(self, host, port, unix=None, token=None, timeout=60):
        self.host, self.port, self.unix, self.token, self.timeout = host, port, unix, token, timeout
        self.faults = []
        self.root = "/api/v1"

    def connect(self):
        if self.unix:
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(self.timeout)
            connection.connect(self.unix)
            return connection
        return socket.create_connection((self.host, self.port), self.timeout)

    def request(self, method, target, body=None, headers=None, version="1.1"):
        """Sends `target` byte for byte; `body` is bytes, or a value that becomes JSON."""
        if isinstance(target, str):
            target = target.encode("ascii")
        lines = [method.encode() + b" " + target + f" HTTP/{version}".encode()]
        fields = {"Host": f"{self.host}:{self.port}", "Connection": "close"}
        if self.token:
            fields["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            if not isinstance(body, bytes):
                body = json.dumps(body).encode()
            fields["Content-Type"] = "application/json"
            fields["Content-Length"] = str(len(body))
        fields.update(headers or {})
        lines += [f"{name}: {value}".encode() for name, value in fields.items()]
        with self.connect() as connection:
            connection.sendall(b"\r\n".join(lines) + b"\r\n\r\n" + (body or b""))
            response = http.client.HTTPResponse(connection, method=method)
            try:
                response.begin()
                answer = Answer(response.status, response.headers, response.read())
            except (http.client.HTTPException, OSError) as error:
                raise Wrong(f"{method} {target[:120]!r}: no answer: {error!r}") from None
        # 505 is what a client asks for.
        if answer.status >= 500 and answer.status != 505:
            self.faults.append(f"{method} {target[:120]!r} -> {answer}")
        return answer

    def get(self, path, headers=None):
        return self.request("GET", self.target(path), headers=headers)

    def post(self, path, body, headers=None):
        return self.request("POST", self.target(path), body, headers)

    def target(self, path):
        return self.root.encode() + path if isinstance(path, bytes) else self.root + path

    def create(self, instruction="Generate a minimal Python CLI project that prints the first 10 Fibonacci numbers."):
        answer = self.post("/projects/", {"instruction": instruction})
        expect(answer.status == 200, f"create: {answer}")
        return answer.json()

    def read(self, project, name):
        answer = self.get(f"/{project}/files/{name}")
        expect(answer.status == 200, f"read {name}: {answer}")
        return answer.json()["contents"]


def expect(holds, otherwise):
    if not holds:
        raise Wrong(otherwise)


# The words of every status; those that are not here have OTHER.
PAIRS = {
    400: ("bad_request", "Bad request"),
    401: ("unauthorized", "Unauthorized"),
    403: ("forbidden", "Forbidden"),
    404: ("not_found", "Not found"),
    409: ("conflict", "Conflict"),
    422: ("validation_error", "Validation failed"),
    500: ("internal_error", "Internal server error"),
    501: ("not_implemented", "Not implemented"),
    503: ("unavailable", "Service unavailable"),
}
OTHER = ("http_error", "HTTP error")


def expect_error(answer, statuses, detail=None):
    """An error in the one shape, with one of `statuses`."""
    statuses = statuses if isinstance(statuses, tuple) else (statuses,)
    expect(answer.status in statuses, f"wanted {statuses}, came {answer}")
    body = answer.json()
    expect(isinstance(body, dict), f"an error is an object: {answer}")
    extra = set(body) - {"error", "message", "code", "detail", "correlation_id"}
    expect(not extra, f"unknown keys {extra} in {answer}")
    error, message = PAIRS.get(answer.status, OTHER)
    expect(body.get("error") == error, f"error must be {error}: {answer}")
    expect(body.get("message") == message, f"message must be {message}: {answer}")
    expect(body.get("code") == answer.status, f"code must be the status: {answer}")
    if detail is not None:
        expect(body.get("detail") == detail, f"detail must be {detail!r}: {answer}")
    return body


def wait_until(condition, seconds, otherwise):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.05)
    raise Wrong(otherwise)
