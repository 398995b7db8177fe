"""A bucket in memory, and what S3's requests do to it, with faults on demand: fake_s3.py says how to ask for them."""
import collections
import datetime
import email.utils
import hashlib
import re
import threading
import time
import urllib.parse
import uuid
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from signed_request import Refusal, SignedRequest

BUCKET = "imgsrv-test"
LEAST_PART = 5 << 20

Object = collections.namedtuple("Object", "data etag mtime meta")


class Upload:
    def __init__(self, key, meta):
        self.key, self.meta, self.parts, self.created = key, meta, {}, now()


class World:
    lock = threading.RLock()
    opaque_etags = all_parts = False
    objects = {}
    uploads = {}
    faults = collections.Counter()
    ahead = 0  # seconds, of the store's clock


def now():
    return time.time() + World.ahead


def iso(when):
    return datetime.datetime.fromtimestamp(when, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def etag_of(data):
    md5 = hashlib.md5(data).hexdigest()
    return hashlib.sha256(b"kms" + data).hexdigest()[:32] if World.opaque_etags else md5


class BucketRequest(SignedRequest):
    """Has the bucket's name, the key, and the query, decoded."""
    bucket = key = ""
    query = {}

    # ---- answers

    def answer(self, status, body=b"", headers=None, length=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if self.command in ("GET", "HEAD") and self.fault("no-size"):
            self.close_connection = True
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(len(body) if length is None else length))
        if self.unread:  # an unread body must not be taken for the next request
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def overtaken(self):
        """Swift's answer to a PUT that is older than the object."""
        self.answer(200, b"<html><h1>Accepted</h1></html>", {"Content-Type": "text/html; charset=UTF-8"})

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
        return email.utils.formatdate((timestamp or now()) + shift, usegmt=True)

    # ---- faults

    def fault(self, name):
        """Whether the key asks for this fault for this request: it names the first N."""
        found = re.search(rf"fault:{name}:(\d+)", self.key)
        with World.lock:
            World.faults[self.key, name] += bool(found)
            return bool(found) and World.faults[self.key, name] <= int(found[1])

    def break_connection(self):
        self.close_connection = True
        self.connection.close()

    # ---- operations

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
                if self.fault("200-blanks"):
                    return self.answer(200, b"     ")
                body, found = self.source()
                if self.headers.get("x-amz-metadata-directive") != "REPLACE":
                    meta = found.meta
            elif self.fault("overtaken"):
                return self.overtaken()
            made = World.objects[self.key] = Object(body, etag_of(body), now(), meta)
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
            World.objects[self.key] = Object(b"other", etag_of(b"other"), now(), {})
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
        elif self.fault("overtaken"):
            return self.overtaken()
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
        if self.fault("overtaken-join"):
            return self.document("Error", [("Code", "InvalidRequest")], 202)
        named = [(int(p.findtext("{*}PartNumber")), p.findtext("{*}ETag").strip('"'))
                 for p in ElementTree.fromstring(body).findall("{*}Part")]
        for number, etag in named:
            if upload.parts.get(number, (b"", None))[1] != etag:
                raise Refusal(400, "InvalidPart")
        if World.all_parts and len(named) < len(upload.parts):
            raise Refusal(400, "InvalidPart")
        datas = [upload.parts[number][0] for number, _ in named]
        if any(len(data) < LEAST_PART for data in datas[:-1]):
            raise Refusal(400, "EntityTooSmall")
        sums = hashlib.md5(b"".join(hashlib.md5(data).digest() for data in datas)).hexdigest()
        etag = f"{uuid.uuid4().hex if World.opaque_etags else sums}-{len(datas)}"
        World.objects[self.key] = Object(b"".join(datas), etag, now(), upload.meta)
        del World.uploads[self.query["uploadId"]]
        if self.fault("lost-answer"):
            return self.break_connection()
        self.document("CompleteMultipartUploadResult", [("Key", self.key), ("ETag", f'"{etag}"')], 200, b"  \n ")

    def upload_DELETE(self, _):
        self.upload()
        del World.uploads[self.query["uploadId"]]
        self.answer(204)
