"""Pictures of compressed pixels against the same pixels decoded by DCMTK (dcmdjpls, dcmdjpeg, dcmdrle).

JPEG-LS with and without loss and JPEG of twelve bits come from pydicom's test files and from DCMTK's own encoders, as do
RLE and lossless JPEG. Of each the hub's pictures are compared grey by grey, in windows so narrow that one grey is one value. Of what
the hub does not decode the answer must be words and a way to the file, and that way must lead to it. Ends with 1 and the
differences otherwise.
"""

import html
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy
import pydicom
import requests
from dicomweb_client import DICOMwebClient
from images import NATIVE, TOKEN, configure, frames, free_port, register, run, send, wait, whole
from PIL import Image

TEST_FILES = Path(pydicom.__file__).parent / "data" / "test_files"
JPEG_12, JPEG_LOSSLESS = "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.70"
JPEG_LS, JPEG_LS_NEAR, RLE = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81", "1.2.840.10008.1.2.5"
DECODERS = {JPEG_12: "dcmdjpeg", JPEG_LOSSLESS: "dcmdjpeg", JPEG_LS: "dcmdjpls", JPEG_LS_NEAR: "dcmdjpls", RLE: "dcmdrle"}
# pydicom's files: without the syntaxes of others, and one file for each kind.
BUNDLED = [
    "JPEG-lossy.dcm",
    "JPEGLSNearLossless_08.dcm",
    "JPEGLSNearLossless_16.dcm",
    "JPGExtended.dcm",
    "MR_small_RLE.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "SC_rgb_jls_lossy_line.dcm",
    "SC_rgb_jls_lossy_sample.dcm",
]
# The same twelve bits by DCMTK's encoders.
ENCODED = {
    "lossless.dcm": ["dcmcjpls", "+el"],
    "near.dcm": ["dcmcjpls", "+en", "+md", "3"],
    "extended.dcm": ["dcmcjpeg", "+ee"],
    "first_order.dcm": ["dcmcjpeg", "+e1"],
}
# What is not shown, with the words that must say why.
REFUSED = {
    # The header of its scan is that of a progressive JPEG, and the header of its frame is not.
    "JPEG-lossy.dcm": "sequential scan with spectral selection",
    "SC_rgb_jls_lossy_line.dcm": "JPEG-LS in colour",
    "SC_rgb_jls_lossy_sample.dcm": "JPEG-LS in colour",
}
# How far off a value may be: two decoders of cosines round differently, all others not at all.
TOLERANCE = {JPEG_12: 1}
# In a window as wide as there are greys, one grey is one value; window by window, every value is looked at.
GREYS = 256


def main(binary, folder):
    folder = Path(folder)
    mllp, http, dicom, stow = (free_port() for _ in range(4))
    run(binary, "init", "--dir", folder, "--mllp-port", mllp, "--http-port", http)
    files = packed(folder / "sent")
    configure(folder, dicom, stow)
    register(binary, folder)
    told = folder / "told.log"
    with told.open("wb") as log:
        # Each picture that is made is a line of the log.
        environment = os.environ | {"CAUSEWAY_LOG": "info,causeway=debug"}
        hub = subprocess.Popen([binary, "serve", "--config", folder], stderr=log, env=environment)
    try:
        wait(lambda: requests.get(f"http://127.0.0.1:{http}/readyz", timeout=5).ok, "the hub to be ready")
        faults = send(files, dicom)
        url, session = f"http://127.0.0.1:{http}/dicomweb", requests.Session()
        session.headers["Authorization"] = f"Bearer {TOKEN}"
        client = DICOMwebClient(url=url, session=session)
        wait(lambda: len(client.search_for_instances(limit=1000)) == len(files), f"{len(files)} instances to be listed")
        pictures = sum(look(client, session, url, path, data, faults) for path, data in files.values())
        faults += once(f"http://127.0.0.1:{http}", told)
    finally:
        hub.terminate()
        hub.wait(60)
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{len(files)} compressed files, {pictures} pictures compared with DCMTK's pixels, {len(faults)} faults")
    return 1 if faults else 0


def packed(folder):
    """Compressed files of one person, each an instance of its own in one series."""
    folder.mkdir(exist_ok=True)
    for name in BUNDLED:
        pydicom.dcmread(TEST_FILES / name).save_as(folder / name)
    plain = folder / "plain"
    twelve_bits().save_as(plain, enforce_file_format=True)
    for name, (tool, *arguments) in ENCODED.items():
        run(tool, *arguments, plain, folder / name)
    plain.unlink()
    files = {}
    for number, path in enumerate(sorted(folder.glob("*.dcm")), 1):
        data = pydicom.dcmread(path)
        data.PatientName, data.PatientID, data.PatientBirthDate, data.PatientSex = "TEST^ONE", "T1", "19800229", "M"
        data.StudyInstanceUID, data.SeriesInstanceUID, data.SOPInstanceUID = "1.2.3", "1.2.3.1", f"1.2.3.1.{number}"
        data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
        data.save_as(path)
        files[str(data.SOPInstanceUID)] = (path, pydicom.dcmread(path))
    return files


