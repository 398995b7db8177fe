"""A part of an upload that is sent in pieces, so that a test can do other things while the server receives it."""
import http.client
import socket


class SlowPart:
    """Made, it is in flight: the server has taken the part's number and waits for the body, which it has asked for by
    "100 Continue". A context manager."""

    def __init__(self, server, token, upload, number, length):
        host, _, port = server.address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=60)
        self.send(f"PUT /v1/uploads/{upload}/parts/{number} HTTP/1.1\r\nHost: {server.address}\r\nExpect: 100-continue\r\n"
                  f"Authorization: Bearer {token}\r\nContent-Length: {length}\r\n\r\n".encode())
        told = b""
        while not told.endswith(b"\r\n\r\n"):
            told += self.socket.recv(1) or b"no answer\r\n\r\n"
        if not told.startswith(b"HTTP/1.1 100 "):
            self.close()
            raise AssertionError(f"part {number} of upload {upload}: {told!r}")

    def send(self, data):
        self.socket.sendall(data)

    def answer(self):
        """(status, body)"""
        answer = http.client.HTTPResponse(self.socket, method="PUT")
        answer.begin()
        return answer.status, answer.read()

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
