"""Requests signed with AWS Signature Version 4, checked in full, by code that shares nothing with the client under test."""
import hashlib
import hmac
import http.server
import re

REGION = "us-east-1"
SECRETS = {name: "secret-of-" + name for name in ("GOODKEY", "EXPIREDKEY", "DENIEDKEY", "TEMPORARYKEY")}


class Refusal(Exception):
    def __init__(self, status, code, **members):
        self.status, self.code, self.members = status, code, members


def sign(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class SignedRequest(http.server.BaseHTTPRequestHandler):
    """The caller and the body."""

    def handle_expect_100(self):
        """Refuses before the body is read: read_body() does that."""
        return True

    def authenticate(self):
        found = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, "
                             r"SignedHeaders=([^,]+), Signature=([0-9a-f]{64})", self.headers.get("authorization", ""))
        if not found:
            raise Refusal(403, "AccessDenied")
        who, day, region, names, signature = found.groups()
        if who not in SECRETS:
            raise Refusal(403, "InvalidAccessKeyId")
        if region != REGION:
            raise Refusal(400, "AuthorizationHeaderMalformed", Region=REGION)
        names = names.split(";")
        must = {"host"} | {n.lower() for n in self.headers if n.lower().startswith("x-amz-")}
        if not must <= set(names) or names != sorted(names):
            raise Refusal(403, "AccessDenied", Message="headers are not signed: " + str(must - set(names)))
        path, _, query = self.path.partition("?")
        canonical = "\n".join([self.command, path, query]
                              + [f"{n}:{' '.join(self.headers[n].split())}" for n in names]
                              + ["", ";".join(names), self.headers["x-amz-content-sha256"]])
        self.amz_date = self.headers["x-amz-date"]
        self.scope = f"{day}/{region}/s3/aws4_request"
        to_sign = "\n".join(["AWS4-HMAC-SHA256", self.amz_date, self.scope,
                             hashlib.sha256(canonical.encode()).hexdigest()])
        key = ("AWS4" + SECRETS[who]).encode()
        for step in (day, region, "s3", "aws4_request"):
            key = sign(key, step)
        self.signing_key, self.seed = key, signature
        if sign(key, to_sign).hex() != signature:
            raise Refusal(403, "SignatureDoesNotMatch")
        if who == "EXPIREDKEY":
            raise Refusal(400, "ExpiredToken")
        if who == "DENIEDKEY":
            raise Refusal(403, "AccessDenied")
        if who == "TEMPORARYKEY" and self.headers.get("x-amz-security-token") != "TOKEN":
            raise Refusal(403, "InvalidToken")

    def read_body(self):
        length = int(self.headers.get("content-length", 0))
        if self.headers.get("expect") == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        data = self.rfile.read(length)
        self.unread = False
        if len(data) < length:
            raise ConnectionError("the body broke off")
        want = self.headers["x-amz-content-sha256"]
        if want == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD":
            data = self.unchunk(data)
        elif want != "UNSIGNED-PAYLOAD" and hashlib.sha256(data).hexdigest() != want:
            raise Refusal(400, "XAmzContentSHA256Mismatch")
        return data

    def unchunk(self, wire):
        previous, out, at = self.seed, b"", 0
        while True:
            end = wire.index(b"\r\n", at)
            size, _, signature = wire[at:end].decode().partition(";chunk-signature=")
            chunk = wire[end + 2:end + 2 + int(size, 16)]
            to_sign = "\n".join(["AWS4-HMAC-SHA256-PAYLOAD", self.amz_date, self.scope, previous,
                                 hashlib.sha256(b"").hexdigest(), hashlib.sha256(chunk).hexdigest()])
            previous = sign(self.signing_key, to_sign).hex()
            if signature != previous:
                raise Refusal(403, "SignatureDoesNotMatch")
            out, at = out + chunk, end + 2 + len(chunk) + 2
            if not chunk:
                if len(out) != int(self.headers["x-amz-decoded-content-length"]) or at != len(wire):
                    raise Refusal(400, "IncompleteBody")
                return out
