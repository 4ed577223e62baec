#!/usr/bin/env python3
"""Images: instances a second over C-STORE beside other receivers, and what a reader waits for; processor time and memory.

    cargo build --release && tests/bench/dicom.py [--files 300] [--repeats 3] [--only store,read,large,associations]

Needs dcmtk; for the comparison Debian's orthanc, a C compiler and `cargo install dicom-storescp`; for the first picture what
the browser tests need. What is not there is passed over and said.
Both ends of every association have TCP_NODELAY. Each receiver runs alone, in a scratch folder on one disk, after the other. A
goal that is missed is said and does not fail the run: other work on the machine moves it.

Receivers: `storescp` of DCMTK, which leaves writing to the kernel; plain receivers with every file synced before its answer:
`storescp` as it comes (`synced`), the same told to be fast (`synced-tuned`), and `dicom-storescp` of dicom-rs (`synced-rs`);
Orthanc with its default, which syncs; the hub, whose answer says that the instance is durable in its store and its claim in the
log.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
HUB = pathlib.Path(os.environ.get("CAUSEWAY_BIN", pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/causeway"))
TOKEN = "open sesame"
DIGEST = "41ef4bb0b23661e66301aac36066912dac037827b4ae63a7b1165a5aa93ed4eb"
PROVIDER = "9000000009"
TICKS = os.sysconf("SC_CLK_TCK")
NODELAY = dict(os.environ, TCP_NODELAY="1")
CT, MULTI_FRAME = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.7.3"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
# As fast as storescp is told to be: it writes what it reads as it comes, in the longest PDUs it knows, in bytes.
FASTEST = ["+B", "-pdu", "131072"]
ROOT_UID = "2.25.7001"
# A file that was written is synced before it is closed, by C's library or without it.
SYNCED = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
static void synced(int file) {
    struct stat about;
    int flags = fcntl(file, F_GETFL);
    if (flags != -1 && (flags & O_ACCMODE) != O_RDONLY && fstat(file, &about) == 0 && S_ISREG(about.st_mode)) fdatasync(file);
}
int fclose(FILE *file) {
    static int (*next)(FILE *);
    if (!next) next = (int (*)(FILE *))dlsym(RTLD_NEXT, "fclose");
    fflush(file);
    synced(fileno(file));
    return next(file);
}
int close(int file) {
    static int (*next)(int);
    if (!next) next = (int (*)(int))dlsym(RTLD_NEXT, "close");
    synced(file);
    return next(file);
}
"""


def element(group, number, vr, value):
    value = value if isinstance(value, bytes) else str(value).encode()
    value += (b"\0" if vr == "UI" else b" ") * (len(value) % 2) if vr not in ("OW", "US") else b""
    tag = struct.pack("<HH2s", group, number, vr.encode())
    return tag + (struct.pack("<HI", 0, len(value)) if vr == "OW" else struct.pack("<H", len(value))) + value


