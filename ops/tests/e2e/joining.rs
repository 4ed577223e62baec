//! A report by HL7 and its images by DICOM meet, whichever comes first: by the Study Instance UID and the accession number.

use serde_json::Value;

use super::hub::{Hub, until};
use super::images::{folder, hub, send, slice};

const STUDY: &str = "1.2.840.99999.9";
const PERSON: &str = "document_kind,document_number,family,given,chinese,birth,sex\n\
                      HKID,ZZ000001(8),YEUNG,Siu Kei,楊小琪,1983-01-14,M\n";
const REPORT: &str = "MSH|^~\\&|RIS|QMH|HUB|EHR|20260301093000+0800||ORU^R01^ORU_R01|M1|P|2.5.1|||AL|AL|HKG|UNICODE UTF-8\r\
                      PID|1||ZZ0000018^^^HKSAR^HKID||YEUNG^SIU KEI||19830114|M\r\
                      PV1|1|I|8A^^^QMH\r\
                      OBR|1|P-500|F-500|CTTHX^CT thorax^L|||20260301080000+0800|||||||||||RAD-1||||||20260301090000+0800||CT|F\r\
                      OBX|1|TX|CTTHX&GDT^Findings^L||No nodule.||||||F\r\
                      ZDS|1.2.840.99999.9^^Application^DICOM\r";

fn record(hub: &Hub, domain: &str, kind: &str) -> Option<Value> {
    let listed = hub.run(&["--json", "record", "list", "--person", "1", "--domain", domain, "--reveal"]).lines();
    listed.into_iter().map(|record| record["resource"].clone()).find(|resource| resource["resourceType"] == kind)
}

fn identifiers(value: &Value) -> Vec<String> {
    let all = value.as_array().cloned().unwrap_or_default();
    all.iter().map(|one| format!("{} {}", one["system"], one["value"])).collect()
}

#[test]
fn a_report_and_its_images_are_joined_whichever_comes_first() {
    let mut seen = Vec::new();
    for report_first in [true, false] {
        let (mut hub, port) = hub();
        hub.file("persons.csv", PERSON.as_bytes());
        assert_eq!(hub.run(&["person", "import", "persons.csv", "--join", "2025"]).code, Some(0));
        hub.start();
        let images = folder(&hub, "images", &[("a", slice(STUDY, 1, 1)), ("b", slice(STUDY, 1, 2))]);
        let report = || assert_eq!(hub.send("report.hl7", REPORT).code, Some(0));
        let pictures = || assert_eq!(send(&hub, &images, port, &[]).0, Some(0));
        let stored = |domain: &str, kind: &str| {
            // Of a study, with both of its images.
            let whole = |found: &Value| kind != "ImagingStudy" || found["numberOfInstances"] == 2;
            let found = until(|| record(&hub, domain, kind).filter(whole));
            found.unwrap_or_else(|| panic!("no {kind}: {:?}", hub.run(&["message", "list"])))
        };
        if report_first {
            report();
            stored("RADR", "DiagnosticReport");
            pictures();
        } else {
            pictures();
            stored("RADI", "ImagingStudy");
            report();
        }
        let (report, study) = (stored("RADR", "DiagnosticReport"), stored("RADI", "ImagingStudy"));
        let reference = format!("ImagingStudy/{}", study["id"].as_str().expect("an id"));
        assert_eq!(report["imagingStudy"][0]["reference"], reference.as_str(), "{report}");
        let request = &study["basedOn"][0]["identifier"];
        let accession = format!("{} {}", request["system"], request["value"]);
        assert!(accession.contains("RAD-1") && accession.contains(":accession"), "{study}");
        let carried = [identifiers(&report["identifier"]), identifiers(&report["basedOn"])].concat();
        let based = report["basedOn"].as_array().cloned().unwrap_or_default();
        let based: Vec<String> =
            based.iter().map(|one| format!("{} {}", one["identifier"]["system"], one["identifier"]["value"])).collect();
        assert!([carried, based].concat().contains(&accession), "{report}\n{study}");
        seen.push((report.to_string(), study.to_string()));
        assert_eq!(hub.stop(), Some(0));
    }
    assert_eq!(seen[0], seen[1], "the order leaves no trace");
}
