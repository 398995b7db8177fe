"""One of everything, published and not, so that each operation of the API has something to work on."""
import re

from harness.client import digest_of

NO_ID = "00000000-0000-7000-8000-000000000000"


class World:
    def __init__(self, server, document):
        self.server, self.document = server, document
        self.anonymous, self.writer = server.anonymous(), server.writer()
        self.manager, self.nobody = server.manager(), server.nobody()
        self.data = bytes(range(256)) * 40
        digest = self.writer.upload(self.data)
        writer = self.writer

        def version(name):
            writer.draft("world", name)
            artifact = writer.artifact("world", name, digest, len(self.data)).expect(201).json["id"]
            attachment = writer.post(f"/v1/images/world/versions/{name}/artifacts/{artifact}/attachments", json={
                "name": "notes.txt", "media_type": "text/plain", "blob_digest": digest,
                "blob_size_bytes": len(self.data)}).expect(201).json["id"]
            return {"version": name, "artifact_id": artifact, "attachment_id": attachment}

        published = version("1.0")
        job = writer.publish("world", "1.0")
        assert job["state"] == "succeeded", job
        self.draft = version("draft")
        writer.put("/v1/images/world/aliases/latest", json={"version": "1.0"}).expect(200)
        token = server.token("content-writer")
        self.named = {"name": "world", "ref": "latest", "alias": "latest", "digest": digest, "job_id": job["id"],
                      "number": "1", "role_id": "content-writer", **published}
        self.ids = {"uploads": writer.new_upload(b"never sent"), "principals": token["principal_id"],
                    "api-tokens": token["id"]}
        # Not enabled, so that the issuer is never asked.
        self.rule = {"display_name": "CI", "issuer_url": "https://issuer.example.org", "audience": "images",
                     "forwarded_claims": ["ref"], "condition": "claims.ref == 'refs/heads/main'", "enabled": False}
        self.ids["oidc-provisioning-rules"] = self.manager.post(
            "/v1/auth/oidc-provisioning-rules", json=self.rule).expect(201).json["id"]
        self.fresh = 0

    def target(self, pattern, **instead):
        """The pattern with its parameters filled in: by default with things that exist."""
        values = {**self.named, **{"id": self.ids.get(s) for s in pattern.split("/") if s in self.ids}, **instead}
        return re.sub(r"\{(\w+)\}", lambda m: values[m[1]], pattern)

    def parameters(self, pattern):
        return re.findall(r"\{(\w+)\}", pattern)

    def body(self, operation_id):
        """A body that the operation accepts, or None."""
        self.fresh += 1
        digest = digest_of(b"%d" % self.fresh)
        return {
            "createUpload": {"expected_digest": digest, "expected_size_bytes": 1, "media_type_hint": "text/plain",
                             "filename_hint": "x"},
            "completeUpload": {"parts": [{"number": 1, "etag": "x", "size_bytes": 1}]},
            "createImage": {"name": f"fresh-{self.fresh}", "display_name": "Fresh", "description": "Fresh."},
            "createDraft": {"version": f"fresh-{self.fresh}"},
            "addArtifact": {"operating_system": "linux", "architecture": f"a{self.fresh}", "variant": "v",
                            "format": "raw", "primary_blob_digest": digest, "primary_blob_size_bytes": 1,
                            "primary_media_type": "text/plain"},
            "addAttachment": {"name": f"n{self.fresh}", "media_type": "text/plain", "blob_digest": digest,
                              "blob_size_bytes": 1},
            "putAlias": {"version": "1.0"},
            "createPrincipal": {"kind": "service", "display_name": "fresh", "attributes": {}},
            "createProvisioningRule": dict(self.rule),
            "updateProvisioningRule": dict(self.rule),
            "issueApiToken": {"name": "fresh", "expires_at": "2099-01-01T00:00:00Z"},
        }.get(operation_id)

    def caller(self, operation):
        """A caller with exactly the role that the operation needs."""
        if operation.get("security") == []:
            return self.anonymous
        return self.manager if "auth" in operation["tags"] else self.writer

    def operations(self):
        """(method, pattern, operation), in the document's order."""
        for (method, pattern), operation in self.document.operations.items():
            yield method, pattern, operation

    def schema_of_body(self, operation):
        """The schema of the JSON body; None when there is none."""
        body = self.document.resolve(operation.get("requestBody", {}))
        media = body.get("content", {}).get("application/json")
        return self.document.resolve(media["schema"]) if media else None
