//! The ImagingStudy of one instance: FHIR R4, by the DICOM column of <https://hl7.org/fhir/R4/imagingstudy-mappings.html>.

use causeway_core::dicom::study::join;
use causeway_core::dicom::tag::{self, Tag};
use causeway_core::envelope::Envelope;
use causeway_core::feed::FeedSettings;
use causeway_core::record::{Record, RecordKey, Resource, VersionClock};
use causeway_core::scope::{Domain, Level};
use jiff::civil::{Date, Time};
use jiff::tz::{Offset, TimeZone};

use super::header::Header;
use super::identity::Patient;
use crate::fhir::{Json, Object, coding, identifier, reference, typed, urn_part};

/// Codes of modalities (PS3.16 CID 29).
const DCM: &str = "http://dicom.nema.org/resources/ontology/DCM";
/// The same, by its identifier: under this name come the codes that R4's copy of the code system does not have yet.
const DCM_LATER: &str = "urn:oid:1.2.840.10008.2.16.4";
/// Modalities of R4's copy.
const MODALITIES: &[&str] = &[
    "AR", "AU", "BDUS", "BI", "BMD", "CR", "CT", "DG", "DX", "ECG", "EPS", "ES", "GM", "HC", "HD", "IO", "IVOCT",
    "IVUS", "KER", "KO", "LEN", "LS", "MG", "MR", "NM", "OAM", "OCT", "OP", "OPM", "OPT", "OPV", "OSS", "OT", "PR",
    "PT", "PX", "REG", "RF", "RG", "RTDOSE", "RTIMAGE", "RTPLAN", "RTRECORD", "RTSTRUCT", "SEG", "SM", "SMR", "SR",
    "SRF", "TG", "US", "VA", "XA", "XC",
];
/// Modalities that came later.
const MODALITIES_LATER: &[&str] = &[
    "ANN",
    "ASMT",
    "CFM",
    "CTPROTOCOL",
    "DMS",
    "DOC",
    "EEG",
    "EMG",
    "EOG",
    "FID",
    "IOL",
    "M3D",
    "OPTBSV",
    "OPTENF",
    "PA",
    "PLAN",
    "POS",
    "RESP",
    "RTINTENT",
    "RTRAD",
    "RTSEGANN",
    "RWV",
    "STAIN",
    "TEXTUREMAP",
    "XAPROTOCOL",
];
/// HL7 table 0495: the codes that DICOM has for a side are of SNOMED CT, which is not shipped.
const SIDE: &str = "http://terminology.hl7.org/CodeSystem/v2-0495";
/// The id of the contained Endpoint, and what refers to it.
const DICOMWEB: &str = "dicomweb";
const DICOMWEB_REFERENCE: &str = "#dicomweb";
/// Says under which digests an instance is kept; more than one when different instances came under its UID.
const KEPT_AS: &str = "urn:causeway:extension:kept-as";