def header(instance, series, study, number, frames, sop_class=CT):
    """A file up to the length of its pixels."""
    meta = b"".join([
        struct.pack("<HH2sHI2s", 2, 1, b"OB", 0, 2, b"\0\1"),
        element(2, 0x02, "UI", sop_class), element(2, 0x03, "UI", instance), element(2, 0x10, "UI", EXPLICIT_LITTLE),
        element(2, 0x12, "UI", f"{ROOT_UID}.9"),
    ])
    short = lambda value: struct.pack("<H", value)
    data = b"".join([
        element(8, 0x05, "CS", "ISO_IR 192"), element(8, 0x08, "CS", "ORIGINAL\\PRIMARY\\AXIAL"), element(8, 0x16, "UI", sop_class),
        element(8, 0x18, "UI", instance), element(8, 0x20, "DA", "20260102"), element(8, 0x30, "TM", "101112"),
        element(8, 0x50, "SH", "BENCH1"), element(8, 0x60, "CS", "CT"), element(8, 0x1030, "LO", "CT bench"),
        element(0x10, 0x10, "PN", "TEST^ONE"), element(0x10, 0x20, "LO", "T1"), element(0x10, 0x30, "DA", "19800229"),
        element(0x10, 0x40, "CS", "M"), element(0x18, 0x50, "DS", "1.25"), element(0x20, 0x0D, "UI", study),
        element(0x20, 0x0E, "UI", series), element(0x20, 0x10, "SH", "1"), element(0x20, 0x11, "IS", "1"), element(0x20, 0x13, "IS", number),
        element(0x20, 0x32, "DS", f"-250\\-250\\{-1.25 * number}"), element(0x20, 0x37, "DS", "1\\0\\0\\0\\1\\0"),
        element(0x28, 0x02, "US", short(1)), element(0x28, 0x04, "CS", "MONOCHROME2"),
        element(0x28, 0x08, "IS", frames) if frames > 1 else b"",
        element(0x28, 0x10, "US", short(512)), element(0x28, 0x11, "US", short(512)), element(0x28, 0x30, "DS", "0.977\\0.977"),
        element(0x28, 0x100, "US", short(16)), element(0x28, 0x101, "US", short(12)), element(0x28, 0x102, "US", short(11)),
        element(0x28, 0x103, "US", short(0)), element(0x28, 0x1050, "DS", "40"), element(0x28, 0x1051, "DS", "400"),
        element(0x28, 0x1052, "DS", "-1024"), element(0x28, 0x1053, "DS", "1"),
    ])
    group = struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(meta))
    return b"\0" * 128 + b"DICM" + group + meta + data + struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OW", 0, frames * 512 * 512 * 2)


