"""Small real images: a busybox container as squashfs, root.tar.xz and unified, and a qcow2 disk."""
import os
import shutil
import tarfile
import time
from pathlib import Path

from harness.programs import run


def metadata_text(name):
    return (f"architecture: x86_64\ncreation_date: {int(time.time())}\nproperties:\n  architecture: x86_64\n"
            f"  description: {name}\n  os: busybox\n  release: {name}\n")


def make_metadata(folder, name):
    """incus.tar.xz with a metadata.yaml that no other image has."""
    source = folder / f"{name}.metadata"
    source.mkdir(parents=True)
    (source / "metadata.yaml").write_text(metadata_text(name))
    path = folder / f"{name}.incus.tar.xz"
    with tarfile.open(path, "w:xz") as tar:
        tar.add(source / "metadata.yaml", "metadata.yaml")
    return path


def make_tree(folder, name):
    """A root file system with a static busybox."""
    tree = folder / f"{name}.tree"
    for part in ("bin", "etc", "dev", "proc", "sys", "tmp"):
        (tree / part).mkdir(parents=True)
    shutil.copy(shutil.which("busybox") or "/bin/busybox", tree / "bin/busybox")
    for applet in ("sh", "ls", "init"):
        os.symlink("busybox", tree / "bin" / applet)
    (tree / "etc/hostname").write_text(name + "\n")
    return tree


def make_squashfs(folder, name):
    path = folder / f"{name}.squashfs"
    run("mksquashfs", make_tree(folder, name), path, "-quiet", "-no-progress", "-noappend", "-all-root")
    return path


def make_root_tar(folder, name):
    path = folder / f"{name}.root.tar.xz"
    with tarfile.open(path, "w:xz", preset=1) as tar:
        tar.add(make_tree(folder, name), ".")
    return path


def make_unified(folder, name):
    path = folder / f"{name}.unified.tar.gz"
    (folder / f"{name}.yaml").write_text(metadata_text(name))
    with tarfile.open(path, "w:gz") as tar:
        tar.add(folder / f"{name}.yaml", "metadata.yaml")
        tar.add(make_tree(folder, name), "rootfs")
    return path


def make_disk(folder, name, megabytes=8):
    """A qcow2 with random bytes in it, so that no two are alike."""
    raw, path = folder / f"{name}.raw", folder / f"{name}.qcow2"
    raw.write_bytes(os.urandom(megabytes << 20))
    run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, path)
    raw.unlink()
    return path


def make_random(folder, name, megabytes):
    path = Path(folder) / name
    with open(path, "wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(1 << 20))
    return path