/// The record of the study, with this one instance.
pub(super) fn record(
    header: &Header<'_>,
    patient: &Patient,
    feed: &FeedSettings,
    zone: &TimeZone,
    envelope: &Envelope,
) -> Record {
    let provider = &feed.provider.0;
    let key = RecordKey::new("ImagingStudy", provider, &[header.claim.study.as_str()]);
    let modality = header.plain(tag::MODALITY);
    if !modality.is_empty() && !MODALITIES.iter().chain(MODALITIES_LATER).any(|known| *known == modality) {
        header.note("unmapped-code", tag::MODALITY, "no modality of DICOM: kept as the sender's own");
    }
    let started = date(header, tag::STUDY_DATE);
    let accession = accession(header, provider);
    let source = format!("urn:causeway:{}:source:{}", urn_part(provider), urn_part(&envelope.sender));
    let study = Object::sized(16)
        .text("resourceType", "ImagingStudy")
        .text("id", &key.resource_id())
        .put("meta", Object::sized(1).text("source", &source))
        .one("contained", dicomweb())
        // (0020,000D), (0008,0050) → identifier
        .list("identifier", vec![study_identifier(header).into(), accession.clone().into()])
        // More may come: the hub tells when the study is complete
        .text("status", "registered")
        // (0008,0060) → modality
        .one("modality", modality_of(&modality, provider))
        .put("subject", reference("Patient", &patient.id))
        // (0008,0020), (0008,0030), (0008,0201) → started
        .maybe("started", moment(header, started, tag::STUDY_TIME, zone))
        // (0008,0050) → basedOn
        .one("basedOn", request(&accession))
        .one("endpoint", Object::sized(1).put("reference", Json::Fixed(DICOMWEB_REFERENCE)))
        .put("numberOfSeries", 1_u32)
        .put("numberOfInstances", 1_u32)
        // (0008,1030) → description
        .text("description", &header.text(tag::STUDY_DESCRIPTION))
        .one("series", series(header, &modality, provider, zone));
    // In the form that joined ones have, so that a resend changes nothing.
    let tree = study.written().value();
    Record {
        domain: Domain::RadiologyImage,
        key,
        clock: VersionClock { rank: 0, at: envelope.received_at, offset: 0 },
        clinical_date: started,
        lacks: None,
        level: if modality.is_empty() { Level::Structured } else { Level::Coded },
        retracted: false,
        resource: Resource::of(&join(&tree, &tree)),
    }
}

/// The DICOMweb service that gives the images of the study: that of the hub whose record this is.
///
/// It is contained, and its address is relative to the server the record is read from. An Endpoint of its own would be a
/// record of nobody, and an address from the configuration would stand in every version ever stored, wrong from the day the
/// hub gets another name; so the mapper needs no setting, and every study says the same.
fn dicomweb() -> Object {
    let payload = coding("http://terminology.hl7.org/CodeSystem/endpoint-payload-type", "any", "");
    let mime_types = ["application/dicom", "application/dicom+json"];
    Object::sized(7)
        .fixed("resourceType", "Endpoint")
        .fixed("id", DICOMWEB)
        .fixed("status", "active")
        .put(
            "connectionType",
            coding("http://terminology.hl7.org/CodeSystem/endpoint-connection-type", "dicom-wado-rs", ""),
        )
        .one("payloadType", Object::sized(2).one("coding", payload).fixed("text", "DICOM"))
        .list("payloadMimeType", mime_types.map(Json::Fixed).into())
        .fixed("address", "/dicomweb")
}

/// A modality; one that is no code of DICOM's is the sender's own.
fn modality_of(code: &str, provider: &str) -> Object {
    if MODALITIES.contains(&code) {
        coding(DCM, code, "")
    } else if MODALITIES_LATER.contains(&code) {
        coding(DCM_LATER, code, "")
    } else {
        coding(format!("urn:causeway:{}:modality", urn_part(provider)), code, "")
    }
}

fn study_identifier(header: &Header<'_>) -> Object {
    identifier("urn:dicom:uid", &format!("urn:oid:{}", header.claim.study))
}

/// The number by which order, images and report belong together; the same system as in HL7 messages of the provider.
fn accession(header: &Header<'_>, provider: &str) -> Object {
    let number = header.text(tag::ACCESSION_NUMBER);
    let identifier = identifier(&format!("urn:causeway:{}:accession", urn_part(provider)), &number);
    if identifier.is_empty() { identifier } else { Object::sized(3).put("type", typed("ACSN")).merge(identifier) }
}

fn request(accession: &Object) -> Object {
    if accession.is_empty() {
        return Object::new();
    }
    Object::sized(2).text("type", "ServiceRequest").put("identifier", accession.clone())
}

