"""Sends the test files that come with pydicom to a hub, by turns by pynetdicom and by dicomweb-client, and reads them back with
dicomweb-client.

They are made those of one registered person first: name, number, birth date and sex are replaced, and nothing else.

What is stored must come back with the data set byte for byte; metadata must say what pydicom reads; frames must be the bytes
of the pixels; and a picture is made, or refused with words. Ends with 1 and the differences otherwise.
"""

import hashlib
import io
import socket
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pydicom
import requests
import turns  # noqa: F401
from dicomweb_client import DICOMwebClient
from pydicom.encaps import generate_frames
from pynetdicom import AE

warnings.simplefilter("ignore")

TOKEN = "a token for the clients"
SENDER = "a token for the sender"
PROVIDER = "9000000009"
PATIENCE_SECONDS = 120
# What cannot be checked, and why.
UNREADABLE = {
    # pydicom itself cannot read a number of this file as one.
    "header": {"badVR.dcm"},
    # The same; and a deflated data set has no places of frames, as its answer says.
    "frames": {"badVR.dcm", "image_dfl.dcm"},
}
# What no picture is made of: other syntaxes, and instances without pixels.
NO_PICTURE = {
    "693_J2KI.dcm",
    "J2K_pixelrep_mismatch.dcm",
    # The header of its scan is not that of a sequential JPEG.
    "JPEG-lossy.dcm",
    "JPEG2000-embedded-sequence-delimiter.dcm",
    "badVR.dcm",
    "examples_palette.dcm",
    "image_dfl.dcm",
    "reportsi.dcm",
    "rtplan.dcm",
    "test-SR.dcm",
    "waveform_ecg.dcm",
}
NATIVE = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"}


