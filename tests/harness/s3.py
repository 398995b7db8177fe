"""A bucket for one server in a store that speaks S3."""
import datetime
import hashlib
import hmac
import http.client
import urllib.parse
import uuid
import xml.etree.ElementTree as ET

from harness import identity


# Every 5 minutes the plugin removes the leftovers of probes that are 5 minutes old.
PROBE_GONE = datetime.timedelta(minutes=11)


def fresh_probe(key, made):
    """Whether this belongs to a probe of the store's abilities that is running or was killed a short time ago."""
    age = datetime.datetime.now(datetime.timezone.utc) - datetime.datetime.fromisoformat(made.replace("Z", "+00:00"))
    return key.startswith("~imgsrv/probe-") and age < PROBE_GONE


class Bucket:
    def __init__(self, endpoint, region, access_key, secret_key):
        self.endpoint, self.region, self.access_key, self.secret_key = endpoint, region, access_key, secret_key
        self.host = urllib.parse.urlsplit(endpoint).netloc
        self.name = "test-" + uuid.uuid4().hex
        self._request("PUT", "")

    def _request(self, method, key, query=None, body=b""):
        """Signed with AWS Signature Version 4; the answer's body."""
        path = urllib.parse.quote(f"/{self.name}/{key}" if key else f"/{self.name}", safe="/~")
        text = urllib.parse.urlencode(sorted((query or {}).items()), quote_via=urllib.parse.quote, safe="~")
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        payload = hashlib.sha256(body).hexdigest()
        fields = {"host": self.host, "x-amz-content-sha256": payload, "x-amz-date": now}
        signed = ";".join(fields)
        request = "\n".join([method, path, text, *(f"{k}:{v}" for k, v in fields.items()), "", signed, payload])
        scope = f"{now[:8]}/{self.region}/s3/aws4_request"
        to_sign = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(request.encode()).hexdigest()])
        key_bytes = ("AWS4" + self.secret_key).encode()
        for word in scope.split("/"):
            key_bytes = hmac.digest(key_bytes, word.encode(), "sha256")
        signature = hmac.new(key_bytes, to_sign.encode(), "sha256").hexdigest()
        fields["authorization"] = (f"AWS4-HMAC-SHA256 Credential={self.access_key}/{scope}, SignedHeaders={signed}, "
                                   f"Signature={signature}")
        connection = http.client.HTTPConnection(self.host, timeout=60)
        try:
            connection.request(method, path + ("?" + text if text else ""), body, fields)
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        if answer.status >= 300:
            raise AssertionError(f"{method} {path}?{text}: {answer.status} {data[:500]!r}")
        return data

    def _listed(self, query, entry, names):
        """All pages of a listing: of each entry, the elements of these names."""
        found, more = [], {}
        while True:
            page = ET.fromstring(self._request("GET", "", {**query, **more}))
            for element in page.iter():
                element.tag = element.tag.rpartition("}")[2]
            found += [tuple(e.findtext(name) for name in names) for e in page.iter(entry)]
            if page.findtext("IsTruncated") != "true":
                return found
            if "uploads" in query:
                more = {"key-marker": page.findtext("NextKeyMarker"), "upload-id-marker": page.findtext("NextUploadIdMarker")}
            else:
                more = {"continuation-token": page.findtext("NextContinuationToken")}

    def _all_keys(self):
        """Except what a killed probe left so recently that it need not be removed yet."""
        return {key for key, made in self._listed({"list-type": "2"}, "Contents", ["Key", "LastModified"])
                if not fresh_probe(key, made)}

    def _uploads(self):
        """(key, upload id), with the same exception."""
        return {(key, upload) for key, upload, made in self._listed({"uploads": ""}, "Upload", ["Key", "UploadId", "Initiated"])
                if not fresh_probe(key, made)}

    def keys(self):
        # Keys below ~imgsrv/ are the plugin's own.
        return {key for key in self._all_keys() if not key.startswith("~imgsrv/")} - {identity.KEY}

    def read(self, key):
        return self._request("GET", key)

    def write(self, key, data):
        self._request("PUT", key, body=data)

    def remove(self, key):
        self._request("DELETE", key)

    def unfinished(self):
        left = {key for key in self._all_keys() if key.startswith(("staging/", "~imgsrv/uploads/"))}
        return left | {f"{key}?uploadId={upload}" for key, upload in self._uploads()}

    def stored_parts(self):
        """(key, upload id, part number, when it was stored) of uploads that have not ended."""
        return {(key, upload, int(part.findtext("{*}PartNumber")), part.findtext("{*}LastModified"))
                for key, upload in self._uploads()
                for part in ET.fromstring(self._request("GET", key, {"uploadId": upload})).findall("{*}Part")}

    def leftovers(self):
        # The object of its health check stays.
        own = {key for key in self._all_keys() if key.startswith("~imgsrv/")} - {"~imgsrv/health"}
        return own | self.unfinished()

    def close(self):
        for key, upload in self._listed({"uploads": ""}, "Upload", ["Key", "UploadId"]):
            self._request("DELETE", key, {"uploadId": upload})
        for key, in self._listed({"list-type": "2"}, "Contents", ["Key"]):
            self._request("DELETE", key)
        self._request("DELETE", "")
