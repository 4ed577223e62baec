-- Requests for storage commitment (DICOM PS3.4 annex J), from when they are taken until their report is delivered, and for a
-- while after, so that their Transaction UIDs are known. `instances` is JSON: pairs of SOP class and instance. Not what the log
-- brings, so a rebuild keeps it.
CREATE TABLE commitment (
    id              BLOB    PRIMARY KEY,
    feed            TEXT    NOT NULL,
    caller          TEXT    NOT NULL,
    transaction_uid TEXT    NOT NULL,
    requested_at    INTEGER NOT NULL,
    instances       TEXT    NOT NULL,
    uid_in_use      INTEGER NOT NULL,
    tries           INTEGER NOT NULL,
    next_at         INTEGER NOT NULL,
    settled_at      INTEGER
) WITHOUT ROWID;
CREATE INDEX commitment_by_transaction ON commitment (feed, caller, transaction_uid);
CREATE INDEX commitment_pending ON commitment (next_at, feed) WHERE settled_at IS NULL;
CREATE INDEX commitment_settled ON commitment (settled_at) WHERE settled_at IS NOT NULL;
