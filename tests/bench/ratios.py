#!/usr/bin/env python3
"""Measures the hub beside its limits and peers in one run, and prints the ratios.

usage: tests/bench/ratios.py --peers DIR [--only door,camel,latency,e2e,idle,map,codec,commit,kafka,postgres,production,scale,catchup,restart,restart-kafka]
       [--count N] [--entries N] [--live N] [--stop SECONDS]

Without --only: all on the embedded engines. `--only engines` is kafka,postgres,production,scale,catchup,restart,restart-kafka: all of
the production engines, and the restart over a long log on both sets of engines. --entries (of `restart` and `restart-kafka`),
--count, --live (messages a second) and --stop (for how long nobody processed) of `catchup` make it smaller, to see whether the
script works; what it prints then is no measurement.

DIR holds the peers, built: `mllpload.bin` (load), `bareack.bin` (an acknowledger that only syncs), and, for the Java peers,
`peers/target`, `peers-lfh/target` and `kafka/target/dependency` as Maven leaves them. Only ratios within one run mean
anything: the load generator, the hub and the peer share the same cores. Everything listens on loopback. All of `engines` but
`restart` want a hub built with `--features production`, and start real servers by `ops/dev/`.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
TICK = os.sysconf("SC_CLK_TCK")


class Server:
    """A process that listens; its processor time and memory are read from /proc."""

    def __init__(self, name, command, port, log, env=None):
        self.name, self.port = name, port
        self.log = open(log, "wb")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, env={**os.environ, **(env or {})})
        wait_port(port, self.process, 60)

    def cpu(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def memory(self, key="VmRSS"):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{key}:\s+(\d+)", text).group(1)) / 1024

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def wait_port(port, process, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            sys.exit(f"a server ended with {process.returncode} before it listened on {port}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"nothing listens on {port}")


def load(peers, port, conns, count, message, tag, tries=1):
    """One run of the load generator: messages a second and p99 in milliseconds. A peer that drops connections may try again."""
    out = subprocess.run(
        [peers / "mllpload.bin", "-addr", f"127.0.0.1:{port}", "-conns", str(conns), "-count", str(count), "-file", message, "-prefix", f"{tag}{time.time_ns()}"],
        capture_output=True, text=True, check=tries == 1)
    line = out.stdout.strip()
    accepted, refused, failed = (int(re.search(rf"{key}=(\d+)", line).group(1)) for key in ("accepted", "refused", "failed"))
    if refused or failed or accepted != count:
        if tries > 1:
            print(f"  {tag} lost connections: {line}; once more", flush=True)
            return load(peers, port, conns, count, message, tag, tries - 1)
        sys.exit(f"{tag}: {line} {out.stderr.strip()}")
    rate = float(re.search(r"rate=([\d.]+)", line).group(1))
    p99 = re.search(r"p99=([\d.]+)(µs|ms|s)", line)
    return rate, float(p99.group(1)) * {"µs": 0.001, "ms": 1, "s": 1000}[p99.group(2)]


def hub_does(command):
    """Runs a command of the hub that must succeed; if it does not, says why."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(str(part) for part in command)}\nended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def hub_config(folder, mllp, http):
    """A configuration with one catch-all feed on loopback."""
    hub_does([HUB, "init", "--dir", folder, "--mllp-port", str(mllp), "--http-port", str(http)])
    return folder / "causeway.toml"


def hub(folder, name, role, mllp, http):
    target = folder / name
    target.mkdir()
    config = hub_config(target, mllp, http)
    return Server("causeway", [HUB, "--config", config, "serve", "--role", role], mllp, folder / f"{name}.log")


def measure(server, run, count):
    """Runs, and gives rate, p99, processor microseconds a message and resident MiB."""
    before = server.cpu()
    rate, p99 = run()
    return {"rate": rate, "p99": p99, "cpu_us": (server.cpu() - before) / count * 1e6, "rss": server.memory()}


def show(name, m):
    print(f"{name:34} {m['rate']:>9,.0f}/s  p99 {m['p99']:>7.2f} ms  {m['cpu_us']:>7.1f} us cpu/message  {m['rss']:>7.1f} MiB", flush=True)


def ratio(text, value, goal, at_least=True):
    held = value >= goal if at_least else value <= goal
    print(f"  {'holds' if held else 'MISSED':6} {text}: {value:.2f} ({'at least' if at_least else 'at most'} {goal})", flush=True)


