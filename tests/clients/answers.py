"""What the hub answers to a peer others wrote, row by row of the table of docs/images.md: rejections, aborts and statuses.

pynetdicom asks, and where it would not send what is wrong, its own units are sent by a plain socket with one thing changed. After
each answer that leaves the association open an echo is asked for on it. Ends with 1 and the differences otherwise.
"""

import io
import socket
import subprocess
import sys
import time
from pathlib import Path

import pydicom
import requests
import turns  # noqa: F401
from images import free_port, register, run, wait
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE, build_context
from pynetdicom.dimse_primitives import C_FIND, C_STORE
from pynetdicom.dsutils import encode
from pynetdicom.pdu import A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    ImplementationClassUIDNotification,
    MaximumLengthNotification,
)
from pynetdicom.sop_class import CTImageStorage, MRImageStorage, StorageCommitmentPushModel
from pynetdicom.sop_class import StorageCommitmentPushModelInstance, Verification

PROVIDER = "9000000009"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
PEERS_MAX = 6
INSTANCES_MAX = 3
PATIENCE_SECONDS = 60
OFFENDING_ELEMENT, ERROR_COMMENT = "OffendingElement", "ErrorComment"


def main(binary, folder):
    folder = Path(folder)
    mllp, http, dicom = (free_port() for _ in range(3))
    run(binary, "init", "--dir", folder, "--mllp-port", mllp, "--http-port", http)
    configure(folder, dicom)
    register(binary, folder)
    hub = subprocess.Popen([binary, "serve", "--config", folder], stderr=subprocess.DEVNULL)
    try:
        wait(lambda: requests.get(f"http://127.0.0.1:{http}/readyz", timeout=5).ok, "the hub to be ready")
        rows = [*rejected(dicom), *aborted(dicom), *stored(dicom), *committed(dicom), *paused(binary, folder, dicom)]
    finally:
        hub.terminate()
        hub.wait(60)
    faults = [f"{what}: {got} is not {expected}" for what, got, expected in rows if got != expected]
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{len(rows)} answers to pynetdicom: {len(faults)} faults")
    return 1 if faults else 0


def configure(folder, dicom):
    text = (folder / "causeway.toml").read_text()
    text += f"""
[[dicom_door]]
listen = "127.0.0.1:{dicom}"

[dicom_door.limits]
associations_per_peer_max = {PEERS_MAX}
association_timeout = "2s"
commitment_instances_max = {INSTANCES_MAX}

[[dicom_door.feed]]
name = "pacs"
provider = "{PROVIDER}"
ae_titles = ["CLIENT"]
instance_bytes_max = "256KiB"
on_conflict = "duplicate"
"""
    (folder / "causeway.toml").write_text(text)


def peer(title="CLIENT"):
    client = AE(ae_title=title)
    for syntax in (CTImageStorage, StorageCommitmentPushModel, Verification):
        client.add_requested_context(syntax, EXPLICIT_LITTLE)
    return client


def associate(dicom, calling="CLIENT", called="CAUSEWAY"):
    return peer(calling).associate("127.0.0.1", dicom, ae_title=called)


def why(dicom, **titles):
    """Result, source and reason of a rejection; nothing where there is an association.

    On a busy machine pynetdicom may look at the end of the connection before it looks at the rejection it has received, and then
    knows of neither: it is asked again.
    """
    answers = []

    def answered():
        association = associate(dicom, **titles)
        if association.is_established:
            association.release()
            answers.append(None)
        elif association.is_rejected:
            said = association.acceptor.primitive
            answers.append((said.result, said.result_source, said.diagnostic))
        return answers

    wait(answered, "an association or a rejection")
    return answers[0]


def rejected(dicom):
    rows = [
        ("a calling title nobody has", why(dicom, calling="STRANGER"), (1, 1, 3)),
        ("a called title that is another's", why(dicom, called="OTHER"), (1, 1, 7)),
        ("another application context", spoken(dicom, request("1.2.840.10008.3.1.1.2")), (3, 1, 1, 2)),
        ("another version", spoken(dicom, request(version=2)), (3, 1, 2, 2)),
    ]
    open_ones = [associate(dicom) for _ in range(PEERS_MAX)]
    rows.append(("as many as may be", [one.is_established for one in open_ones], [True] * PEERS_MAX))
    rows.append(("one more", why(dicom), (2, 3, 2)))
    for one in open_ones:
        one.release()
    wait(lambda: why(dicom) is None, "room for one more")
    return rows


