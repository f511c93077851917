"""Plain HTTP, for what the official client hides: statuses, headers, bytes as they come."""

import http.client
import json
import urllib.parse


class Answer:
    """A response, read whole."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.data = response.read()

    @property
    def json(self):
        return json.loads(self.data)

    @property
    def error(self) -> dict:
        """The error object, which always has its four members."""
        error = self.json["error"]
        assert set(error) == {"message", "type", "param", "code"}, error
        return error

    @property
    def chunks(self) -> list:
        """The chunks of an event stream, which ends as it must."""
        events = [e for e in self.data.decode().split("\n\n") if e and not e.startswith(":")]
        assert all(e.startswith("data: ") for e in events), events
        assert events[-1] == "data: [DONE]"
        return [json.loads(e[6:]) for e in events[:-1]]

    def __repr__(self) -> str:
        return f"{self.status} {self.data[:600]!r}"


class Wire:
    """A server's address, and perhaps a key."""

    def __init__(self, url: str, key: str | None = None):
        self.host = urllib.parse.urlsplit(url).netloc
        self.key = key

    def send(self, method: str, path: str, body=None, headers=None, timeout=120) -> Answer:
        """Sends one request; what is not bytes goes out as JSON."""
        headers = dict(headers or {})
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection(self.host, timeout=timeout)
        try:
            connection.request(method, path, body=body, headers=headers)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def get(self, path: str, **more) -> Answer:
        return self.send("GET", path, **more)

    def post(self, path: str, body=None, **more) -> Answer:
        return self.send("POST", path, {} if body is None else body, **more)

    def delete(self, path: str) -> Answer:
        return self.send("DELETE", path)

    def upload(self, data: bytes, name="data.jsonl", purpose="fine-tune") -> Answer:
        """Uploads a file as a form."""
        mark = "----facet-test"
        body = (
            f'--{mark}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n{purpose}\r\n'
            f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        ).encode()
        body += data + f"\r\n--{mark}--\r\n".encode()
        kind = f"multipart/form-data; boundary={mark}"
        return self.send("POST", "/v1/files", body, {"Content-Type": kind})

    def metrics(self) -> dict[str, float]:
        """Every sample of `/metrics` by its name and labels."""
        samples = {}
        for line in self.get("/metrics").data.decode().splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                samples[name] = float(value)
        return samples