fn series(header: &Header<'_>, modality: &str, provider: &str, zone: &TimeZone) -> Object {
    let claim = header.claim;
    let part = header.plain(tag::BODY_PART_EXAMINED);
    Object::sized(10)
        .text("uid", claim.series.as_str())
        // (0020,0011) → number
        .maybe("number", header.number(tag::SERIES_NUMBER))
        // R4 wants one; OT is "other"
        .put("modality", modality_of(if modality.is_empty() { "OT" } else { modality }, provider))
        // (0008,103E) → description
        .text("description", &header.text(tag::SERIES_DESCRIPTION))
        .put("numberOfInstances", 1_u32)
        // (0018,0015) → bodySite
        .put("bodySite", Object::sized(1).text("display", &part))
        // (0020,0060) → laterality
        .put("laterality", laterality(header))
        // (0008,0021), (0008,0031) → started
        .maybe("started", moment(header, date(header, tag::SERIES_DATE), tag::SERIES_TIME, zone))
        .one("instance", instance(header))
}

fn instance(header: &Header<'_>) -> Object {
    let claim = header.claim;
    let kept = Object::sized(2).text("url", KEPT_AS).text("valueString", &claim.blob.to_string());
    let title = [tag::DOCUMENT_TITLE, tag::CONTENT_LABEL].into_iter().map(|tag| header.text(tag));
    Object::sized(5)
        .one("extension", kept)
        .text("uid", claim.sop_instance.as_str())
        .put("sopClass", coding("urn:ietf:rfc:3986", &format!("urn:oid:{}", claim.sop_class), ""))
        // (0020,0013) → number
        .maybe("number", header.number(tag::INSTANCE_NUMBER))
        // (0042,0010), (0070,0080) → title
        .text("title", &title.into_iter().find(|title| !title.is_empty()).unwrap_or_default())
}

fn laterality(header: &Header<'_>) -> Object {
    match header.plain(tag::LATERALITY).as_str() {
        "R" => coding(SIDE, "R", "Right"),
        "L" => coding(SIDE, "L", "Left"),
        "B" => coding(SIDE, "BIL", "Bilateral"),
        "" => Object::new(),
        _ => {
            header.note("unmapped-code", tag::LATERALITY, "neither R nor L nor B: left out");
            Object::new()
        }
    }
}

/// A date of VR DA; `YYYY.MM.DD` is of its first edition.
fn date(header: &Header<'_>, tag: Tag) -> Option<Date> {
    let text = header.plain(tag).replace('.', "");
    let number = |from: usize, to: usize| text.get(from..to).and_then(|digits| digits.parse::<i16>().ok());
    let small = |from: usize, to: usize| number(from, to).and_then(|number| i8::try_from(number).ok());
    let date = (text.len() == 8).then(|| Date::new(number(0, 4)?, small(4, 6)?, small(6, 8)?).ok()).flatten();
    if date.is_none() && !text.is_empty() {
        header.note("bad-date", tag, "what should be a date is none: left out");
    }
    date
}

/// Date and time as `dateTime`; the date alone where the time is not known to the second.
fn moment(header: &Header<'_>, date: Option<Date>, time_tag: Tag, zone: &TimeZone) -> Option<Json> {
    let date = date?;
    let written = time(header, time_tag).and_then(|time| {
        let zone = offset(header).map_or_else(|| zone.clone(), TimeZone::fixed);
        let zoned = date.to_datetime(time).to_zoned(zone).ok()?;
        Some(zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string())
    });
    Some(Json::from(written.unwrap_or_else(|| date.to_string())))
}

/// A time of VR TM, to the second.
fn time(header: &Header<'_>, tag: Tag) -> Option<Time> {
    let text = header.plain(tag).replace(':', "");
    let part = |from: usize| text.get(from..from.saturating_add(2)).and_then(|digits| digits.parse::<i8>().ok());
    let time = Time::new(part(0)?, part(2)?, part(4)?, 0).ok();
    if time.is_none() {
        header.note("bad-date", tag, "what should be a time is none: left out");
    }
    time
}

/// (0008,0201), as `+0800`.
fn offset(header: &Header<'_>) -> Option<Offset> {
    let text = header.plain(tag::TIMEZONE_OFFSET);
    let sign = match text.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let part = |from: usize| text.get(from..from.saturating_add(2)).and_then(|digits| digits.parse::<i32>().ok());
    Offset::from_seconds(sign * (part(1)? * 3600 + part(3)? * 60)).ok()
}
