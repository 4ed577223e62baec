//! The codes of what can be told, each with its cause and its fix. `docs/errors.md` is written from this table.

use std::fmt;

use crate::exit::Exit;

macro_rules! codes {
    ($($variant:ident $code:literal $exit:ident $title:literal $cause:literal $fix:literal),+ $(,)?) => {
        /// A stable code: it never changes its meaning and is never given again.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum Code {
            $(#[doc = $title] $variant,)+
        }

        impl Code {
            /// All of them.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The code, e.g. `CW0203`.
            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// With what the process ends.
            pub(crate) const fn exit(self) -> Exit {
                match self { $(Self::$variant => Exit::$exit),+ }
            }

            /// What does not work.
            pub(crate) const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),+ }
            }

            /// Why that happens.
            pub(crate) const fn cause(self) -> &'static str {
                match self { $(Self::$variant => $cause),+ }
            }

            /// What to do about it.
            pub(crate) const fn fix(self) -> &'static str {
                match self { $(Self::$variant => $fix),+ }
            }
        }
    };
}

codes! {
    Input "CW0101" Failed "An input file cannot be read" "The file or folder is not there, or may not be read by this user" "check the path and its permissions",
    Argument "CW0102" Usage "An argument has a value that means nothing" "The value is not one of those the option takes" "see the command's `--help`",
    Nothing "CW0103" Failed "Nothing is there by that name or number" "It was never there, or retention has removed it" "list what is there with the command's `list`",
    Confirm "CW0104" Usage "The command changes or gives up data and was not told to go ahead" "It was run without `--yes`" "read the preview, then run it again with `--yes`",
    Output "CW0105" Failed "The output cannot be written" "The disk is full, or the folder may not be written" "make room, or choose another place with `--out`",
    NoMessage "CW0106" Failed "The input holds no HL7 message" "No line begins with MSH and a field separator" "give a file with HL7 v2 messages; several are split at their MSH lines",
    NoConfig "CW0201" Configuration "There is no configuration" "Neither `--config`, `CAUSEWAY_CONFIG`, `./causeway.toml` nor `./causeway-demo/causeway.toml` is there" "run `causeway init` to write one, or `causeway demo` to try the hub",
    ConfigFile "CW0202" Configuration "The configuration file cannot be read" "The file is not there, is not UTF-8, or may not be read by this user" "check the path given with `--config` and its permissions",
    UnknownKey "CW0203" Configuration "A key of the configuration is unknown" "It is mistyped, or stands in another section" "rename the key, then run `causeway check`",
    BadValue "CW0204" Configuration "A value of the configuration means nothing" "The text is no TOML, or the value is of another kind than the key needs" "correct the value, then run `causeway check`; `causeway config schema` tells the kinds",
    Contradiction "CW0205" Configuration "Settings cannot work as they are" "Each is well formed, but two exclude each other, or one names what is not there" "change one of them, or make what it names, then run `causeway check`",
    Environment "CW0206" Configuration "An environment variable sets nothing the configuration has" "`CAUSEWAY__SECTION__KEY` names no key, or its value is of another kind" "correct or unset the variable; `causeway config show --origin` tells which are in force",
    NoEngine "CW0207" Configuration "The engine is not in this program" "This version was built with the embedded engines only" "set `engine = \"embedded\"` for the log and `engine = \"sqlite\"` for the repository",
    Exists "CW0208" Failed "The file is there already" "Nothing is overwritten that someone may have written by hand" "remove it, or choose another folder",
    Certificate "CW0209" Configuration "The certificates cannot be used" "A file is missing, holds something else, or the key is not that of the certificate" "correct the path or the file, then run `causeway check`; for a trial `causeway init` makes certificates",
    FeedTable "CW0210" Configuration "A code table of a feed cannot be taken" "The file is not there, a column is missing, or a row means nothing" "correct the row named; docs/codes.md tells the columns",
    Locked "CW0301" Failed "Another hub has these data open" "Two hubs on one embedded log would break each other's order" "stop the other one, or give this one its own `data_dir`",
    NetworkDisk "CW0302" Configuration "The data folder is on a network file system" "Locks and syncs of NFS, SMB and the like do not hold what the embedded engines need" "put `data_dir` on a local disk",
    DataFolder "CW0303" Failed "The data folder cannot be used" "It cannot be made, or may not be written by this user" "check the permissions of `data_dir`",
    LogDamaged "CW0304" Halted "The log is damaged" "Acknowledged data is missing or changed on disk: a checksum, the sequence, the chain or the high-water mark does not hold" "do not delete anything; run `causeway log verify`, restore from the backup, and ask the senders for what came after it",
    LogSync "CW0305" Halted "The log could not be made durable" "The disk is full or failing, and it is not known what of the last writes is there" "make room or replace the disk, then start the hub again: it recovers from what is durable",
    LogUnavailable "CW0306" Failed "The log cannot be used" "It is closed, busy or not there yet" "run `causeway doctor`",
    LogGone "CW0307" Failed "The log no longer holds the message" "Retention removed it" "ask the sender to send it again; raise `retention.log_age` to keep more",
    Repository "CW0308" Failed "The repository cannot be used" "It is busy, or its file cannot be opened" "try again; if it stays, run `causeway doctor`",
    RepositoryDamaged "CW0309" Halted "The repository is damaged or could not be made durable" "The disk is full or failing, or the file was changed by another program" "restore the backup with `causeway db restore`; the log gives again what came after it",
    RepositoryRefused "CW0310" Failed "The repository refuses it" "The message or feed is not in a state that allows it" "look at it with `causeway message show`",
    Fenced "CW0311" Halted "Another process works on the same partition" "Two hubs share one repository and were given the same partitions" "stop one of the two",
    Blobs "CW0312" Failed "The blob store cannot be used" "It cannot be reached, refuses the bytes, or has no room left" "run `causeway check --online`; make room, or see that the object store answers",
    BlobsSync "CW0313" Halted "A document could not be made durable" "The disk of the blob store is failing" "replace the disk, then start the hub again: what was not finished is done anew",
    BlobDamaged "CW0314" Failed "A document is missing or not what was stored" "The file or object was removed or changed by something else, or the disk is failing" "restore it from the backup of the blob store, or replay its message: the same bytes take its place",
    PortTaken "CW0401" Failed "An address cannot be listened on" "Another program listens there, or the address is not of this machine" "stop the other program, or change `listen`",
    Unreachable "CW0402" Unreachable "A peer cannot be reached" "Nothing listens there, or a firewall is between" "check address and port; `causeway status` tells where the doors are",
    NoAnswer "CW0403" Unreachable "A peer did not answer in time" "It is overloaded, or its answer was lost" "try again; a resend has no second effect",
    HubGone "CW0404" Unreachable "The hub does not answer" "It does not run, or its address is another one" "start it with `causeway serve`, or check `server.listen`",
    NotRegistered "CW0501" Failed "There is no such person or provider" "The number was never given" "search with `causeway person list` or `causeway provider list`",
    Taken "CW0502" Failed "The number belongs to someone else" "A document or a provider's own number belongs to one person only" "compare the two persons with `causeway person show`",
    NotAllowed "CW0503" Refused "The rules do not allow it" "Registration and consent are state machines; this step does not lead on from where the person stands" "see where the person stands with `causeway consent list PERSON`",
    Invalid "CW0504" Failed "The data is not well formed" "A field is missing or is not of the kind it must be" "correct the field named; docs/importing.md tells the forms",
    Internal "CW0901" Failed "The program is at fault" "Something happened that must not happen" "report it with what was printed",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_is_given_once_and_in_order() {
        let codes: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        let unique: BTreeSet<_> = codes.iter().collect();
        assert_eq!(unique.len(), codes.len());
        assert!(codes.is_sorted(), "{codes:?}");
    }

    #[test]
    fn every_code_tells_cause_and_fix() {
        for code in Code::ALL {
            assert!(!code.title().is_empty() && !code.cause().is_empty() && !code.fix().is_empty(), "{code}");
        }
    }
}
