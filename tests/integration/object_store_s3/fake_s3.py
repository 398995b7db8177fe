#!/usr/bin/env python3
"""A store that speaks S3 as AWS documents it, in memory, with faults on demand. Standard library only.

    fake_s3.py with [--opaque-etags] [--all-parts] COMMAND...   runs COMMAND with the variables of rgw.sh set; returns
                                                               its status

It stands in for what no real server here can be made to do: AWS's own rules for multipart uploads, etags that are no MD5
(as with encryption by KMS), a completion that must name all parts (as with Ceph), and answers that are wrong or do not come. Requests are authenticated in full, payload hashes
and chunk signatures included, by code that shares nothing with the client under test.

Names ask for faults, so that a test needs no second channel:
    bucket    imgsrv-test exists; "elsewhere" is in another region; "skewed" finds every clock an hour ahead
    key id    GOODKEY works; EXPIREDKEY and DENIEDKEY are refused; TEMPORARYKEY needs the session token TOKEN
    key       "fault:NAME:N", for the first N requests that NAME concerns; see Handler.fault

IMGSRV_TEST_S3_TLS_ENDPOINT and IMGSRV_TEST_S3_CA: the same over TLS, with a certificate of an authority of its own.
"""
import collections
import datetime
import email.utils
import hashlib
import hmac
import http.server
import os
import pathlib
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import uuid
from xml.etree import ElementTree
from xml.sax.saxutils import escape

BUCKET, REGION = "imgsrv-test", "us-east-1"
SECRETS = {name: "secret-of-" + name for name in ("GOODKEY", "EXPIREDKEY", "DENIEDKEY", "TEMPORARYKEY")}
OPAQUE_ETAGS = ALL_PARTS = False
LEAST_PART = 5 << 20

Object = collections.namedtuple("Object", "data etag mtime meta")


class Refusal(Exception):
    def __init__(self, status, code, **members):
        self.status, self.code, self.members = status, code, members


class Upload:
    def __init__(self, key, meta):
        self.key, self.meta, self.parts, self.created = key, meta, {}, time.time()


class World:
    lock = threading.RLock()
    objects = {}
    uploads = {}
    faults = collections.Counter()