def main(binary, folder):
    files = corpus(Path(folder).parent / "sent")
    mllp, http, dicom, stow = free_port(), free_port(), free_port(), free_port()
    run(binary, "init", "--dir", folder, "--mllp-port", mllp, "--http-port", http)
    configure(Path(folder), dicom, stow)
    register(binary, folder)
    hub = subprocess.Popen([binary, "serve", "--config", folder], stderr=subprocess.DEVNULL)
    try:
        wait(lambda: requests.get(f"http://127.0.0.1:{http}/readyz", timeout=5).ok, "the hub to be ready")
        faults = exchange(files, dicom, f"http://127.0.0.1:{stow}", f"http://127.0.0.1:{http}/dicomweb")
    finally:
        hub.terminate()
        hub.wait(60)
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def corpus(folder):
    """Files that say where they belong, of one person; of several under one UID, the first."""
    folder.mkdir(exist_ok=True)
    files = {}
    for path in sorted((Path(pydicom.__file__).parent / "data" / "test_files").glob("*.dcm")):
        try:
            data = pydicom.dcmread(path)
            uids = [data.get(name) for name in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")]
            if not all(uids) or "TransferSyntaxUID" not in data.file_meta or str(uids[0]) in files:
                continue
            data.PatientName, data.PatientID, data.PatientBirthDate, data.PatientSex = "TEST^ONE", "T1", "19800229", "M"
            data.save_as(folder / path.name)
            files[str(uids[0])] = (folder / path.name, pydicom.dcmread(folder / path.name))
        except Exception as error:
            print(f"left out {path.name}: {str(error).splitlines()[0]}")
    return files


def configure(folder, dicom, stow):
    text = (folder / "causeway.toml").read_text()
    digest, sender = (hashlib.sha256(token.encode()).hexdigest() for token in (TOKEN, SENDER))
    text += f"""
[[dicom_door]]
listen = "127.0.0.1:{dicom}"

[dicom_door.stow]
listen = "127.0.0.1:{stow}"
retrieve_url = "https://images.example/dicomweb"

[[dicom_door.feed]]
name = "pacs"
provider = "{PROVIDER}"
ae_titles = ["CLIENT"]
stow_token_sha256 = "{sender}"

[[reader]]
name = "client"
provider = "{PROVIDER}"
token_sha256 = "{digest}"
"""
    (folder / "causeway.toml").write_text(text)


def register(binary, folder):
    """The person, who shares with the reader's provider."""
    row = "PASSPORT,P0000001,XXA,TEST,ONE,1980-02-29,M"
    persons = Path(folder) / "persons.csv"
    persons.write_text(f"document_kind,document_number,document_issuer,family,given,birth,sex\n{row}\n")
    run(binary, "--config", folder, "person", "import", persons, "--join", "2025")
    run(binary, "--config", folder, "person", "link", 1, "--provider", PROVIDER, "--number", "T1")
    run(binary, "--config", folder, "consent", "give", 1, "--provider", PROVIDER)


def exchange(files, dicom, stow, url):
    uids = sorted(files)
    faults = send({uid: files[uid] for uid in uids[::2]}, dicom)
    faults += post({uid: files[uid] for uid in uids[1::2]}, stow)
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {TOKEN}"
    client = DICOMwebClient(url=url, session=session)
    series = {(str(data.StudyInstanceUID), str(data.SeriesInstanceUID)) for _, data in files.values()}
    wanted = {str(data.StudyInstanceUID) for _, data in files.values()}
    wait(lambda: len(client.search_for_instances(limit=1000)) == len(files), f"{len(files)} instances to be listed")
    found = {study["0020000D"]["Value"][0] for study in client.search_for_studies(limit=1000)}
    if found != wanted:
        faults.append(f"studies: {sorted(wanted ^ found)}")
    listed = {(one["0020000D"]["Value"][0], one["0020000E"]["Value"][0]) for one in client.search_for_series(limit=1000)}
    if listed != series:
        faults.append(f"series: {sorted(series ^ listed)}")
    pictures = 0
    for path, data in files.values():
        place = [str(data.StudyInstanceUID), str(data.SeriesInstanceUID), str(data.SOPInstanceUID)]
        for check in (whole, header, frames):
            if path.name in UNREADABLE.get(check.__name__, {}):
                continue
            try:
                told = check(client, session, url, place, path, data)
            except Exception as error:
                told = f"{type(error).__name__}: {error}"
            if told:
                faults.append(f"{path.name}: {check.__name__}: {told}")
        pictures += picture(session, url, place, path, data, faults)
    print(f"{len(files)} files in {len(wanted)} studies, {pictures} pictures, {len(faults)} faults")
    return faults


def send(files, dicom):
    faults = []
    for path, data in files.values():
        client = AE(ae_title="CLIENT")
        client.add_requested_context(data.SOPClassUID, data.file_meta.TransferSyntaxUID)
        association = client.associate("127.0.0.1", dicom, ae_title="CAUSEWAY")
        status = association.send_c_store(str(path)) if association.is_established else None
        if status is None or status.get("Status") != 0:
            faults.append(f"{path.name}: not stored: {status}")
        association.release()
    return faults


def post(files, url):
    """All of them in one request, twice; then one under a study of another."""
    faults = []
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {SENDER}"
    client = DICOMwebClient(url=url, session=session)
    for path, data in files.values():
        # What the client writes is what must come back.
        encoded = io.BytesIO()
        pydicom.dcmwrite(encoded, data)
        path.write_bytes(encoded.getvalue())
    for _ in range(2):
        told = client.store_instances([data for _, data in files.values()])
        stored = {str(item.ReferencedSOPInstanceUID): item for item in told.get("ReferencedSOPSequence", [])}
        if set(stored) != set(files) or told.get("FailedSOPSequence") or told.get("OtherFailuresSequence"):
            faults.append(f"posted: {sorted(set(files) ^ set(stored))} {told}")
        for uid, item in stored.items():
            data = files[uid][1]
            if item.ReferencedSOPClassUID != data.SOPClassUID or not item.RetrieveURL.endswith(f"/instances/{uid}"):
                faults.append(f"posted: {item}")
    try:
        client.store_instances([next(iter(files.values()))[1]], study_instance_uid="1.2.3.4")
        faults.append("posted under the study of another")
    except requests.HTTPError as error:
        failed = pydicom.Dataset.from_json(error.response.json()).get("FailedSOPSequence", [])
        if error.response.status_code != 409 or [item.FailureReason for item in failed] != [0xA900]:
            faults.append(f"posted under the study of another: {error.response.status_code} {error.response.text}")
    unknown = requests.post(f"{url}/studies", data=b"", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30)
    if unknown.status_code != 401:
        faults.append(f"a reader's token sends: {unknown.status_code}")
    return faults


def data_set(file):
    """The bytes behind the File Meta Information."""
    stream = io.BytesIO(file)
    pydicom.filereader.read_preamble(stream, False)
    pydicom.filereader._read_file_meta_info(stream)
    return file[stream.tell() :]


def whole(client, session, url, place, path, data):
    study, series, instance = place
    address = f"{url}/studies/{study}/series/{series}/instances/{instance}"
    answer = session.get(address, headers={"Accept": "application/dicom"}, timeout=30)
    if answer.status_code != 200:
        return f"{answer.status_code} {answer.text}"
    if data_set(answer.content) != data_set(path.read_bytes()):
        return "the data set is another one"
    again = client.retrieve_instance(study, series, instance, media_types=(("application/dicom", "*"),))
    return None if again.SOPInstanceUID == instance else "the client reads another instance"


def header(client, session, url, place, path, data):
    told = pydicom.Dataset.from_json(client.retrieve_instance_metadata(*place))
    for element in data:
        small = element.VR not in ("OB", "OW", "OF", "OD", "OL", "UN", "SQ") and element.tag.group % 2 == 0
        if not small or element.tag in (0x00080005,) or element.tag.element == 0:
            continue
        got = told.get(element.tag)
        if got is None:
            return f"{element.tag} is missing"
        if plain(got.value) != plain(element.value):
            return f"{element.tag} {element.VR}: {got.value!r} is not {element.value!r}"
    return None


def plain(value):
    """Values as they compare: numbers as numbers, text without padding, nothing as nothing."""
    if isinstance(value, (list, pydicom.multival.MultiValue)):
        return [plain(one) for one in value]
    if value is None or value == "":
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return str(value).strip().rstrip("\0").rstrip("=^") or None


def frames(client, session, url, place, path, data):
    if "PixelData" not in data:
        return None
    count = int(data.get("NumberOfFrames", 1) or 1)
    syntax = str(data.file_meta.TransferSyntaxUID)
    numbers = list(range(1, min(count, 5) + 1))
    got = client.retrieve_instance_frames(*place, numbers, media_types=(("application/octet-stream", "*"),))
    if syntax in NATIVE:
        size = data.Rows * data.Columns * data.get("SamplesPerPixel", 1) * data.BitsAllocated // 8
        pixels = data.PixelData
        if syntax == "1.2.840.10008.1.2.2" and data.BitsAllocated == 16:
            swapped = bytearray(pixels)
            swapped[0::2], swapped[1::2] = pixels[1::2], pixels[0::2]
            pixels = bytes(swapped)
        expected = [pixels[size * (number - 1) : size * number] for number in numbers]
    else:
        all_frames = list(generate_frames(data.PixelData, number_of_frames=count))
        expected = [all_frames[number - 1] for number in numbers]
    return None if got == expected else "the bytes of a frame are others"


def picture(session, url, place, path, data, faults):
    address = "{}/studies/{}/series/{}/instances/{}/rendered".format(url, *place)
    answer = session.get(address, headers={"Accept": "image/png"}, timeout=60)
    made = answer.status_code == 200 and answer.content.startswith(b"\x89PNG")
    refused = answer.status_code == 406 and answer.json().get("fix")
    if not made and not refused:
        faults.append(f"{path.name}: picture: {answer.status_code} {answer.content[:200]}")
    if made == (path.name in NO_PICTURE):
        faults.append(f"{path.name}: picture: {answer.status_code} {answer.content[:200]}")
    return int(made)


def run(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{words[1:]}: {done.returncode} {done.stdout} {done.stderr}")


def wait(condition, what):
    until, last = time.monotonic() + PATIENCE_SECONDS, ""
    while time.monotonic() < until:
        try:
            if condition():
                return
        except Exception as error:
            last = f": {error}"
        time.sleep(0.1)
    raise SystemExit(f"waited {PATIENCE_SECONDS} s for {what}{last}")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