def door(args, folder):
    """The durable door against the acknowledger that only syncs; three rounds, alternating, the middle ratio."""
    rounds = []
    for turn in range(3):
        with Server("bareack", [args.peers / "bareack.bin", "-addr", "127.0.0.1:13103", "-fsync", folder / f"bare{turn}"], 13103, folder / "bare.log") as bare:
            limit = measure(bare, lambda: load(args.peers, 13103, 64, args.count, args.message, "bare"), args.count)
        with hub(folder, f"door{turn}", "ingest", 13101, 13102) as ours:
            mine = measure(ours, lambda: load(args.peers, 13101, 64, args.count, args.message, "door"), args.count)
        show("bareack -fsync", limit)
        show("causeway door", mine)
        rounds.append((mine["rate"] / limit["rate"], mine))
    rounds.sort(key=lambda r: r[0])
    ratio("door / bareack -fsync", rounds[1][0], 0.9)
    return rounds[1][1]


def kafka(args, folder):
    properties = folder / "server.properties"
    properties.write_text(
        "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.bootstrap.servers=127.0.0.1:19093\n"
        "listeners=PLAINTEXT://127.0.0.1:19092,CONTROLLER://127.0.0.1:19093\nadvertised.listeners=PLAINTEXT://127.0.0.1:19092\n"
        "controller.listener.names=CONTROLLER\nlistener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\n"
        f"log.dirs={folder}/kafka-logs\nnum.partitions=4\noffsets.topic.replication.factor=1\ntransaction.state.log.replication.factor=1\ntransaction.state.log.min.isr=1\n")
    classes = f"{args.peers}/kafka/target/dependency/*"
    java = ["java", "-Xmx1g", "-cp", classes]
    subprocess.run(java + ["kafka.tools.StorageTool", "format", "-t", "AAAAAAAAQACAAAAAAAAAAQ", "-c", properties, "--standalone"], check=True, capture_output=True)
    return Server("kafka", java + ["kafka.Kafka", properties], 19092, folder / "kafka.log")


def camel(args, folder, mine):
    with kafka(args, folder):
        classes = f"{args.peers}/peers/target/classes:{args.peers}/peers/target/dependency/*"
        with Server("camel", ["java", "-cp", classes, "peers.CamelToKafka", "13104", "127.0.0.1:19092", "bench"], 13104, folder / "camel.log") as peer:
            load(args.peers, 13104, 64, 40000, args.message, "warm")
            theirs = measure(peer, lambda: load(args.peers, 13104, 64, args.count, args.message, "camel"), args.count)
            show("camel to kafka, warm", theirs)
        with hub(folder, "beside-camel", "ingest", 13101, 13102) as ours:
            mine = measure(ours, lambda: load(args.peers, 13101, 64, args.count, args.message, "door"), args.count)
            show("causeway door", mine)
    ratio("door / camel", mine["rate"] / theirs["rate"], 1.6)
    ratio("door processor time / camel's", mine["cpu_us"] / theirs["cpu_us"], 1 / 3, at_least=False)
    ratio("door memory / camel's", mine["rss"] / theirs["rss"], 1 / 5, at_least=False)


def servers(folder, which):
    """Starts a real server by its script; gives where it is and how to stop it."""
    script, target = ROOT / "ops/dev" / which, folder / which
    folder.chmod(0o755)
    subprocess.run([script, "start", target], check=True, capture_output=True)
    place = (target / ("bootstrap" if which == "kafka" else "url")).read_text().strip()
    return place, lambda: subprocess.run([script, "stop", target], check=True, capture_output=True)


def on_kafka(bootstrap, topic):
    settings = {"synthetic": "true", "log.engine": "kafka", "log.kafka.bootstrap_servers": bootstrap, "log.kafka.topic": topic,
                "log.kafka.partitions": "2", "log.kafka.replication": "1", "log.kafka.min_isr": "1"}
    return [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]


def on_postgres(url, schema):
    settings = {"repository.engine": "postgres", "repository.postgres.url": url, "repository.postgres.schema": schema}
    return [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]


