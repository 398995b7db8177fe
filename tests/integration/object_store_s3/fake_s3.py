#!/usr/bin/env python3
"""A store that speaks S3 as AWS documents it, in memory, with faults on demand. Standard library only.

    fake_s3.py with [--opaque-etags] [--all-parts] COMMAND...   runs COMMAND with the variables of rgw.sh set; returns
                                                               its status

It stands in for what no real server here can be made to do: AWS's own rules for multipart uploads, etags that are no MD5
(as with encryption by KMS), a completion that must name all parts (as with Ceph), and answers that are wrong or do not
come. Requests are authenticated in full, payload hashes and chunk signatures included (signed_request.py); what they do
to the bucket is in fake_bucket.py.

Names ask for faults, so that a test needs no second channel:
    bucket    imgsrv-test exists; "elsewhere" is in another region; "skewed" finds every clock an hour ahead
    key id    GOODKEY works; EXPIREDKEY and DENIEDKEY are refused; TEMPORARYKEY needs the session token TOKEN
    key       "fault:NAME:N", for the first N requests that NAME concerns; see BucketRequest.fault

IMGSRV_TEST_S3_TLS_ENDPOINT and IMGSRV_TEST_S3_CA: the same over TLS, with a certificate of an authority of its own.
"""
import http.server
import os
import pathlib
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

from fake_bucket import BUCKET, BucketRequest, World
from signed_request import REGION, SECRETS, Refusal


class Handler(BucketRequest):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

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
            time.sleep(30)  # longer than any test waits
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
    if arguments[:1] != ["with"]:
        sys.exit(__doc__)
    arguments = arguments[1:]
    while arguments and arguments[0].startswith("--"):
        option = arguments.pop(0)
        World.opaque_etags |= option == "--opaque-etags"
        World.all_parts |= option == "--all-parts"
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