def iso(when):
    return datetime.datetime.fromtimestamp(when, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def etag_of(data):
    md5 = hashlib.md5(data).hexdigest()
    return hashlib.sha256(b"kms" + data).hexdigest()[:32] if OPAQUE_ETAGS else md5


def sign(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536
    disable_nagle_algorithm = True
    bucket = ""

    def log_message(self, *_):
        pass

    def handle_expect_100(self):
        """A refusal comes before the body is asked for: read_body() does that."""
        return True

    # ---- who asks, and with what body

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

    # ---- answers

    def answer(self, status, body=b"", headers=None, length=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        if self.unread:  # a body nobody read must not be taken for the next request
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def document(self, name, members, status=200, blanks=b""):
        """members: (tag, text) or (tag, [members])."""
        def render(pairs):
            return "".join(f"<{t}>{render(v) if isinstance(v, list) else escape(str(v))}</{t}>" for t, v in pairs)
        xml = f'<?xml version="1.0" encoding="UTF-8"?><{name}>{render(members)}</{name}>'
        self.answer(status, blanks + xml.encode(), {"Content-Type": "application/xml"})

    def error(self, status, code, headers=None, **members):
        if self.command == "HEAD":
            self.answer(status, headers=headers)
        elif headers:
            self.answer(status, f"<Error><Code>{code}</Code></Error>".encode(), headers)
        else:
            self.document("Error", [("Code", code), *members.items()], status)

    def date_time_string(self, timestamp=None):
        shift = -3600 if self.bucket == "skewed" else 0
        return email.utils.formatdate((timestamp or time.time()) + shift, usegmt=True)

    # ---- faults

    def fault(self, name):
        """Whether the key asks for this fault, and the first N requests are not over."""
        found = re.search(rf"fault:{name}:(\d+)", self.key)
        with World.lock:
            World.faults[self.key, name] += bool(found)
            return bool(found) and World.faults[self.key, name] <= int(found[1])

    def break_connection(self):
        self.close_connection = True
        self.connection.close()

    # ---- operations

    def handle_one(self):
        self.unread = int(self.headers.get("content-length") or 0) > 0
        url = urllib.parse.urlsplit(self.path)
        path = urllib.parse.unquote(url.path)
        host = self.headers["host"].split(":")[0]
        if host.endswith(".localhost"):
            self.bucket, self.key = host[:-len(".localhost")], path[1:]
        else:
            self.bucket, _, self.key = path[1:].partition("/")
        self.query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        try:
            self.dispatch()
        except Refusal as refusal:
            self.error(refusal.status, refusal.code, **refusal.members)
        except (ConnectionError, BrokenPipeError, ssl.SSLError):
            self.close_connection = True

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_one

    def dispatch(self):
        if self.bucket == "elsewhere":
            return self.error(301, "PermanentRedirect", {"x-amz-bucket-region": "eu-west-1"})
        if self.bucket == "skewed":
            raise Refusal(403, "RequestTimeTooSkewed")
        if self.fault("slowdown"):
            return self.error(503, "SlowDown")
        if self.fault("busy"):
            return self.error(503, "ServiceUnavailable", {"Retry-After": "7"})
        if self.fault("hang"):
            time.sleep(5)
            return self.break_connection()
        self.authenticate()
        if self.bucket != BUCKET:
            raise Refusal(404, "NoSuchBucket")
        body = self.read_body() if self.command in ("PUT", "POST") else b""
        if self.command == "PUT" and self.fault("late-500"):
            return self.error(500, "InternalError")
        if self.command == "PUT" and body and self.fault("damage"):
            body = body[:-1] + bytes([body[-1] ^ 1])
        with World.lock:
            if "uploadId" in self.query:
                return getattr(self, "upload_" + self.command)(body)
            if "uploads" in self.query:
                return self.create_upload() if self.command == "POST" else self.list_uploads()
            if not self.key:
                return self.list_objects()
        getattr(self, "object_" + self.command)(body)

    def find(self, key):
        if key not in World.objects:
            raise Refusal(404, "NoSuchKey")
        return World.objects[key]

    def meta(self):
        return {n.lower(): v for n, v in self.headers.items() if n.lower().startswith("x-amz-meta-")}

    def source(self):
        """The bytes a copy is made of, and their object."""
        bucket, _, key = urllib.parse.unquote(self.headers["x-amz-copy-source"]).lstrip("/").partition("/")
        if bucket != BUCKET:
            raise Refusal(404, "NoSuchBucket")
        found = self.find(key)
        if self.headers.get("x-amz-copy-source-if-match", f'"{found.etag}"') != f'"{found.etag}"':
            raise Refusal(412, "PreconditionFailed")
        data = found.data
        if "x-amz-copy-source-range" in self.headers:
            first, last = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["x-amz-copy-source-range"]).groups()
            data = data[int(first):int(last) + 1]
        return data, found

    def object_PUT(self, body):
        with World.lock:
            if self.headers.get("if-none-match") == "*" and self.key in World.objects:
                raise Refusal(412, "PreconditionFailed")
            meta = self.meta()
            copying = "x-amz-copy-source" in self.headers
            if copying:
                if self.fault("200-error"):
                    return self.document("Error", [("Code", "InternalError"), ("Message", "half way")], 200, b"   \n")
                body, found = self.source()
                if self.headers.get("x-amz-metadata-directive") != "REPLACE":
                    meta = found.meta
            made = World.objects[self.key] = Object(body, etag_of(body), time.time(), meta)
        if copying:
            return self.document("CopyObjectResult", [("ETag", f'"{made.etag}"'), ("LastModified", iso(made.mtime))])
        self.answer(200, headers={"ETag": f'"{made.etag}"'})

    def object_GET(self, _):
        found = self.find(self.key)
        if self.headers.get("if-match", f'"{found.etag}"') != f'"{found.etag}"':
            raise Refusal(412, "PreconditionFailed")
        data, headers, status = found.data, {"ETag": f'"{found.etag}"', **found.meta}, 200
        headers["Last-Modified"] = email.utils.formatdate(found.mtime, usegmt=True)
        if "range" in self.headers:
            first, last = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers["range"]).groups()
            first, last = int(first), min(int(last or 1 << 60), len(data) - 1)
            if first >= len(data):
                raise Refusal(416, "InvalidRange")
            headers["Content-Range"], status = f"bytes {first}-{last}/{len(data)}", 206
            data = data[first:last + 1]
        cut = self.command == "GET" and (self.fault("cut") or self.fault("replace"))
        if cut and "fault:replace" in self.key:
            World.objects[self.key] = Object(b"other", etag_of(b"other"), time.time(), {})
        self.answer(status, data[:len(data) // 2] if cut else data, headers, len(data))
        if cut:
            self.break_connection()

    object_HEAD = object_GET

    def object_DELETE(self, _):
        with World.lock:
            World.objects.pop(self.key, None)
        self.answer(204)

    def list_objects(self):
        prefix, after = self.query.get("prefix", ""), self.query.get("start-after", "")
        most = int(self.query.get("max-keys", 1000))
        keys = sorted((k for k in World.objects if k.startswith(prefix) and k > after), key=str.encode)
        self.document("ListBucketResult", [("IsTruncated", str(len(keys) > most).lower())] + [
            ("Contents", [("Key", k), ("LastModified", iso(World.objects[k].mtime)),
                          ("ETag", f'"{World.objects[k].etag}"'), ("Size", len(World.objects[k].data))])
            for k in keys[:min(most, 1000)]])

    def create_upload(self):
        name = uuid.uuid4().hex
        World.uploads[name] = Upload(self.key, self.meta())
        self.document("InitiateMultipartUploadResult", [("Key", self.key), ("UploadId", name)])

    def list_uploads(self):
        prefix = self.query.get("prefix", "")
        self.document("ListMultipartUploadsResult", [("IsTruncated", "false")] + [
            ("Upload", [("Key", u.key), ("UploadId", name), ("Initiated", iso(u.created))])
            for name, u in World.uploads.items() if u.key.startswith(prefix)])

    def upload(self):
        found = World.uploads.get(self.query["uploadId"])
        if not found or found.key != self.key:
            raise Refusal(404, "NoSuchUpload")
        return found

    def upload_PUT(self, body):
        upload, copying = self.upload(), "x-amz-copy-source" in self.headers
        if copying:
            body, _ = self.source()
        etag = etag_of(body)
        upload.parts[int(self.query["partNumber"])] = (body, etag)
        if copying:
            return self.document("CopyPartResult", [("ETag", f'"{etag}"')])
        self.answer(200, headers={"ETag": f'"{etag}"'})

    def upload_GET(self, _):
        """Pages of three, so that paging is seen."""
        parts, after = self.upload().parts, int(self.query.get("part-number-marker", 0))
        numbers = sorted(n for n in parts if n > after)
        self.document("ListPartsResult", [("IsTruncated", str(len(numbers) > 3).lower()),
                                          ("NextPartNumberMarker", numbers[:3][-1] if numbers else 0)] + [
            ("Part", [("PartNumber", n), ("ETag", f'"{parts[n][1]}"'), ("Size", len(parts[n][0]))])
            for n in numbers[:3]])

    def upload_POST(self, body):
        upload = self.upload()
        if self.fault("200-error"):
            return self.document("Error", [("Code", "InternalError"), ("Message", "half way")], 200, b"   \n")
        if self.fault("200-blanks"):
            return self.answer(200, b"     ")
        named = [(int(p.findtext("{*}PartNumber")), p.findtext("{*}ETag").strip('"'))
                 for p in ElementTree.fromstring(body).findall("{*}Part")]
        for number, etag in named:
            if upload.parts.get(number, (b"", None))[1] != etag:
                raise Refusal(400, "InvalidPart")
        if ALL_PARTS and len(named) < len(upload.parts):
            raise Refusal(400, "InvalidPart")
        datas = [upload.parts[number][0] for number, _ in named]
        if any(len(data) < LEAST_PART for data in datas[:-1]):
            raise Refusal(400, "EntityTooSmall")
        sums = hashlib.md5(b"".join(hashlib.md5(data).digest() for data in datas)).hexdigest()
        etag = f"{uuid.uuid4().hex if OPAQUE_ETAGS else sums}-{len(datas)}"
        World.objects[self.key] = Object(b"".join(datas), etag, time.time(), upload.meta)
        del World.uploads[self.query["uploadId"]]
        if self.fault("lost-answer"):
            return self.break_connection()
        self.document("CompleteMultipartUploadResult", [("Key", self.key), ("ETag", f'"{etag}"')], 200, b"  \n ")

    def upload_DELETE(self, _):
        self.upload()
        del World.uploads[self.query["uploadId"]]
        self.answer(204)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):
        if not isinstance(sys.exc_info()[1], (ConnectionError, OSError, ValueError)):
            super().handle_error(*_)


def make_certificate(folder):
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, cwd=folder, stderr=subprocess.DEVNULL)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *key, "-days", "2", "-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem")
    openssl("req", *key, "-subj", "/CN=127.0.0.1", "-keyout", "server.key", "-out", "server.csr")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "names", "-out", "server.pem")


