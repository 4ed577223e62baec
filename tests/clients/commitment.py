"""Storage commitment by pynetdicom: on the association that asked, and on one the hub opens when that is over.

Stores one of pydicom's test files, asks the hub to commit to it and to one it never got, and checks what it reports. Ends
with 1 and the differences otherwise.
"""

import queue
import subprocess
import sys
from pathlib import Path

import pydicom
import requests
import turns  # noqa: F401
from images import PATIENCE_SECONDS, free_port, register, run, wait
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import StorageCommitmentPushModel, StorageCommitmentPushModelInstance

PROVIDER = "9000000009"
TITLE = "CLIENT"
NO_SUCH_INSTANCE = 0x0112


def main(binary, folder):
    mllp, http, dicom, back = (free_port() for _ in range(4))
    run(binary, "init", "--dir", folder, "--mllp-port", mllp, "--http-port", http)
    configure(Path(folder), dicom, back)
    register(binary, folder)
    hub = subprocess.Popen([binary, "serve", "--config", folder], stderr=subprocess.DEVNULL)
    try:
        wait(lambda: requests.get(f"http://127.0.0.1:{http}/readyz", timeout=5).ok, "the hub to be ready")
        faults = exchange(Path(folder), dicom, back)
    finally:
        hub.terminate()
        hub.wait(60)
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"storage commitment: {len(faults)} faults")
    return 1 if faults else 0


def configure(folder, dicom, back):
    text = (folder / "causeway.toml").read_text()
    text += f"""
[[dicom_door]]
listen = "127.0.0.1:{dicom}"

[[dicom_door.feed]]
name = "pacs"
provider = "{PROVIDER}"
ae_titles = ["{TITLE}"]
report_to = {{ "{TITLE}" = "127.0.0.1:{back}" }}
"""
    (folder / "causeway.toml").write_text(text)


def exchange(folder, dicom, back):
    data = pydicom.dcmread(pydicom.data.get_testdata_file("CT_small.dcm"))
    data.PatientName, data.PatientID, data.PatientBirthDate, data.PatientSex = "TEST^ONE", "T1", "19800229", "M"
    reports = queue.Queue()
    handlers = [(evt.EVT_N_EVENT_REPORT, take, [reports])]
    client = AE(ae_title=TITLE)
    client.add_requested_context(data.SOPClassUID, data.file_meta.TransferSyntaxUID)
    client.add_requested_context(StorageCommitmentPushModel)
    association = client.associate("127.0.0.1", dicom, ae_title="CAUSEWAY", evt_handlers=handlers)
    if not association.is_established:
        return ["no association for storage and storage commitment"]
    faults = []
    status = association.send_c_store(data)
    if status.get("Status") != 0:
        faults.append(f"not stored: {status}")
    missing = generate_uid()
    faults += ask(association, data, missing, reports, "on the same association")
    association.release()
    faults += ask_and_leave(data, missing, dicom, back, reports, handlers)
    return faults


def ask(association, data, missing, reports, where):
    transaction = generate_uid()
    status, _ = association.send_n_action(
        request(transaction, data, missing), 1, StorageCommitmentPushModel, StorageCommitmentPushModelInstance
    )
    if not status or status.Status != 0:
        return [f"{where}: the request was not taken: {status}"]
    return told(transaction, data, missing, reports, where)


def ask_and_leave(data, missing, dicom, back, reports, handlers):
    """The hub opens an association in which it is the SCP, and the one that accepts it the SCU."""
    listener = AE(ae_title=TITLE)
    listener.add_supported_context(StorageCommitmentPushModel, scu_role=False, scp_role=True)
    server = listener.start_server(("127.0.0.1", back), block=False, evt_handlers=handlers)
    try:
        client = AE(ae_title=TITLE)
        client.add_requested_context(StorageCommitmentPushModel)
        role = build_role(StorageCommitmentPushModel, scu_role=True)
        association = client.associate("127.0.0.1", dicom, ae_title="CAUSEWAY", ext_neg=[role])
        transaction = generate_uid()
        status, _ = association.send_n_action(
            request(transaction, data, missing), 1, StorageCommitmentPushModel, StorageCommitmentPushModelInstance
        )
        association.abort()
        if not status or status.Status != 0:
            return [f"on a new association: the request was not taken: {status}"]
        return told(transaction, data, missing, reports, "on a new association")
    finally:
        server.shutdown()


def request(transaction, data, missing):
    asked = Dataset()
    asked.TransactionUID = transaction
    asked.ReferencedSOPSequence = []
    for instance in (data.SOPInstanceUID, missing):
        item = Dataset()
        item.ReferencedSOPClassUID = data.SOPClassUID
        item.ReferencedSOPInstanceUID = instance
        asked.ReferencedSOPSequence.append(item)
    return asked


def take(event, reports):
    reports.put((event.event_type, event.event_information))
    return 0x0000, None


def told(transaction, data, missing, reports, where):
    try:
        event, report = reports.get(timeout=PATIENCE_SECONDS)
    except queue.Empty:
        return [f"{where}: nothing was reported"]
    kept = [item.ReferencedSOPInstanceUID for item in report.get("ReferencedSOPSequence", [])]
    failed = [(item.ReferencedSOPInstanceUID, item.FailureReason) for item in report.get("FailedSOPSequence", [])]
    got = (event, report.TransactionUID, kept, failed)
    expected = (2, transaction, [data.SOPInstanceUID], [(missing, NO_SUCH_INSTANCE)])
    return [] if got == expected else [f"{where}: {got} is not {expected}"]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
