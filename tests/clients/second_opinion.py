"""The same files in the hub and in Orthanc: searches and metadata by DICOMweb say the same, or differ for a reason listed here.

Sends pydicom's test files, made those of one registered person, to both, and compares what both answer element by element.
Ends with 1 and the differences otherwise.
"""

import json
import subprocess
import sys
from pathlib import Path

import requests
from images import TOKEN, configure, corpus, free_port, plain, register, run, send, wait

PLUGIN = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so"
# Elements in which answers to a search may differ, and why.
SEARCH_REASONS = {
    "00080005": "answers here are UTF-8, and say so where they hold such text; Orthanc names the set of its index",
    "00080056": "whether instances are online: only here",
    "00081190": "addresses: relative here, of its own port there",
    # Without a study in the address a series tells of its study, too, and an instance of both (PS3.18 section 8.3.4.4);
    # Orthanc tells what it indexes.
    "00080021": "series date",
    "00080031": "series time",
    "00080061": "modalities in study",
    "00081030": "study description",
    "00180015": "body part examined",
    "00201206": "series of the study",
    "00201208": "instances of the study",
    "00400244": "date of the performed step",
    "00400245": "time of the performed step",
    "00400275": "request attributes",
    "00280008": "badVR.dcm has `1A` for a number of frames: kept here, left out there",
}
# Files and elements in which metadata may differ, and why.
METADATA_REASONS = {
    ("*", "00080005"): "answers here are UTF-8; Orthanc repeats what the file says",
    ("*", "FFFCFFFC"): "Data Set Trailing Padding is no information, and kept with the file alone",
    ("badVR.dcm", "00280008"): "`1A` is no number: kept here, left out there",
    ("image_dfl.dcm", "7FE00010"): "a deflated data set has no place in the file for its pixels",
    **{
        ("J2K_pixelrep_mismatch.dcm", tag): "in its set of characters, ISO_IR 13, Orthanc reads the backslash between values as a yen sign"
        for tag in ("00080008", "00200020", "00200032", "00200037", "00280030", "00281050", "00281051")
    },
    **{
        ("J2K_pixelrep_mismatch.dcm", tag): "a private creator in UN: bytes here, read as text there"
        for tag in ("00090010", "00090011", "00190010")
    },
    **{
        ("examples_ybr_color.dcm", tag): "a text too long for the metadata: its address here"
        for tag in ("00191050", "00191060")
    },
}

def main(binary, folder):
    folder = Path(folder)
    mllp, http, dicom, stow = (free_port() for _ in range(4))
    run(binary, "init", "--dir", folder, "--mllp-port", mllp, "--http-port", http)
    files = corpus(folder / "sent")
    configure(folder, dicom, stow)
    register(binary, folder)
    peer_dicom, peer_http = free_port(), free_port()
    settings = {
        "Name": "peer",
        "StorageDirectory": str(folder / "orthanc"),
        "IndexDirectory": str(folder / "orthanc"),
        "DicomPort": peer_dicom,
        "HttpPort": peer_http,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "Plugins": [PLUGIN],
        "DicomWeb": {"Enable": True, "StudiesMetadata": "Full", "SeriesMetadata": "Full"},
    }
    (folder / "orthanc.json").write_text(json.dumps(settings))
    hub = subprocess.Popen([binary, "serve", "--config", folder], stderr=subprocess.DEVNULL)
    peer = subprocess.Popen(
        ["Orthanc", folder / "orthanc.json"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait(lambda: requests.get(f"http://127.0.0.1:{http}/readyz", timeout=5).ok, "the hub to be ready")
        wait(lambda: requests.get(f"http://127.0.0.1:{peer_http}/system", timeout=5).ok, "Orthanc to be ready")
        ours = Server(f"http://127.0.0.1:{http}/dicomweb", TOKEN)
        theirs = Server(f"http://127.0.0.1:{peer_http}/dicom-web", None)
        faults = send(files, dicom) + send(files, peer_dicom)
        wait(lambda: len(ours.get("/instances?limit=1000")) == len(files), "the hub to list them all")
        wait(lambda: len(theirs.get("/instances?limit=1000")) == len(files), "Orthanc to list them all")
        faults += compare(files, ours, theirs)
    finally:
        for process in (hub, peer):
            process.terminate()
            process.wait(60)
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"second opinion on {len(files)} files: {len(faults)} faults")
    return 1 if faults else 0


class Server:
    def __init__(self, url, token):
        self.url, self.session = url, requests.Session()
        self.session.headers["Accept"] = "application/dicom+json"
        if token:
            self.session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path):
        answer = self.session.get(self.url + path, timeout=60)
        answer.raise_for_status()
        return answer.json() if answer.content else []


SEARCHES = [
    ("/studies?limit=1000", "0020000D"),
    ("/studies?limit=1000&PatientID=T1", "0020000D"),
    ("/studies?limit=1000&PatientName=TEST*", "0020000D"),
    ("/studies?limit=1000&StudyDate=20040101-20241231", "0020000D"),
    ("/studies?limit=1000&ModalitiesInStudy=CT", "0020000D"),
    ("/series?limit=1000&Modality=MR", "0020000E"),
    ("/series?limit=1000", "0020000E"),
    ("/instances?limit=1000", "00080018"),
]


def compare(files, ours, theirs):
    faults = []
    for path, key in SEARCHES:
        mine, other = ({uid(one, key): one for one in server.get(path)} for server in (ours, theirs))
        if set(mine) != set(other):
            faults.append(f"{path}: only here {sorted(set(mine) - set(other))}, only there {sorted(set(other) - set(mine))}")
        for one in set(mine) & set(other):
            faults += differ(f"{path} {one}", mine[one], other[one], SEARCH_REASONS)
    for path, data in files.values():
        place = f"/studies/{data.StudyInstanceUID}/series/{data.SeriesInstanceUID}/instances/{data.SOPInstanceUID}/metadata"
        (mine,), (other,) = (server.get(place) for server in (ours, theirs))
        reasons = {tag for name, tag in METADATA_REASONS if name in ("*", path.name)}
        faults += differ(path.name, mine, other, reasons)
    return faults


def uid(answer, tag):
    return answer[tag]["Value"][0]


def differ(where, mine, other, reasons):
    """One line for each element of which the two say something else, without those that have a reason."""
    lines = []
    for tag in sorted(set(mine) | set(other)):
        if tag in reasons or tag[4:] == "0000":
            continue
        one, two = said(mine.get(tag)), said(other.get(tag))
        if one != two:
            lines.append(f"{where}: {tag} {(mine.get(tag) or other.get(tag)).get('vr')}: {one!r} here, {two!r} there")
    return lines


def said(element):
    """What an element says, without how it is written: bulk data only that there are some, sequences item by item."""
    if element is None:
        return None
    if "BulkDataURI" in element or "InlineBinary" in element:
        return "bulk data"
    values = element.get("Value", [])
    if element.get("vr") == "SQ":
        return [{tag: said(one) for tag, one in item.items() if said(one) is not None} for item in values] or None
    if element.get("vr") == "PN":
        values = [one.get("Alphabetic") if isinstance(one, dict) else one for one in values]
    values = [plain(one) for one in values]
    return values if any(value is not None for value in values) else None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
