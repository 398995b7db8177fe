"""The sdk's C example, built as its reader would outside of the tree against the installed sdk, then put into a server's
pipeline by configuration alone: it fails a job, and lets a new version with the attachment pass.

The settings that do it: `plugin-dir`, and `steps` under [publish]."""
import json
import os
import shutil
import tempfile
import unittest
from pathlib import Path

from images import make_metadata, make_squashfs
from server_test import Server, main
from harness.build import BUILD, SOURCE
from harness.programs import run
from harness.waiting import wait_until


class ExampleStep(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="imgsrv-example-"))
        run("cmake", "--install", BUILD, "--component", "sdk", "--prefix", cls.folder / "prefix")
        shutil.copytree(SOURCE / "sdk/examples/c", cls.folder / "example")
        run("cmake", "-G", "Ninja", "-S", cls.folder / "example", "-B", cls.folder / "built", f"-DCMAKE_PREFIX_PATH={cls.folder / 'prefix'}")
        run("cmake", "--build", cls.folder / "built")
        plugins = cls.folder / "plugins"
        plugins.mkdir(mode=0o755)
        shutil.copy(cls.folder / "built/require_sbom.so", plugins)
        config = cls.folder / "imgsrv.toml"
        config.write_text(f"""
plugin-dir = ["{plugins}"]
[publish]
steps = ["validate_catalog", "require_sbom", "incus_index", "finalize_publish"]
""")
        cls.server = Server("--config", config)
        run(*("chmod", "-R", "go-w", cls.folder))

    @classmethod
    def tearDownClass(cls):
        cls.server.close()
        shutil.rmtree(cls.folder, ignore_errors=True)

    def test_the_step_fails_a_job_and_lets_a_new_version_pass(self):
        rootfs = make_squashfs(self.folder, "box")
        metadata = make_metadata(self.folder, "box")
        sbom = self.folder / "sbom.json"
        sbom.write_text(json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": []}))
        common = ("--os", "busybox", "--arch", "x86_64", "--rootfs", rootfs, "--metadata", metadata)

        refused = self.server.imgsrv("publish", "box", "1", *common)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("sbom.json", refused.stdout + refused.stderr)
        jobs = self.server.owner.get("/v1/publish-jobs").json["publish_jobs"]
        self.assertEqual([jobs[0]["state"], jobs[0]["failed_step"], jobs[0]["reason"]],
                         ["failed", "require_sbom", "failed_precondition"])
        self.assertEqual([step["state"] for step in jobs[0]["steps"]], ["succeeded", "failed", "queued", "queued"])
        self.assertEqual(self.server.anonymous().get("/v1/images/box").status, 404)

        passed = self.server.imgsrv("publish", "box", "2", *common, "--attach", f"sbom.json={sbom}:application/json")
        self.assertEqual(passed.returncode, 0, passed.stdout + passed.stderr)
        manifest = wait_until(lambda: self.server.anonymous().get("/v1/images/box/versions/2").json, "the manifest")
        self.assertEqual(manifest["version"]["state"], "published")
        names = [attachment["name"] for attachment in manifest["artifacts"][0]["attachments"]]
        self.assertIn("sbom.json", names)


if __name__ == "__main__":
    main()
