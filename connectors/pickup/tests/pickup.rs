//! Files through a real folder.

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read;
    use std::os::unix::fs::symlink;
    use std::path::{Path, PathBuf};
    use std::time::{Duration, Instant};

    use causeway_pickup::{End, Picked, Pickup, PickupSettings, Taken, Unfit};
    use tempfile::TempDir;

    struct Bench {
        folder: TempDir,
        pickup: Pickup,
        start: Instant,
    }

    fn settings(folder: &Path) -> PickupSettings {
        PickupSettings { still_for: Duration::from_secs(10), ..PickupSettings::new(folder.to_owned()) }
    }

    /// The folder again, once the former owner is gone: a program that another test starts at this moment holds a copy of
    /// the lock until it runs.
    fn opened_again(folder: &TempDir) -> Pickup {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            if let Some(pickup) = Pickup::open(&settings(folder.path())).expect("can be asked") {
                return pickup;
            }
            assert!(Instant::now() < deadline, "the folder is free again");
            std::thread::yield_now();
        }
    }

    impl Bench {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let pickup = Pickup::open(&settings(folder.path())).expect("opens").expect("nobody else");
            Self { folder, pickup, start: Instant::now() }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        fn put(&self, name: &str, text: &str) {
            fs::write(self.path(name), text).expect("written");
        }

        fn next(&mut self, seconds: u64) -> Option<Picked> {
            self.pickup.next(self.start + Duration::from_secs(seconds)).expect("the folder can be read")
        }

        fn taken(&mut self, seconds: u64) -> Taken {
            match self.next(seconds) {
                Some(Picked::File(taken)) => taken,
                other => panic!("{other:?}"),
            }
        }

        fn unfit(&mut self, seconds: u64) -> Unfit {
            match self.next(seconds) {
                Some(Picked::Unfit(cause)) => cause,
                other => panic!("{other:?}"),
            }
        }

        fn read(&self, name: &str) -> String {
            fs::read_to_string(self.path(name)).expect(name)
        }
    }

    fn text(taken: &Taken) -> String {
        let mut text = String::new();
        taken.reader().expect("readable").read_to_string(&mut text).expect("text");
        text
    }

    #[test]
    fn a_file_is_taken_when_it_is_still_and_stands_in_done_with_its_report() {
        let mut bench = Bench::new();
        bench.put("a.hl7", "half");
        assert!(bench.next(0).is_none());
        bench.put("a.hl7", "half and half");
        assert!(bench.next(10).is_none(), "it grew meanwhile");
        assert!(bench.next(19).is_none());
        let taken = bench.taken(20);
        assert_eq!((taken.name.as_str(), text(&taken).as_str(), taken.bytes), ("a.hl7", "half and half", 13));
        assert!(taken.is_unchanged());
        let mut report = bench.pickup.report(&taken, ".ack").expect("a report");
        report.write(b"all well").expect("written");
        assert!(!bench.path("done/a.hl7.ack").exists(), "nobody sees a report half written");
        bench.pickup.finish(&taken, End::Done, Some(report)).expect("moved");
        assert_eq!(
            (bench.read("done/a.hl7"), bench.read("done/a.hl7.ack")),
            ("half and half".into(), "all well".into())
        );
        assert_eq!(fs::read_dir(bench.path("work")).expect("there").count(), 0);
        assert!(bench.next(40).is_none());
    }

    #[test]
    fn a_name_that_comes_again_overwrites_nothing() {
        let mut bench = Bench::new();
        for (round, body) in ["first", "second"].into_iter().enumerate() {
            bench.put("a.hl7", body);
            let seconds = 100 * u64::try_from(round).expect("small");
            assert!(bench.next(seconds).is_none());
            let taken = bench.taken(seconds + 10);
            let mut report = bench.pickup.report(&taken, ".ack").expect("a report");
            report.write(body.as_bytes()).expect("written");
            bench.pickup.finish(&taken, End::Done, Some(report)).expect("moved");
        }
        assert_eq!((bench.read("done/a.hl7"), bench.read("done/a.hl7.2")), ("first".into(), "second".into()));
        assert_eq!((bench.read("done/a.hl7.ack"), bench.read("done/a.hl7.2.ack")), ("first".into(), "second".into()));
    }

    #[test]
    fn unfinished_names_are_left_alone_until_they_are_renamed() {
        let mut bench = Bench::new();
        bench.put("a.hl7.part", "x");
        bench.put(".b.hl7", "x");
        assert!(bench.next(0).is_none());
        assert!(bench.next(100).is_none());
        assert!(bench.path("a.hl7.part").exists() && bench.path(".b.hl7").exists());
        fs::rename(bench.path("a.hl7.part"), bench.path("a.hl7")).expect("renamed");
        assert!(bench.next(101).is_none());
        assert_eq!(bench.taken(111).name, "a.hl7");
    }

    #[test]
    fn a_sender_that_renames_waits_for_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let at_once = PickupSettings { still_for: Duration::ZERO, ..settings(folder.path()) };
        let mut pickup = Pickup::open(&at_once).expect("opens").expect("nobody else");
        fs::write(folder.path().join("a.tmp"), "x").expect("written");
        assert!(pickup.next(Instant::now()).expect("readable").is_none());
        fs::rename(folder.path().join("a.tmp"), folder.path().join("a")).expect("renamed");
        assert!(matches!(pickup.next(Instant::now()), Ok(Some(Picked::File(taken))) if taken.name == "a"));
    }

    #[test]
    fn links_pipes_and_wild_names_are_put_aside_with_the_reason_and_nothing_outside_is_read() {
        let mut bench = Bench::new();
        let outside = tempfile::NamedTempFile::new().expect("a file");
        fs::write(outside.path(), "secret").expect("written");
        symlink(outside.path(), bench.path("link.hl7")).expect("linked");
        assert_eq!(bench.unfit(0), Unfit::NoFile);
        assert!(bench.read("failed/link.hl7.reason").starts_with("NO_FILE: "));
        assert!(fs::symlink_metadata(bench.path("failed/link.hl7")).expect("there").is_symlink());
        assert_eq!(fs::read_to_string(outside.path()).expect("there"), "secret", "the link was moved, not the file");

        bench.put("two\nlines", "x");
        assert_eq!(bench.unfit(1), Unfit::Name);
        assert!(bench.read("failed/two_lines.reason").starts_with("NAME: "));

        let pipe = std::process::Command::new("mkfifo").arg(bench.path("pipe.hl7")).status().expect("mkfifo runs");
        assert!(pipe.success());
        assert_eq!(bench.unfit(2), Unfit::NoFile);

        bench.put("report.ack", "x");
        assert_eq!(bench.unfit(3), Unfit::ReportName);

        bench.put("one.hl7", "x");
        fs::hard_link(bench.path("one.hl7"), bench.path("failed/other")).expect("linked");
        assert!(bench.next(4).is_none());
        assert_eq!(bench.unfit(14), Unfit::HardLink);
        assert!(bench.next(40).is_none(), "nothing is left to tell");
    }

    #[test]
    fn what_a_stopped_process_left_is_read_again_first() {
        let mut bench = Bench::new();
        bench.put("a.hl7", "x");
        assert!(bench.next(0).is_none());
        let taken = bench.taken(10);
        let mut report = bench.pickup.report(&taken, ".ack").expect("a report");
        report.write(b"half").expect("written");
        drop((taken, report));
        let Bench { folder, pickup, start } = bench;
        drop(pickup);
        fs::write(folder.path().join("0.hl7"), "younger").expect("written");
        let pickup = opened_again(&folder);
        let mut bench = Bench { folder, pickup, start };
        assert_eq!(bench.taken(0).name, "a.hl7");
        assert!(!bench.path("work/.a.hl7.ack").exists(), "the half report is forgotten");
        assert!(bench.next(1).is_none());
        assert_eq!(bench.taken(11).name, "0.hl7");
    }

    #[test]
    fn one_process_watches_a_folder() {
        let bench = Bench::new();
        assert!(Pickup::open(&settings(bench.folder.path())).expect("can be asked").is_none());
        let Bench { folder, pickup, .. } = bench;
        drop(pickup);
        opened_again(&folder);
    }

    #[test]
    fn a_file_written_after_it_was_taken_is_known_to_have_changed() {
        let mut bench = Bench::new();
        bench.put("a.hl7", "x");
        assert!(bench.next(0).is_none());
        let taken = bench.taken(10);
        fs::write(bench.path("work/a.hl7"), "more").expect("written");
        assert!(!taken.is_unchanged());
    }

    #[test]
    fn a_missing_folder_is_told_of() {
        let missing = settings(Path::new("/nowhere/at/all"));
        assert!(Pickup::open(&missing).is_err());
        assert_eq!(missing.faults_on_disk().len(), 1);
    }
}