def pixels(seed):
    """One frame of noise around a body: it does not compress to nothing."""
    dice = random.Random(seed)
    line = [struct.pack("<H", 1000 + dice.randrange(64)) for _ in range(4096)]
    return b"".join(dice.choice(line) for _ in range(512 * 512 // 64)) * 64


def write_files(folder, count, parts, run):
    """`count` CT instances of one study, of a series for each part."""
    for at in range(count):
        part = folder / f"a{at % parts}"
        part.mkdir(parents=True, exist_ok=True)
        study, series = f"{ROOT_UID}.{run}", f"{ROOT_UID}.{run}.{at % parts + 1}"
        path = part / f"{at:06}.dcm"
        path.write_bytes(header(f"{series}.{at + 1}", series, study, at // parts + 1, 1) + pixels(at))


def free():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(holds, what, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if holds():
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise SystemExit(f"waited {seconds} s for {what}")


def open_port(port):
    socket.create_connection(("127.0.0.1", port), 1).close()
    return True


class Receiver:
    """A process that takes associations at a port."""

    def __init__(self, name, title, command, env=NODELAY, port=None):
        self.name, self.title, self.port = name, title, port or free()
        self.process = subprocess.Popen([*command, *([] if port else [str(self.port)])], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
        wait_for(lambda: open_port(self.port), f"{name} to listen")
        self.begun = self.used()[0]

    def used(self):
        """Processor time in seconds, children included, and the most memory ever resident in MiB."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return sum(map(int, fields[11:15])) / TICKS, peak

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def storescp(folder, name, options, synced=None):
    (folder / "out").mkdir()
    env = dict(NODELAY, LD_PRELOAD=str(synced)) if synced else NODELAY
    return Receiver(name, "STORE", ["storescp", "--fork", "-q", "-od", str(folder / "out"), "-aet", "STORE", *options], env)


def storescp_rs(folder, synced):
    (folder / "out").mkdir()
    port = free()
    command = ["dicom-storescp", "-n", "-o", str(folder / "out"), "--calling-ae-title", "STORE", "-m", "131066", "-p", str(port)]
    return Receiver("synced-rs", "STORE", command, dict(NODELAY, LD_PRELOAD=str(synced)), port)


def orthanc(folder):
    port = free()
    settings = {"Name": "bench", "StorageDirectory": str(folder / "db"), "IndexDirectory": str(folder / "db"), "DicomPort": port, "HttpPort": free(),
                "RemoteAccessAllowed": False, "AuthenticationEnabled": False, "DicomAet": "ORTHANC", "Plugins": []}
    (folder / "orthanc.json").write_text(json.dumps(settings))
    return Receiver("orthanc", "ORTHANC", ["Orthanc", str(folder / "orthanc.json")], port=port)


class Hub(Receiver):
    def __init__(self, folder):
        self.http, port = free(), free()
        home = folder / "hub"
        subprocess.run([HUB, "init", "--dir", home, "--mllp-port", str(free()), "--http-port", str(self.http)], check=True, capture_output=True)
        with open(home / "causeway.toml", "a", encoding="utf-8") as file:
            file.write(f"""
[[dicom_door]]
listen = "127.0.0.1:{port}"

[[dicom_door.feed]]
name = "pacs"
provider = "{PROVIDER}"
ae_titles = ["BENCH"]

[[reader]]
name = "bench"
provider = "{PROVIDER}"
token_sha256 = "{DIGEST}"
""")
        (home / "persons.csv").write_text("document_kind,document_number,document_issuer,family,given,birth,sex\nPASSPORT,P0000001,XXA,TEST,ONE,1980-02-29,M\n")
        run = lambda *more: subprocess.run([HUB, "--config", home, *more], check=True, capture_output=True)
        run("person", "import", home / "persons.csv", "--join", "2025")
        run("person", "link", "1", "--provider", PROVIDER, "--number", "T1")
        run("consent", "give", "1", "--provider", PROVIDER)
        super().__init__("causeway", "CAUSEWAY", [HUB, "--config", home, "serve"], port=port)
        wait_for(lambda: self.get("/readyz", "*/*"), "the hub to be ready")
        self.begun = self.used()[0]

    def get(self, path, accept):
        """The body of an answer, and the seconds until its last byte."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}{path}", headers={"Authorization": f"Bearer {TOKEN}", "Accept": accept})
        begun = time.perf_counter()
        with urllib.request.urlopen(request) as answer:
            body = answer.read()
        return body, time.perf_counter() - begun


def send(receiver, folders):
    """Sends each folder on an association of its own; the seconds until the last answer."""
    command = ["storescu", "-q", "-R", "-aec", receiver.title, "-aet", "BENCH", "-pdu", "131072", "127.0.0.1", str(receiver.port), "+sd"]
    begun = time.perf_counter()
    senders = [subprocess.Popen([*command, str(folder)], env=NODELAY) for folder in folders]
    if any([sender.wait() for sender in senders]):
        raise SystemExit(f"a sender to {receiver.name} failed")
    return time.perf_counter() - begun


def said(**values):
    print(json.dumps(values), flush=True)


def goal(text, holds):
    print(f"{'ok    ' if holds else 'MISSED'} {text}", flush=True)


def synced_writes(scratch):
    """The library that makes a receiver sync its files; none without a compiler."""
    source, library = scratch / "synced.c", scratch / "synced.so"
    source.write_text(SYNCED)
    made = shutil.which("cc") and subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=False).returncode == 0
    return library if made else None


def store(scratch, files, repeats):
    write_files(scratch / "in", files, 4, 1)
    everything = scratch / "all"
    everything.mkdir()
    for path in (scratch / "in").glob("*/*.dcm"):
        os.link(path, everything / path.name)
    library = synced_writes(scratch)
    kinds = {"storescp": lambda folder: storescp(folder, "storescp", FASTEST), "causeway": Hub}
    plain = {}
    if library:
        plain = {"synced": lambda folder: storescp(folder, "synced", [], library),
                 "synced-tuned": lambda folder: storescp(folder, "synced-tuned", FASTEST, library)}
        if shutil.which("dicom-storescp"):
            plain["synced-rs"] = lambda folder: storescp_rs(folder, library)
        kinds.update(plain)
    if shutil.which("Orthanc"):
        kinds["orthanc"] = orthanc
    rates = {}
    for associations, folders in ((1, [everything]), (4, sorted((scratch / "in").iterdir()))):
        # In turns, so that what else the machine does falls on all.
        for _ in range(repeats):
            for kind, make in kinds.items():
                folder = pathlib.Path(tempfile.mkdtemp(dir=scratch))
                receiver = make(folder)
                seconds = send(receiver, folders)
                used, peak = receiver.used()
                # Its folder stays until the end: a file system that has just removed files is slow to make new ones.
                receiver.stop()
                rates.setdefault((kind, associations), []).append(files / seconds)
                said(what="store", receiver=kind, associations=associations, per_second=round(files / seconds, 1),
                     processor_seconds=round(used - receiver.begun, 2), resident_mib=round(peak, 1))
    rate = lambda kind, associations: statistics.median(rates[kind, associations])
    for associations, beside, least in ((1, 2.0, 250), (4, 1.6, 450)):
        ours = rate("causeway", associations)
        goal(f"{associations} association(s): {ours:.0f} instances/s, at least {least}", ours >= least)
        if "orthanc" in kinds:
            ratio = ours / rate("orthanc", associations)
            goal(f"{associations} association(s): {ratio:.2f} x Orthanc, at least {beside}", ratio >= beside)
        for name in plain:
            ratio = ours / rate(name, associations)
            goal(f"{associations} association(s): {ratio:.2f} x a plain receiver that syncs each file ({name}), at least 1", ratio >= 1)


def read(scratch, files):
    write_files(scratch / "read", files, 4, 2)
    study = f"{ROOT_UID}.2"
    hub = Hub(scratch)
    try:
        send(hub, sorted((scratch / "read").iterdir()))
        count = lambda: len(json.loads(hub.get(f"/dicomweb/studies/{study}/instances?limit=5000", "application/dicom+json")[0]))
        def all_there():
            try:
                return count() == files
            except urllib.error.HTTPError:
                return False
        wait_for(all_there, "all instances to be readable")
        times = lambda path, accept, turns: [1000 * hub.get(path(turn), accept)[1] for turn in range(turns)]
        metadata = statistics.median(times(lambda _: f"/dicomweb/studies/{study}/series/{study}.1/metadata", "application/dicom+json", 30))
        goal(f"metadata of a series of {files // 4}: p50 {metadata:.1f} ms, at most 15", metadata <= 15)
        frame = lambda turn: f"/dicomweb/studies/{study}/series/{study}.{turn % 4 + 1}/instances/{study}.{turn % 4 + 1}.{turn * 7 % files // 4 * 4 + turn % 4 + 1}/frames/1"
        frames = statistics.median(times(frame, 'multipart/related; type="application/octet-stream"', 100))
        goal(f"a frame: p50 {frames:.1f} ms, at most 10", frames <= 10)
        waited = first_picture(hub, f"/en/studies/{study}")
        if waited:
            goal(f"the first picture of a study of {files} in Chromium: p50 {statistics.median(waited):.2f} s, longest {max(waited):.2f} s, at most 1", max(waited) <= 1)
    finally:
        hub.stop()


def first_picture(hub, path):
    """Seconds from asking for the page until its viewer has drawn, of several turns; none without a browser."""
    browser = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    if not (shutil.which("node") and os.path.exists(browser) and (ROOT / "tests/browser/node_modules").is_dir()):
        print("the first picture is passed over: needs node, chromium, and `npm ci` in tests/browser", flush=True)
        return []
    command = ["node", ROOT / "tests/bench/first_picture.mjs", f"http://127.0.0.1:{hub.http}{path}", TOKEN, "7"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [milliseconds / 1000 for milliseconds in json.loads(told)]


def large(scratch, frames):
    folder = scratch / "large"
    folder.mkdir()
    with open(folder / "large.dcm", "wb") as file:
        file.write(header(f"{ROOT_UID}.3.1.1", f"{ROOT_UID}.3.1", f"{ROOT_UID}.3", 1, frames, MULTI_FRAME))
        one = pixels(1)
        for _ in range(frames):
            file.write(one)
    size = (folder / "large.dcm").stat().st_size
    hub = Hub(scratch)
    try:
        seconds = send(hub, [folder])
        used, peak = hub.used()
        said(what="large", mb=round(size / 1e6), seconds=round(seconds, 1), processor_seconds=round(used - hub.begun, 2), resident_mib=round(peak, 1))
        goal(f"one instance of {size / 1e9:.1f} GB: at most {peak:.0f} MiB resident, at most 65", peak <= 65)
    finally:
        hub.stop()
        shutil.rmtree(folder)


def verification():
    """An association request with Verification, C-ECHO, and the release, as bytes."""
    item = lambda kind, value: struct.pack(">BBH", kind, 0, len(value)) + value
    uid = lambda text: text.encode()
    context = item(0x20, b"\1\0\0\0" + item(0x30, uid("1.2.840.10008.1.1")) + item(0x40, uid("1.2.840.10008.1.2")))
    user = item(0x50, item(0x51, struct.pack(">I", 16384)) + item(0x52, uid(f"{ROOT_UID}.9")))
    body = struct.pack(">HH16s16s32x", 1, 0, b"CAUSEWAY".ljust(16), b"BENCH".ljust(16)) + item(0x10, uid("1.2.840.10008.3.1.1.1")) + context + user
    field = lambda number, value: struct.pack("<HHI", 0, number, len(value)) + value
    command = field(2, uid("1.2.840.10008.1.1\0")) + field(0x100, b"\x30\0") + field(0x110, b"\1\0") + field(0x800, b"\1\1")
    value = struct.pack(">IBB", len(command) + 14, 1, 3) + field(0, struct.pack("<I", len(command))) + command
    return struct.pack(">BBI", 1, 0, len(body)) + body, struct.pack(">BBI", 4, 0, len(value)) + value, struct.pack(">BBII", 5, 0, 4, 0)


def receive(peer):
    """One PDU: its type."""
    head = peer.recv(6, socket.MSG_WAITALL)
    kind, _, length = struct.unpack(">BBI", head)
    peer.recv(length, socket.MSG_WAITALL)
    return kind


def associations(scratch, count):
    hub = Hub(scratch)
    resident = lambda: next(int(line.split()[1]) for line in pathlib.Path(f"/proc/{hub.process.pid}/status").read_text().splitlines() if line.startswith("VmRSS")) / 1024
    try:
        early = None
        begun = time.perf_counter()
        for turn in range(count):
            with socket.create_connection(("127.0.0.1", hub.port)) as peer:
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for message, expected in zip(verification(), (2, 4, 6)):
                    peer.sendall(message)
                    if (kind := receive(peer)) != expected:
                        raise SystemExit(f"association {turn}: PDU {kind}, not {expected}")
            if turn == count // 10:
                early = resident()
        late, seconds = resident(), time.perf_counter() - begun
        said(what="associations", count=count, per_second=round(count / seconds), resident_mib_early=round(early, 1), resident_mib_late=round(late, 1))
        goal(f"{count} associations, each with an echo: {early:.0f} MiB after a tenth, {late:.0f} at the end, at most 4 more", late <= early + 4)
    finally:
        hub.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--frames", type=int, default=4096, help="of the large instance, half a MiB each")
    parser.add_argument("--associations", type=int, default=100_000)
    parser.add_argument("--only", default="store,read,large,associations")
    args = parser.parse_args()
    for peer in ("storescu", "storescp", "Orthanc", "cc", "dicom-storescp"):
        if not shutil.which(peer):
            print(f"{peer} is not installed: passed over", flush=True)
    steps = {"store": lambda at: store(at, args.files, args.repeats), "read": lambda at: read(at, args.files),
             "large": lambda at: large(at, args.frames), "associations": lambda at: associations(at, args.associations)}
    for step in args.only.split(","):
        with tempfile.TemporaryDirectory(prefix="causeway-images-") as scratch:
            steps[step](pathlib.Path(scratch))


if __name__ == "__main__":
    sys.exit(main())