def request(application_context="1.2.840.10008.3.1.1.1", version=1):
    """The bytes of pynetdicom's A-ASSOCIATE-RQ."""
    asked = A_ASSOCIATE()
    asked.application_context_name = application_context
    asked.calling_ae_title, asked.called_ae_title = "CLIENT", "CAUSEWAY"
    context = build_context(Verification, EXPLICIT_LITTLE)
    context.context_id = 1
    asked.presentation_context_definition_list = [context]
    length, implementation = MaximumLengthNotification(), ImplementationClassUIDNotification()
    length.maximum_length_received, implementation.implementation_class_uid = 16384, "1.2.3"
    asked.user_information = [length, implementation]
    unit = A_ASSOCIATE_RQ()
    unit.from_primitive(asked)
    encoded = bytearray(unit.encode())
    encoded[6:8] = version.to_bytes(2, "big")
    return bytes(encoded)


def spoken(dicom, *units):
    """Kind and the last three bytes of what answers the last of these units, which must be the last word."""
    with socket.create_connection(("127.0.0.1", dicom), timeout=PATIENCE_SECONDS) as stream:
        answer = b""
        for number, unit in enumerate(units, 1):
            stream.sendall(unit)
            head = received(stream, 6)
            answer = head + received(stream, int.from_bytes(head[2:6], "big"))
            if number < len(units) and answer[0] != 2:
                return f"unit {number} is answered by {answer!r}"
        if not units:
            answer = received(stream, 10)
        if stream.recv(1):
            return "more is said"
        return (answer[0], *answer[7:10]) if answer[0] == 3 else (answer[0], *answer[8:10])


def received(stream, count):
    got = b""
    while len(got) < count:
        piece = stream.recv(count - len(got))
        if not piece:
            raise SystemExit(f"the connection ended after {got!r}")
        got += piece
    return got


def aborted(dicom):
    unit = lambda kind, body: bytes([kind, 0]) + len(body).to_bytes(4, "big") + body
    return [
        ("a unit of no type", spoken(dicom, request(), unit(0x42, b"")), (7, 2, 1)),
        ("a second request", spoken(dicom, request(), request()), (7, 2, 2)),
        ("data before there is an association", spoken(dicom, unit(4, b"")), (7, 2, 2)),
        ("a value longer than its unit", spoken(dicom, request(), unit(4, b"\0\0\xff\xff\1\3")), (7, 2, 6)),
        ("a value of no context", spoken(dicom, request(), unit(4, b"\0\0\0\4\x63\3xx")), (7, 2, 6)),
        ("silence", spoken(dicom), (7, 2, 0)),
    ]


def image(instance=None, side=None):
    data = pydicom.dcmread(pydicom.data.get_testdata_file("CT_small.dcm"))
    data.PatientName, data.PatientID, data.PatientBirthDate, data.PatientSex = "TEST^ONE", "T1", "19800229", "M"
    data.SOPInstanceUID = instance or data.SOPInstanceUID
    if side:
        data.Rows = data.Columns = side
        data.PixelData = bytes(side * side * 2)
    return data


def store(association, encoded, instance, sop_class=CTImageStorage):
    """What is answered to this C-STORE: its status."""
    asked = C_STORE()
    asked.MessageID, asked.Priority, asked.AffectedSOPClassUID = 7, 2, sop_class
    asked.AffectedSOPInstanceUID, asked.DataSet = instance, io.BytesIO(encoded)
    return said(association, asked, CTImageStorage)


def said(association, asked, context):
    number = next(one.context_id for one in association.accepted_contexts if one.abstract_syntax == context)
    association._reactor_checkpoint.clear()
    while not association._is_paused:
        time.sleep(0.01)
    association.dimse.send_msg(asked, number)
    _, answer = association.dimse.get_msg(block=True)
    association._reactor_checkpoint.set()
    return answer


