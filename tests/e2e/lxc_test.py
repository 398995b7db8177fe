#!/usr/bin/env python3
"""The real lxc 5.0.2, without a daemon, lists, inspects and exports what was published, over TLS with an authority of its own."""
import json
import os
import subprocess
import unittest
from pathlib import Path

import images
from server_test import ServerTest, main
from harness.build import SOURCE
from harness.programs import run, sha256
from harness.waiting import wait_until


class Lxc:
    """lxc with a fresh configuration that knows the server as the remote "test"."""

    def __init__(self, server, folder):
        self.folder = Path(folder)
        self.folder.mkdir()
        self.env = {**os.environ, "LXD_CONF": str(self.folder), "SSL_CERT_FILE": str(server.ca), "SSL_CERT_DIR": "/nonexistent"}
        self("remote", "add", "test", f"https://{server.tls_address}", "--protocol=simplestreams")

    def __call__(self, *arguments):
        done = self.run(*arguments)
        if done.returncode != 0:
            raise AssertionError(f"lxc {arguments} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def run(self, *arguments):
        return subprocess.run(["lxc", *map(str, arguments)], env=self.env, capture_output=True, text=True, timeout=300)

    def list(self):
        return json.loads(self("image", "list", "test:", "--format", "json"))

    def fingerprint(self, name, *flags):
        """The fingerprint that `lxc image info` prints."""
        line = next(line for line in self("image", "info", "test:" + name, *flags).splitlines() if line.startswith("Fingerprint:"))
        return line.split()[1]

    def export(self, name, *flags):
        """The digests of the exported files."""
        target = self.folder / ("export-" + name.replace("/", "-"))
        target.mkdir(exist_ok=True)
        self("image", "export", "test:" + name, str(target) + "/", *flags)
        return {sha256(path) for path in target.iterdir()}


def split_fingerprint(metadata, root):
    return run("sh", "-c", f"cat '{metadata}' '{root}' | sha256sum").stdout.split()[0]


# An image of each kind: the file that becomes it, and the flags by which lxc selects it.
KINDS = {"vm": ("--disk", images.make_disk, ("--vm",)), "squash": ("--rootfs", images.make_squashfs, ()),
         "tarred": ("--rootfs", images.make_root_tar, ()), "uni": ("--unified", images.make_unified, ())}


class PublishedTest(ServerTest):
    """A server that has one image of each kind, and an lxc that knows the server."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.files = {}
        for name, (flag, make, _) in KINDS.items():
            root = make(cls.folder, name)
            metadata = None if name == "uni" else images.make_metadata(cls.folder, name)
            cls.files[name] = (metadata, root) if metadata else (root,)
            cls.server.publish(name, "1.0", flag, root, *(("--metadata", metadata) if metadata else ()), "--alias", "latest", "--alias", "stable")
        cls.lxc = Lxc(cls.server, cls.folder / "lxc")

    def fingerprint(self, name):
        files = self.files[name]
        return sha256(files[0]) if len(files) == 1 else split_fingerprint(*files)


class Clients(PublishedTest):
    def test_list_shows_every_image_with_its_kind(self):
        kinds = {image["fingerprint"]: image["type"] for image in self.lxc.list()}
        for name, kind in (("vm", "virtual-machine"), ("squash", "container"), ("tarred", "container"), ("uni", "container")):
            with self.subTest(name):
                self.assertEqual(kinds.get(self.fingerprint(name)), kind)

    def test_info_by_version_by_alias_and_by_bare_name(self):
        for name, (_, _, flags) in KINDS.items():
            for ref in (f"{name}/1.0", f"{name}/stable", name):
                with self.subTest(ref):
                    self.assertEqual(self.lxc.fingerprint(ref, *flags), self.fingerprint(name))

    def test_exports_are_equal_byte_for_byte(self):
        for name, (_, _, flags) in KINDS.items():
            with self.subTest(name):
                self.assertEqual(self.lxc.export(name, *flags), {sha256(path) for path in self.files[name]})

    def test_documents_reach_it_compressed(self):
        # lxc sends "Accept-Encoding: gzip".
        plain = len(self.server.anonymous().get("/streams/v1/images.json").expect(200).body)
        before = len(self.server.events("request"))
        self.assertEqual(len(self.lxc.list()), len(self.lxc.list()))

        def sent():
            return [e["bytes_out"] for e in self.server.events("request")[before:] if e["route"] == "/streams/v1/images.json"]
        wait_until(lambda: len(sent()) >= 2, "its requests are logged")
        self.assertTrue(all(0 < size < plain for size in sent()), f"{sent()} of {plain} bytes")

    def test_a_moved_alias_is_seen(self):
        old, new = (images.make_squashfs(self.folder, f"moving-{i}") for i in (1, 2))
        metadata = images.make_metadata(self.folder, "moving")
        self.server.publish("moving", "1", "--rootfs", old, "--metadata", metadata, "--alias", "latest")
        self.server.publish("moving", "2", "--rootfs", new, "--metadata", metadata)
        self.assertEqual(self.lxc.fingerprint("moving"), split_fingerprint(metadata, old))
        self.assertEqual(self.server.imgsrv("alias", "set", "moving", "latest", "2").returncode, 0)
        self.assertEqual(self.lxc.fingerprint("moving"), split_fingerprint(metadata, new))
        self.assertEqual(self.lxc.fingerprint("moving/1"), split_fingerprint(metadata, old))

    def test_two_versions_with_the_same_bytes_stay_exportable(self):
        metadata, root = images.make_metadata(self.folder, "twice"), images.make_squashfs(self.folder, "twice")
        self.server.publish("twice", "1", "--rootfs", root, "--metadata", metadata)
        self.server.publish("twice", "2", "--rootfs", root, "--metadata", metadata, "--alias", "latest")
        for ref in ("twice/1", "twice/2", "twice"):
            with self.subTest(ref):
                self.assertEqual(self.lxc.export(ref), {sha256(metadata), sha256(root)})

    def test_bytes_changed_in_the_store_are_refused(self):
        metadata, root = images.make_metadata(self.folder, "rotten"), images.make_squashfs(self.folder, "rotten")
        self.server.publish("rotten", "1", "--rootfs", root, "--metadata", metadata)
        backends = self.server.backends
        (key,), = backends.database.query(f"SELECT storage_key FROM blobs WHERE digest = 'sha256:{sha256(root)}'")
        stored = bytearray(backends.store.read(key))
        self.assertEqual(stored, root.read_bytes())
        stored[len(stored) // 2] ^= 1
        backends.store.write(key, bytes(stored))
        target = self.folder / "rotten-export"
        target.mkdir()
        done = self.lxc.run("image", "export", "test:rotten/1", str(target) + "/")
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr, "(?i)hash|mismatch")

    def test_a_variant_does_not_take_the_default_ones_alias(self):
        default, cloud = (images.make_squashfs(self.folder, f"varied-{i}") for i in ("default", "cloud"))
        metadata = images.make_metadata(self.folder, "varied")
        self.server.publish("varied", "1", "--rootfs", default, "--metadata", metadata, "--draft")
        self.server.publish("varied", "1", "--rootfs", cloud, "--metadata", metadata, "--variant", "cloud", "--alias", "latest")
        self.assertEqual(self.lxc.fingerprint("varied"), split_fingerprint(metadata, default))
        self.assertEqual(self.lxc.fingerprint("varied/cloud"), split_fingerprint(metadata, cloud))


class Daemon(PublishedTest):
    """The lxd daemon downloads, verifies and stores. Needs root, as lxd does."""

    SCRIPTS = SOURCE / "tests/harness"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lxd_env = {**os.environ, "LXD_DIR": str(cls.server.folder / "lxd"), "CA": str(cls.server.ca)}
        cls.addClassCleanup(run, cls.SCRIPTS / "stop-lxd.sh", env=cls.lxd_env)
        run(cls.SCRIPTS / "start-lxd.sh", env=cls.lxd_env)
        cls.lxc.env["LXD_DIR"] = cls.lxd_env["LXD_DIR"]

    def test_copies_every_kind(self):
        # All were published before the first copy: the daemon keeps the server's list for an hour.
        for name, (_, _, flags) in KINDS.items():
            with self.subTest(name):
                self.lxc("image", "copy", "test:" + name, "local:", "--copy-aliases", *flags)
                stored = json.loads(self.lxc("image", "list", "local:", "--format", "json"))
                image = next(i for i in stored if i["fingerprint"] == self.fingerprint(name))
                self.assertIn(name, [alias["name"] for alias in image["aliases"]])
                self.assertEqual(image["size"], sum(path.stat().st_size for path in self.files[name]))


if __name__ == "__main__":
    main()