def main(arguments):
    global OPAQUE_ETAGS, ALL_PARTS
    if arguments[:1] != ["with"]:
        sys.exit(__doc__)
    arguments = arguments[1:]
    while arguments and arguments[0].startswith("--"):
        option = arguments.pop(0)
        OPAQUE_ETAGS, ALL_PARTS = OPAQUE_ETAGS or option == "--opaque-etags", ALL_PARTS or option == "--all-parts"
    folder = pathlib.Path(tempfile.mkdtemp(prefix="imgsrv-fake-s3-"))
    try:
        make_certificate(folder)
        plain, secure = Server(("127.0.0.1", 0), Handler), Server(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem", folder / "server.key")
        secure.socket = context.wrap_socket(secure.socket, server_side=True, do_handshake_on_connect=False)
        for server in (plain, secure):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        prefix = "IMGSRV_TEST_S3_"
        environment = {**os.environ, prefix + "ENDPOINT": f"http://127.0.0.1:{plain.server_port}",
                       prefix + "TLS_ENDPOINT": f"https://127.0.0.1:{secure.server_port}",
                       prefix + "CA": str(folder / "ca.pem"), prefix + "BUCKET": BUCKET, prefix + "REGION": REGION,
                       prefix + "ACCESS_KEY": "GOODKEY", prefix + "SECRET_KEY": SECRETS["GOODKEY"]}
        return subprocess.run(arguments, env=environment).returncode
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