def door_on_kafka(args, folder):
    """The door on Kafka beside a bare producer, three rounds, alternating, the middle ratio; then warm Camel; all on the same broker."""
    bootstrap, stop = servers(folder, "kafka")
    try:
        target = folder / "on-kafka"
        target.mkdir()
        base = [HUB, "--config", hub_config(target, 13101, 13102), *on_kafka(bootstrap, "bench.door")]
        hub_does([*base, "kafka", "apply", "--yes"])
        body = folder / "body.hl7"
        body.write_text(pathlib.Path(args.message).read_text().replace("{ID}", "1").replace("{PAT}", "1").replace("\n", "\r"))
        produce = ["cargo", "run", "-q", "--release", "-p", "causeway-storage", "--features", "kafka", "--example", "produce", "--", bootstrap, "bench.door", body]
        rounds = []
        for turn in range(3):
            with Server("causeway", [*base, "serve", "--role", "ingest"], 13101, folder / "on-kafka.log") as ours:
                load(args.peers, 13101, 64, 20000, args.message, "warm")
                mine = measure(ours, lambda: load(args.peers, 13101, 64, args.count, args.message, "kafka"), args.count)
            out = subprocess.run([*produce, str(args.count)], cwd=ROOT, capture_output=True, text=True, check=True)
            bare = float(re.search(r"([\d.]+) messages/s, 0 failed", out.stdout).group(1))
            show("causeway door on kafka", mine)
            print(f"a bare producer, 64 in flight {bare:>14,.0f}/s", flush=True)
            rounds.append((mine["rate"] / bare, mine))
        rounds.sort(key=lambda r: r[0])
        beside, mine = rounds[1]
        hub_does([*base, "--set", "log.kafka.topic=bench", "kafka", "apply", "--yes"])
        classes = f"{args.peers}/peers/target/classes:{args.peers}/peers/target/dependency/*"
        with Server("camel", ["java", "-cp", classes, "peers.CamelToKafka", "13104", bootstrap, "bench"], 13104, folder / "camel2.log") as peer:
            load(args.peers, 13104, 64, 40000, args.message, "warm")
            theirs = measure(peer, lambda: load(args.peers, 13104, 64, args.count, args.message, "camel", tries=3), args.count)
            show("camel to the same kafka, warm", theirs)
    finally:
        stop()
    ratio("door on kafka / camel", mine["rate"] / theirs["rate"], 1.5)
    ratio("processor time of the door on kafka / camel's", mine["cpu_us"] / theirs["cpu_us"], 1 / 3, at_least=False)
    ratio("door on kafka / a bare producer", beside, 0.6)


def postgres_copy(_args, folder):
    """Commits to PostgreSQL beside COPY of the same rows."""
    url, stop = servers(folder, "postgres")
    try:
        out = subprocess.run(["cargo", "run", "-q", "--release", "-p", "causeway-storage", "--features", "postgres", "--example", "commit_postgres", "--", url],
                             cwd=ROOT, capture_output=True, text=True, check=True)
    finally:
        stop()
    print(out.stdout.strip())
    for name, text in (("psql", "commit / COPY of the same rows by psql, as text"), ("copy", "commit / COPY of the same rows in the binary format")):
        if found := re.search(rf"commit / {name}: ([\d.]+)", out.stdout):
            ratio(text, float(found.group(1)), 0.6)


def prepared(args, target, bootstrap, url):
    """A hub on both servers that knows the patients of the load; gives its command."""
    target.mkdir()
    base = [HUB, "--config", hub_config(target, 13101, 13102), *on_kafka(bootstrap, f"bench.{target.name}"), *on_postgres(url, target.name)]
    patients, providers = target / "patients.hl7", target / "providers.jsonl"
    text = pathlib.Path(args.message).read_text()
    patients.write_text("\n\n".join(text.replace("{PAT}", str(i)).replace("{ID}", str(i)) for i in range(1000)))
    domains = json.dumps({d: "2016-03-13" for d in ("PERS", "ENCT", "LABR")})
    providers.write_text('{"id":"9000000009","name":"Bench","kind":"hospital","status":"registered","domains":' + domains + "}")
    for command in (["kafka", "apply", "--yes"], ["db", "migrate"], ["provider", "import", providers],
                    ["person", "import", patients, "--from-hl7", "catch-all", "--join", "2025"]):
        hub_does([*base, *command])
    return base


def drained(base, running):
    """Messages processed, and messages logged, as the log and the repository have them at this moment. Whoever works at it must
    still run."""
    for process in running:
        if process.poll() is not None:
            sys.exit(f"{process.args[-1]} ended with {process.returncode} while it was waited for")
    lanes = [json.loads(line) for line in hub_does([*base, "log", "list", "--json"]).splitlines()]
    return sum(lane["next"] for lane in lanes), sum(lane["end"] for lane in lanes)


