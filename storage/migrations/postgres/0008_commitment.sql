-- Requests for storage commitment (DICOM PS3.4 annex J), from when they are taken until their report is delivered, and for a
-- while after, so that their Transaction UIDs are known. `instances` is JSON: pairs of SOP class and instance. Not what the log
-- brings, so a rebuild keeps it.
CREATE TABLE commitment (
    id              BYTEA   PRIMARY KEY,
    feed            TEXT    COLLATE "C" NOT NULL,
    caller          TEXT    COLLATE "C" NOT NULL,
    transaction_uid TEXT    COLLATE "C" NOT NULL,
    requested_at    BIGINT  NOT NULL,
    instances       TEXT    COLLATE "C" NOT NULL,
    uid_in_use      BOOLEAN NOT NULL,
    tries           INTEGER NOT NULL,
    next_at         BIGINT  NOT NULL,
    settled_at      BIGINT
);
CREATE INDEX commitment_by_transaction ON commitment (feed, caller, transaction_uid);
CREATE INDEX commitment_pending ON commitment (next_at, feed) WHERE settled_at IS NULL;
CREATE INDEX commitment_settled ON commitment (settled_at) WHERE settled_at IS NOT NULL;
