#!/usr/bin/env python3
"""Chinese medicine: records a second by NDJSON to durable, and a spreadsheet to readable; rates, processor time and memory.

    cargo build --release && tests/bench/chinese_medicine.py [--records 100000] [--rows 100000] [--tls]

Starts a hub of its own in a scratch folder. A goal that is missed is said and does not fail the run: other work on the machine moves it.
"""

import argparse
import http.client
import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
HUB = pathlib.Path(os.environ.get("CAUSEWAY_BIN", pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/causeway"))
TOKEN = "open sesame"
DIGEST = "41ef4bb0b23661e66301aac36066912dac037827b4ae63a7b1165a5aa93ed4eb"
EXAMPLE = json.loads((ROOT / "connectors/chinese-medicine/examples/cough.json").read_text())
HEADING = ("visit_number,visit_start,document_kind,document_number,family,given,chinese_name,birth,sex,registration,disease,disease_code,"
           "prescription_number,prescription_form,packs,days,herb,dose,unit\n")
PERSONS = 500
TICKS = os.sysconf("SC_CLK_TCK")


def hkid(number):
    """A synthetic number with its check digit."""
    body = f"ZZ{number:06}"
    values = [ord(c) - 55 if c.isalpha() else int(c) for c in body]
    check = -sum(value * weight for value, weight in zip(values, range(9, 1, -1))) % 11
    return f"{body}{'A' if check == 10 else check}"


def person(number):
    """Document and demographics of one of the persons."""
    number %= PERSONS
    return f"HKID,{hkid(number)},CHAN,Tai Man {number},陳大文,1983-01-{number % 28 + 1:02},M"


def free():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Hub:
    def __init__(self, folder, tls):
        self.folder, self.http, self.cm, self.tls = folder, free(), free(), tls
        run = lambda *more: subprocess.run([HUB, *more], cwd=folder, check=True, capture_output=True)
        run("init", "--mllp-port", str(free()), "--http-port", str(self.http))
        (folder / "in").mkdir()
        secret = ('[cm_door.tls]\ncertificate = "certificates/server.pem"\nkey = "certificates/server.key"\nclient_ca = "certificates/ca.pem"\n'
                  "require_client = false\n") if tls else ""
        config = folder / "causeway.toml"
        config.write_text(config.read_text() + f'''
[[cm_door]]
listen = "127.0.0.1:{self.cm}"
{secret}
[[cm_door.feed]]
name = "clinic"
provider = "9000000009"
token_sha256 = "{DIGEST}"

[[cm_file_door]]
pickup = {{ folder = "in", still_for = "0", scan_every = "100ms" }}
feed = {{ name = "files", provider = "9000000009" }}
''')
        people = "".join(person(number) + "\n" for number in range(PERSONS))
        (folder / "persons.csv").write_text("document_kind,document_number,family,given,chinese,birth,sex\n" + people)
        run("person", "import", "persons.csv", "--join", "2025")
        self.process = subprocess.Popen([HUB, "serve"], cwd=folder, stderr=open(folder / "log", "w"))
        self.wait(lambda: self.page("/readyz")[0] == 200, 60)

    def page(self, path):
        try:
            asked = http.client.HTTPConnection("127.0.0.1", self.http, timeout=5)
            asked.request("GET", path)
            answer = asked.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            return 0, ""

    def accepted(self, feed):
        feeds = json.loads(self.page("/api/v1/status")[1])["feeds"]
        return next(one["accepted"] for one in feeds if one["name"] == feed)

    def wait(self, there, seconds):
        end = time.monotonic() + seconds
        while not there():
            if time.monotonic() > end or self.process.poll() is not None:
                sys.exit(f"never: {(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.05)

    def cpu(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def peak(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024

    def stop(self):
        self.process.terminate()
        self.process.wait()


def record(number):
    one = json.loads(json.dumps(EXAMPLE))
    one["visit"]["number"] = f"B-{number}"
    kind, document, family, given, chinese, birth, sex = person(number).split(",")
    one["patient"] = {"documents": [{"kind": kind, "number": document}], "family": family, "given": given, "chinese": chinese,
                      "birth": birth, "sex": sex}
    for prescription in one["prescriptions"]:
        prescription["number"] += f"-{number}"
    for allergy in one.get("allergies", []):
        allergy["number"] += f"-{number}"
    return json.dumps(one, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def ndjson(hub, count):
    """One batch, its answer read while it is sent; the time from the first byte to the last answer."""
    body = [record(number) for number in range(count)]
    size = sum(map(len, body))
    stream = socket.create_connection(("localhost" if hub.tls else "127.0.0.1", hub.cm))
    if hub.tls:
        trust = ssl.create_default_context(cafile=hub.folder / "certificates/ca.pem")
        stream = trust.wrap_socket(stream, server_hostname="localhost")
    head = (f"POST /chinese-medicine/records HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\n"
            f"Content-Type: application/x-ndjson\r\nContent-Length: {size}\r\n\r\n")
    cpu, start, answered = hub.cpu(), time.monotonic(), bytearray()

    def send():
        stream.sendall(head.encode())
        for at in range(0, count, 200):
            stream.sendall(b"".join(body[at:at + 200]))

    sender = threading.Thread(target=send)
    sender.start()
    while part := stream.recv(1 << 18):
        answered += part
    sender.join()
    took = time.monotonic() - start
    accepted = answered.count(b'"accepted"')
    if accepted != count:
        sys.exit(f"{accepted} of {count} accepted: {bytes(answered[:500])}")
    return took, hub.cpu() - cpu, size


def spreadsheet(hub, rows, per_visit):
    """A file of so many rows, ten of them wrong; the time from its rename to the last record that is readable."""
    herbs = ["甘草", "麻黃", "苦杏仁", "桔梗", "陳皮", "茯苓", "白朮", "黨參"]
    hidden, dropped = hub.folder / "in/visits.csv.part", hub.folder / "in/visits.csv"
    visits, wrong = rows // per_visit, max(rows // per_visit // 10, 1)
    with open(hidden, "w") as out:
        out.write(HEADING)
        for visit in range(visits):
            number = f"C-{visit}"
            for herb in range(per_visit):
                dose = "-3" if visit % wrong == 7 and herb == 0 else "3"
                first = f"2026-03-01 09:30,{person(visit)},000001,咳嗽,Z-D001,RX-{number},decoction,3,3" if herb == 0 else "," * 14
                out.write(f"{number},{first},{herbs[herb % len(herbs)]},{dose},g\n")
    bad = len(range(7, visits, wrong))
    cpu, start = hub.cpu(), time.monotonic()
    hidden.rename(dropped)
    hub.wait(lambda: (hub.folder / "in/failed/visits.csv.result.csv").exists(), 600)
    answered = time.monotonic() - start
    hub.wait(lambda: hub.accepted("files") == visits - bad, 600)
    return answered, time.monotonic() - start, hub.cpu() - cpu


def say(holds, text):
    print(f"  {'holds' if holds else 'MISSED':6} {text}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--visit-rows", type=int, default=4, help="rows of one visit")
    parser.add_argument("--tls", action="store_true", help="send NDJSON by HTTPS")
    args = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="causeway-cm-"))
    hub = Hub(folder, args.tls)
    try:
        quiet = hub.peak()
        took, cpu, size = ndjson(hub, args.records)
        print(f"NDJSON: {args.records} records of {size // args.records} bytes in {took:.1f} s, {cpu:.1f} s of processor, at most {hub.peak():.0f} MiB (quiet {quiet:.0f})")
        say(args.records / took >= 5000, f"records a second to durable: {args.records / took:.0f} (at least 5000)")
        hub.wait(lambda: hub.accepted("clinic") == args.records, 1200)
        answered, readable, cpu = spreadsheet(hub, args.rows, args.visit_rows)
        print(f"CSV: {args.rows} rows, {args.visit_rows} a visit, answered in {answered:.1f} s, readable in {readable:.1f} s, {cpu:.1f} s of processor, at most {hub.peak():.0f} MiB")
        say(readable <= 30 * args.rows / 100_000, f"seconds to readable: {readable:.1f} (at most {30 * args.rows / 100_000:.0f})")
    finally:
        hub.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