def stored(dicom):
    association, rows = associate(dicom), []

    def row(what, answer, status, element=None):
        got = (getattr(answer, "Status", None), association.send_c_echo().get("Status"))
        rows.append((what, got, (status, 0)))
        if element:
            rows.append((f"{what}, its element", getattr(answer, OFFENDING_ELEMENT, None), element))
        if status:
            rows.append((f"{what}, its words", bool(getattr(answer, ERROR_COMMENT, None)), True))

    written = lambda data: encode(data, is_implicit_vr=False, is_little_endian=True)
    one = image("1.2.3.4.1")
    row("an image", store(association, written(one), "1.2.3.4.1"), 0x0000)
    row("the same again", store(association, written(one), "1.2.3.4.1"), 0x0000)
    one.PixelData = bytes(len(one.PixelData))
    row("another one of its UID", store(association, written(one), "1.2.3.4.1"), 0x0111)
    whole = written(image("1.2.3.4.2"))
    row("another instance than the command's", store(association, whole, "1.2.3.4.3"), 0xA900, 0x00080018)
    other = image("1.2.3.4.2")
    other.SOPClassUID = MRImageStorage
    row("another class than the command's", store(association, written(other), "1.2.3.4.2"), 0xA900, 0x00080016)
    row("a data set cut short", store(association, whole[:-8], "1.2.3.4.2"), 0xC000)
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID"):
        lacking = image("1.2.3.4.2")
        del lacking[keyword]
        row(f"no {keyword}", store(association, written(lacking), "1.2.3.4.2"), 0xC000)
    row("what is no data set", store(association, b"%PDF-1.7 and so on", "1.2.3.4.2"), 0xC000)
    row("a UID outside the grammar", store(association, whole, "1.2..4"), 0x0117)
    row("a class that is not the context's", store(association, whole, "1.2.3.4.2", MRImageStorage), 0x0122)
    large = written(image("1.2.3.4.2", side=512))
    row("an image above the feed's size", store(association, large, "1.2.3.4.2"), 0xA700)
    query = C_FIND()
    query.MessageID, query.Priority, query.AffectedSOPClassUID, query.Identifier = 9, 2, CTImageStorage, io.BytesIO(whole)
    answer = said(association, query, CTImageStorage)
    got = (answer.Status, association.send_c_echo().get("Status"))
    rows.append(("a query", got, (0x0211, 0)))
    row("and the image at last", store(association, whole, "1.2.3.4.2"), 0x0000)
    association.release()
    return rows


def committed(dicom):
    association, push = associate(dicom), StorageCommitmentPushModel

    def ask(data, action=1, sop_class=push, instance=StorageCommitmentPushModelInstance):
        status, _ = association.send_n_action(data, action, sop_class, instance, meta_uid=push)
        return status.get("Status"), association.send_c_echo().get("Status")

    def of(count, transaction=True):
        asked = Dataset()
        if transaction:
            asked.TransactionUID = generate_uid()
        asked.ReferencedSOPSequence = []
        for number in range(count):
            item = Dataset()
            item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = CTImageStorage, f"1.2.3.9.{number}"
            asked.ReferencedSOPSequence.append(item)
        return asked

    no_uid = of(1)
    no_uid.TransactionUID = "1.2..4"
    rows = [
        ("commitment of another class", ask(of(1), sop_class=CTImageStorage), (0x0118, 0)),
        ("commitment of another instance", ask(of(1), instance="1.2.3"), (0x0112, 0)),
        ("another action", ask(of(1), action=2), (0x0123, 0)),
        ("commitment without a transaction", ask(of(1, transaction=False)), (0x0115, 0)),
        ("commitment by a UID that is none", ask(no_uid), (0x0115, 0)),
        ("commitment to nothing", ask(of(0)), (0x0115, 0)),
        ("commitment to more than may be", ask(of(INSTANCES_MAX + 1)), (0x0213, 0)),
    ]
    association.release()
    return rows


def paused(binary, folder, dicom):
    association = associate(dicom)
    run(binary, "--config", folder, "feed", "pause", "pacs")
    wait(lambda: why(dicom) is not None, "the feed to be paused")
    encoded = encode(image("1.2.3.4.5"), is_implicit_vr=False, is_little_endian=True)
    rows = [
        ("an association of a paused feed", why(dicom), (2, 3, 1)),
        ("an image on one that was open", store(association, encoded, "1.2.3.4.5").Status, 0xA700),
    ]
    run(binary, "--config", folder, "feed", "resume", "pacs")
    wait(lambda: why(dicom) is None, "the feed to be resumed")
    rows.append(("and when it is resumed", store(association, encoded, "1.2.3.4.5").Status, 0x0000))
    association.release()
    return rows


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