def twelve_bits():
    """An image whose values are spread over all that twelve bits hold, with edges."""
    data = pydicom.dcmread(TEST_FILES / "MR_small.dcm")
    values = data.pixel_array.astype(numpy.int64)
    values = (values - values.min()) * 4095 // int(values.max() - values.min())
    values[:8, :8], values[-8:, -8:] = 0, 4095
    data.PixelData = values.astype("<u2").tobytes()
    data.BitsStored, data.HighBit, data.PixelRepresentation = 12, 11, 0
    for name in ("SmallestImagePixelValue", "LargestImagePixelValue", "PixelPaddingValue"):
        if name in data:
            del data[name]
    return data


def look(client, session, url, path, data, faults):
    """Compares the pictures of a file, or the words where there is none; how many were compared."""
    place = [str(data.StudyInstanceUID), str(data.SeriesInstanceUID), str(data.SOPInstanceUID)]
    instance = "{}/studies/{}/series/{}/instances/{}".format(url, *place)
    kept = [check(client, session, url, place, path, data) for check in (whole, frames)]
    told, pictures = refused(session, instance, path, data) if path.name in REFUSED else compared(session, instance, path, data)
    faults += [f"{path.name}: {fault}" for fault in [*kept, told] if fault]
    return pictures


def compared(session, instance, path, data):
    """The first difference, and the number of pictures that were looked at."""
    values = decoded(path, data)
    least, most = int(values.min()), int(values.max())
    pictures = 0
    for centre in range(least + GREYS // 2, most + GREYS, GREYS):
        # PS3.3 section C.11.2.1.2.1, of a width of 256: the grey is the value less the centre, from 128 on.
        expected = numpy.clip(values - centre + GREYS // 2, 0, GREYS - 1)
        address = f"{instance}/rendered" if pictures % 2 == 0 else f"{instance}/frames/1/rendered"
        window = {"window": f"{centre},{GREYS},linear"}
        answer = session.get(address, params=window, headers={"Accept": "image/png"}, timeout=60)
        if answer.status_code != 200:
            return f"no picture: {answer.status_code} {answer.text}", pictures
        got = numpy.asarray(Image.open(io.BytesIO(answer.content)).convert("L")).astype(numpy.int64)
        if got.shape != expected.shape:
            return f"a picture of {got.shape} and not of {expected.shape}", pictures
        off = int(numpy.abs(got - expected).max())
        if off > TOLERANCE.get(str(data.file_meta.TransferSyntaxUID), 0):
            return f"up to {off} greys off in the window {centre}", pictures
        pictures += 1
    return None, pictures


def decoded(path, data):
    """The values of a file as DCMTK decodes them, in the units of its rescaling."""
    native = path.with_suffix(".native")
    run(DECODERS[str(data.file_meta.TransferSyntaxUID)], path, native)
    plain = pydicom.dcmread(native)
    if plain.file_meta.TransferSyntaxUID not in NATIVE:
        raise SystemExit(f"{path.name}: DCMTK decoded nothing")
    values = plain.pixel_array.astype(numpy.int64)
    return values * int(data.get("RescaleSlope", 1) or 1) + int(data.get("RescaleIntercept", 0) or 0)


def refused(session, instance, path, data):
    """Words that say what is not shown, in which syntax, and where the file is; which is there."""
    for address in (f"{instance}/rendered", f"{instance}/frames/1/rendered", f"{instance}/thumbnail"):
        answer = session.get(address, headers={"Accept": "image/png"}, timeout=60)
        told = answer.json().get("fix", "") if answer.status_code == 406 else ""
        wanted = (REFUSED[path.name], str(data.file_meta.TransferSyntaxUID), "/frames", "Accept: application/dicom")
        if not all(words in told for words in wanted):
            return f"no picture, and not the words: {answer.status_code} {answer.content[:400]}", 0
    return None, 0


def once(origin, told):
    """A page that shows a compressed image, and then its picture, decode it once, in each of its windows."""
    faults, pages = [], requests.Session()
    pages.auth = ("client", TOKEN)
    made = lambda: told.read_bytes().count(b"a picture was asked for")
    study = f"{origin}/en/studies/1.2.3?series=1.2.3.1"
    count = int(re.search(r"data-number>1</span> / (\d+)", pages.get(study, timeout=60).text)[1])
    looked_at = 0
    for number in range(1, count + 1):
        before = made()
        page = pages.get(f"{study}&frame={number}&window=soft-tissue", timeout=60)
        source = re.search(r'<img data-picture src="([^"]+)"', page.text)
        if source is None:
            continue
        picture = pages.get(origin + html.unescape(source[1]), headers={"Accept": "image/*"}, timeout=60)
        looked_at += 1
        if picture.status_code != 200 or "window=40,400,linear" not in source[1] or made() - before != 1:
            faults.append(f"image {number} of a page: {picture.status_code}, {source[1]}, made {made() - before} times")
    if count != len(BUNDLED) + len(ENCODED) or looked_at != count - len(REFUSED):
        faults.append(f"{looked_at} of {count} images of the page have a picture")
    return faults


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