def pin(folder, cores):
    """Keeps the servers that `servers` started to these cores, and what they start from here on."""
    roots = [int(path.read_text().split()[0]) for path in (*folder.glob("kafka/broker-*.pid"), folder / "postgres/data/postmaster.pid")]
    parents = {int(path.parent.name): int(path.read_text().rsplit(")", 1)[1].split()[1]) for path in pathlib.Path("/proc").glob("[0-9]*/stat")}
    of_servers = {pid for pid, parent in parents.items() if pid in roots or parent in roots}
    for pid in of_servers:
        for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), cores)


def worked_off(args, folder, name, count, bootstrap, url):
    """Messages a second that so many processes, each on a core of its own, work off of a backlog."""
    base = prepared(args, folder / name, bootstrap, url)
    with Server("ingest", [*base, "serve", "--role", "ingest"], 13101, folder / f"{name}.log"):
        load(args.peers, 13101, 64, args.count, args.message, "backlog")
    begun, workers, first = time.monotonic(), [], 0
    for core in range(count):
        serve = [*base, "--set", f"server.listen=127.0.0.1:{13110 + core}", "serve", "--role", "process"]
        workers.append(subprocess.Popen(["taskset", "-c", str(core), *serve], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    # The first tenth pays for connections, leases and caches.
    while (done := drained(base, workers)[0]) < args.count:
        if not first and done >= args.count / 10:
            first, begun = done, time.monotonic()
        time.sleep(0.2)
    rate = (args.count - first) / (time.monotonic() - begun)
    for worker in workers:
        worker.terminate()
        worker.wait(30)
    return rate


def scale(args, folder):
    """On Kafka and PostgreSQL: what one process and what two, each on a core of its own, work off of a backlog. Once with broker and
    database on the cores of the processes, so that two cores stand beside one; and once with broker and database on both cores always,
    where one process has a core to itself that two have to share."""
    bootstrap, stop_kafka = servers(folder, "kafka")
    url, stop_postgres = servers(folder, "postgres")
    rates = {}
    try:
        for of_servers in ("same", "both"):
            for count in (1, 2):
                pin(folder, set(range(count)) if of_servers == "same" else {0, 1})
                rates[of_servers, count] = worked_off(args, folder, f"{of_servers}{count}", count, bootstrap, url)
                where = "the same core(s)" if of_servers == "same" else "both cores"
                print(f"{count} process(es) of one core each, broker and database on {where} {rates[of_servers, count]:>12,.0f}/s")
    finally:
        stop_kafka()
        stop_postgres()
    ratio("two cores, a process on each, with broker and database / one such core", rates["same", 2] / rates["same", 1], 1.6)
    ratio("two processes / one, a core each, broker and database on both cores", rates["both", 2] / rates["both", 1], 1.6)


def catchup(args, folder):
    """On Kafka and PostgreSQL: how fast a backlog goes while messages come in at the live rate."""
    bootstrap, stop_kafka = servers(folder, "kafka")
    url, stop_postgres = servers(folder, "postgres")
    try:
        live = args.live
        base = prepared(args, folder / "live", bootstrap, url)
        with Server("ingest", [*base, "serve", "--role", "ingest"], 13101, folder / "live.log"):
            # What came while nobody processed.
            load(args.peers, 13101, 64, live * args.stop, args.message, "backlog")
            paced = subprocess.Popen([HUB, "bench", "door", "--to", "127.0.0.1:13101", "--rate", str(live), "--seconds", "600", "--connections", "16", "--json"], stdout=subprocess.DEVNULL)
            begun = time.monotonic()
            worker = subprocess.Popen([*base, "--set", "server.listen=127.0.0.1:13110", "serve", "--role", "process"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            # What came while the two numbers were asked for, and what is under way: half a second of it.
            while (lanes := drained(base, [worker, paced]))[1] - lanes[0] > live / 2:
                time.sleep(0.2)
            rate = lanes[0] / (time.monotonic() - begun)
            for process in (paced, worker):
                process.terminate()
                process.wait(30)
    finally:
        stop_kafka()
        stop_postgres()
    ratio(f"catching up after a stop of {args.stop} s / the live rate of {live}/s, which goes on meanwhile", rate / live, 3)


def restart(args, folder):
    """The first answer of a hub whose log holds ten million entries that wait."""
    target = folder / "restart"
    target.mkdir()
    config = hub_config(target, 13101, 13102)
    # Through the log's own interface, with thousands under way at once: a door would take an hour.
    fill = ["cargo", "run", "-q", "--release", "-p", "causeway-tests", "--example", "fill", "--", str(target / "data/log"), str(args.entries)]
    print(subprocess.run(fill, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip(), flush=True)
    lanes = hub_does([HUB, "--config", config, "log", "list", "--json"])
    held = sum(json.loads(line)["end"] for line in lanes.splitlines())
    first_answer(args, [HUB, "--config", config], held, folder / "restart.log")


def restart_on_kafka(args, folder):
    """The same on Kafka and PostgreSQL. The entries come through the door: Kafka's log has no other way in."""
    bootstrap, stop_kafka = servers(folder, "kafka")
    url, stop_postgres = servers(folder, "postgres")
    try:
        base = prepared(args, folder / "again", bootstrap, url)
        with Server("ingest", [*base, "serve", "--role", "ingest"], 13101, folder / "again-filled.log"):
            load(args.peers, 13101, 64, args.entries, args.message, "fill")
        first_answer(args, base, drained(base, [])[1], folder / "again.log")
    finally:
        stop_kafka()
        stop_postgres()


def first_answer(args, base, held, log):
    """How long a hub that is started now takes until its first answer, and its memory by then."""
    begun = time.monotonic()
    with Server("causeway", [*base, "serve"], 13101, log) as ours:
        load(args.peers, 13101, 1, 1, args.message, "first")
        seconds, resident = time.monotonic() - begun, ours.memory("VmHWM")
    print(f"{held:,} entries: first answer after {seconds:.1f} s, {resident:,.0f} MiB")
    ratio(f"first answer after a restart with {held:,} entries, s", seconds, 10, at_least=False)
    ratio("memory by then, MiB", resident, 256, at_least=False)


def production(args, folder):
    """Received to committed on Kafka and PostgreSQL, of registered patients."""
    bootstrap, stop_kafka = servers(folder, "kafka")
    url, stop_postgres = servers(folder, "postgres")
    try:
        base = prepared(args, folder / "production", bootstrap, url)
        with Server("causeway", [*base, "serve"], 13101, folder / "production.log") as ours:
            load(args.peers, 13101, 64, 5000, args.message, "warm")
            while processed(13102) < 5000:
                time.sleep(0.05)
            begun, before = time.monotonic(), ours.cpu()
            load(args.peers, 13101, 64, args.count, args.message, "e2e")
            while processed(13102) - 5000 < args.count:
                time.sleep(0.05)
            seconds = time.monotonic() - begun
            feeds = status(13102)["feeds"]
            show("causeway on kafka and postgresql", {"rate": args.count / seconds, "p99": 0, "cpu_us": (ours.cpu() - before) / args.count * 1e6, "rss": ours.memory("VmHWM")})
            print("  outcomes: " + ", ".join(f"{key} {sum(f[key] for f in feeds):,}" for key in ("accepted", "withheld", "held", "rejected")))
    finally:
        stop_kafka()
        stop_postgres()
    ratio("persisted end to end on kafka and postgresql, messages/s", args.count / seconds, 3500)


def latency(args, folder):
    """p99 at 500 messages a second: a paced sender on 16 connections."""
    with hub(folder, "latency", "all", 13101, 13102):
        out = subprocess.run([HUB, "bench", "door", "--to", "127.0.0.1:13101", "--rate", "500", "--seconds", "20", "--connections", "16", "--json"], capture_output=True, text=True, check=True)
        p99 = json.loads(out.stdout)["p99_ms"]
    ratio("p99 of the acknowledgement at 500/s, ms", p99, 15, at_least=False)


def status(http):
    with urllib.request.urlopen(f"http://127.0.0.1:{http}/api/v1/status", timeout=10) as answer:
        return json.load(answer)


def processed(http):
    return sum(f["accepted"] + f["withheld"] + f["held"] for f in status(http)["feeds"])


def e2e(args, folder):
    """Received to committed, sustained, of registered patients: the time until the last one is in the repository."""
    target = folder / "e2e"
    target.mkdir()
    config = hub_config(target, 13101, 13102)
    patients = target / "patients.hl7"
    text = pathlib.Path(args.message).read_text()
    patients.write_text("\n\n".join(text.replace("{PAT}", str(i)).replace("{ID}", str(i)) for i in range(1000)))
    hub_does([HUB, "--config", config, "person", "import", patients, "--from-hl7", "catch-all", "--join", "2025"])
    with Server("causeway", [HUB, "--config", config, "serve"], 13101, folder / "e2e.log") as ours:
        begun, before, base = time.monotonic(), ours.cpu(), processed(13102)
        load(args.peers, 13101, 64, args.count, args.message, "e2e")
        while processed(13102) - base < args.count:
            time.sleep(0.05)
        seconds = time.monotonic() - begun
        feeds = status(13102)["feeds"]
        show("causeway, persisted end to end", {"rate": args.count / seconds, "p99": 0, "cpu_us": (ours.cpu() - before) / args.count * 1e6, "rss": ours.memory("VmHWM")})
        print("  outcomes: " + ", ".join(f"{key} {sum(f[key] for f in feeds):,}" for key in ("accepted", "withheld", "held", "rejected")))
    ratio("persisted end to end, messages/s", args.count / seconds, 5000)


def idle(args, folder):
    """Resident memory with a thousand idle connections and one frame of 100 MB refused."""
    with hub(folder, "idle", "all", 13101, 13102) as ours:
        held = [socket.create_connection(("127.0.0.1", 13101)) for _ in range(1000)]
        hostile = socket.create_connection(("127.0.0.1", 13101))
        answer = b""
        try:
            hostile.sendall(b"\x0bMSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|P|2.5\rZZZ|")
            for _ in range(100):
                hostile.sendall(b"x" * 1_000_000)
        except OSError:
            pass
        try:
            answer = hostile.recv(4096)
        except OSError:
            pass
        peak = ours.memory("VmHWM")
        print(f"  a frame of 100 MB was answered {answer[:120]!r}; {len(held)} idle connections")
    ratio("resident MiB, 1,000 idle and one hostile", peak, 256, at_least=False)


def mapping(args, _folder):
    """Mapping alone, on one core: LinuxForHealth's converter for as long as its virtual machine needs to warm up, then ours."""
    classes = f"{args.peers}/peers-lfh/target/classes:{args.peers}/peers-lfh/target/dependency/*"
    out = subprocess.run(["java", "-cp", classes, "peers.Convert", args.message, "20"], capture_output=True, text=True, check=True)
    theirs = float(re.search(r"([\d.]+) messages/s", out.stdout).group(1))
    out = subprocess.run([HUB, "bench", "map", "--seconds", "10", "--message", args.message, "--json"], capture_output=True, text=True, check=True)
    ours = json.loads(out.stdout)["rate"]
    print(f"LinuxForHealth {theirs:,.0f}/s, causeway {ours:,.0f}/s")
    ratio("mapping / LinuxForHealth", ours / theirs, 200)


def codec(_args, _folder):
    """The codec alone, by criterion."""
    out = subprocess.run(["cargo", "bench", "-q", "-p", "causeway-core", "--bench", "codec"], cwd=ROOT, capture_output=True, text=True, check=True)
    print(out.stdout.strip())


def commit(_args, folder):
    """The repository's commits at ten thousand and at a million records, taking turns."""
    out = subprocess.run(["cargo", "run", "-q", "--release", "-p", "causeway-storage", "--example", "commit", "--", folder], cwd=ROOT, capture_output=True, text=True, check=True)
    print("\n".join(out.stdout.strip().splitlines()[-4:]))
    ratio("commit rate at a million records / at ten thousand", float(re.search(r"rate at .*: ([\d.]+)", out.stdout).group(1)), 0.8)


def main():
    global HUB
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=pathlib.Path, required=True)
    parser.add_argument("--only", default="door,camel,latency,e2e,idle,map,codec,commit")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--entries", type=int, default=10_000_000)
    parser.add_argument("--live", type=int, default=1000)
    parser.add_argument("--stop", type=int, default=600)
    parser.add_argument("--message", default=None, help="a message with {ID} and {PAT}; default DIR/oru.hl7")
    parser.add_argument("--hub", type=pathlib.Path, default=os.environ.get("CAUSEWAY_BIN", ROOT / "target/release/causeway"), help="the binary; default CAUSEWAY_BIN, else that of this folder's release build")
    args = parser.parse_args()
    args.peers = args.peers.resolve()
    args.message = args.message or str(args.peers / "oru.hl7")
    HUB = args.hub.resolve()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="causeway-bench-"))
    try:
        mine = None
        only = args.only.replace("engines", "kafka,postgres,production,scale,catchup,restart,restart-kafka")
        for name in only.split(","):
            print(f"== {name}")
            if name == "door":
                mine = door(args, folder)
            elif name == "camel":
                camel(args, folder, mine)
            else:
                {"latency": latency, "e2e": e2e, "idle": idle, "map": mapping, "codec": codec, "commit": commit, "kafka": door_on_kafka, "postgres": postgres_copy, "production": production, "scale": scale, "catchup": catchup, "restart": restart, "restart-kafka": restart_on_kafka}[name](args, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
