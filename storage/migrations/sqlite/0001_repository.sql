-- The repository and the registry: records with their history, decisions, audit, offsets, persons, providers, consents.
--
-- Written so that it can be carried over to PostgreSQL: INTEGER is BIGINT there, BLOB is BYTEA, AUTOINCREMENT is an
-- identity column, and WITHOUT ROWID is left off. Points in time are microseconds since 1970-01-01 UTC. What is large
-- is append-only and keyed by a growing number; what is looked up at random is small and keyed by person first. The tables
-- of the hot path carry no foreign keys: `causeway db status --check` looks for rows that point nowhere.

-- Names of feeds and providers, which are few, as small numbers.
CREATE TABLE word (
    id   INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE
);

-- The next offset to process of each partition of the log: the fence of every commit.
CREATE TABLE partition_offset (
    partition_id INTEGER PRIMARY KEY,
    next         INTEGER NOT NULL
);

-- One row a message. `state`: 0 accepted, 1 withheld, 2 held, 3 rejected, 4 discarded. The columns from `state` on are
-- those of the last step; the steps themselves are in message_step as soon as there is more than one. `seal` covers the
-- whole row, here and in the other tables that have one.
CREATE TABLE message (
    id            INTEGER PRIMARY KEY,
    partition_id  INTEGER NOT NULL,
    log_offset    INTEGER NOT NULL,
    trace         BLOB    NOT NULL,
    feed          INTEGER NOT NULL,
    provider      INTEGER NOT NULL,
    format        TEXT    NOT NULL,
    sender        TEXT    NOT NULL,
    control_id    TEXT    NOT NULL,
    kind          TEXT    NOT NULL,
    received_at   INTEGER NOT NULL,
    digest        BLOB    NOT NULL,
    bytes         INTEGER NOT NULL,
    reused        INTEGER NOT NULL,
    state         INTEGER NOT NULL,
    reason        TEXT,
    place         TEXT    NOT NULL,
    person        INTEGER,
    settled_at    INTEGER NOT NULL,
    created       INTEGER NOT NULL,
    updated       INTEGER NOT NULL,
    unchanged     INTEGER NOT NULL,
    late          INTEGER NOT NULL,
    first_version INTEGER NOT NULL,
    versions      INTEGER NOT NULL,
    decisions     TEXT    NOT NULL,
    notes         INTEGER NOT NULL,
    steps         INTEGER NOT NULL,
    seal          BLOB    NOT NULL,
    UNIQUE (partition_id, log_offset)
);
CREATE INDEX message_by_feed ON message (feed, state);
CREATE INDEX message_by_state ON message (state) WHERE state <> 0;
CREATE INDEX message_by_reason ON message (reason) WHERE reason IS NOT NULL;
CREATE INDEX message_by_provider ON message (provider) WHERE reason IS NOT NULL;
CREATE INDEX message_held ON message (reason, feed, received_at) WHERE state = 2;

-- Every step of a message that had more than one. Append-only.
CREATE TABLE message_step (
    message       INTEGER NOT NULL,
    number        INTEGER NOT NULL,
    at            INTEGER NOT NULL,
    state         INTEGER NOT NULL,
    reason        TEXT,
    actor         TEXT    NOT NULL,
    comment       TEXT    NOT NULL,
    first_version INTEGER NOT NULL,
    versions      INTEGER NOT NULL,
    seal          BLOB    NOT NULL,
    PRIMARY KEY (message, number)
) WITHOUT ROWID;

-- Lists of mapping notes. They hold no values, so one list serves all messages of one shape. Keyed by a hash of it.
CREATE TABLE note_list (
    id    INTEGER PRIMARY KEY,
    notes TEXT NOT NULL
);

-- Keyed hashes of the identifiers of withheld and held messages, to find them again when their person joins.
CREATE TABLE waiting (
    subject INTEGER NOT NULL,
    message INTEGER NOT NULL,
    PRIMARY KEY (subject, message)
) WITHOUT ROWID;
CREATE INDEX waiting_by_message ON waiting (message);

-- How many messages of a feed are in a state.
CREATE TABLE feed_count (
    feed             INTEGER NOT NULL,
    state            INTEGER NOT NULL,
    count            INTEGER NOT NULL,
    last_received_at INTEGER,
    PRIMARY KEY (feed, state)
) WITHOUT ROWID;

CREATE TABLE paused_feed (
    feed TEXT PRIMARY KEY
) WITHOUT ROWID;

-- Every version of every record, in order of storing. Append-only. `former` is the version stored before; `rank`,
-- `at` and `log_offset` are the version's clock.
CREATE TABLE record_version (
    id            INTEGER PRIMARY KEY,
    person        INTEGER NOT NULL,
    domain        TEXT    NOT NULL,
    record_key    TEXT    NOT NULL,
    number        INTEGER NOT NULL,
    former        INTEGER,
    retracted     INTEGER NOT NULL,
    rank          INTEGER NOT NULL,
    at            INTEGER NOT NULL,
    log_offset    INTEGER NOT NULL,
    clinical_date TEXT,
    level         INTEGER NOT NULL,
    message       INTEGER NOT NULL,
    stored_at     INTEGER NOT NULL,
    seal          BLOB    NOT NULL,
    resource      TEXT    NOT NULL
);

-- One small row a record: which version is the current one, with what is needed to judge the next one. `place` is made
-- of the record key and grows with the numbers in it, so that the rows of one order or visit stand next to each other
-- and new ones beside the newest. A person's records are found by the postings.
CREATE TABLE record (
    id         INTEGER PRIMARY KEY,
    person     INTEGER NOT NULL,
    place      BLOB    NOT NULL,
    domain     TEXT    NOT NULL,
    current    INTEGER NOT NULL,
    latest     INTEGER NOT NULL,
    versions   INTEGER NOT NULL,
    retracted  INTEGER NOT NULL,
    rank       INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    log_offset INTEGER NOT NULL,
    content    BLOB    NOT NULL
);
CREATE UNIQUE INDEX record_by_place ON record (place, person);

-- How many current records of a domain there are that were not taken back.
CREATE TABLE record_count (
    domain TEXT PRIMARY KEY,
    count  INTEGER NOT NULL
) WITHOUT ROWID;

-- An index that is filled in sorted portions, so that the hot path does not dirty a page a key: `sort` 1 control id,
-- 2 trace id, 3 person to messages; 4 person, 5 action to audit lines; 6 person to records. Rows newer than the
-- mark of their source are found by reading the few rows after it.
CREATE TABLE posting (
    key    INTEGER NOT NULL,
    sort   INTEGER NOT NULL,
    target INTEGER NOT NULL,
    PRIMARY KEY (key, sort, target)
) WITHOUT ROWID;
CREATE TABLE posting_mark (
    source TEXT PRIMARY KEY,
    upto   INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO posting_mark (source, upto) VALUES ('message', 0), ('audit', 0), ('record', 0);

-- The audit: `hash` is SHA-256 over 0x00, seq, the hash before and `entry`, which is canonical JSON. The other columns
-- repeat what the entry says, for searching. Append-only.
CREATE TABLE audit (
    seq    INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,
    action TEXT    NOT NULL,
    person INTEGER,
    hash   BLOB    NOT NULL,
    entry  TEXT    NOT NULL
);
CREATE TABLE audit_head (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    seq  INTEGER NOT NULL,
    hash BLOB    NOT NULL
);
INSERT INTO audit_head (one, seq, hash) VALUES (1, 0, zeroblob(32));

-- Persons. `snapshot` is the person with documents, linked numbers and standing, as JSON; `revision` grows with every
-- change of it. The tables after it are the history it is made from.
CREATE TABLE person (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    ehr_number TEXT    NOT NULL UNIQUE,
    revision   INTEGER NOT NULL,
    snapshot   TEXT    NOT NULL,
    seal       BLOB    NOT NULL
);
CREATE TABLE person_name (
    person INTEGER PRIMARY KEY REFERENCES person (id),
    folded TEXT NOT NULL
);
-- What finds a person for a message: `sort` 0 document, 1 linked number, 2 look-alike key; `key` is a hash.
CREATE TABLE subject (
    key    INTEGER NOT NULL,
    sort   INTEGER NOT NULL,
    person INTEGER NOT NULL REFERENCES person (id),
    PRIMARY KEY (key, sort, person)
) WITHOUT ROWID;
-- Numbers as people type them, for finding persons: `sort` as above.
CREATE TABLE person_number (
    folded TEXT    NOT NULL,
    sort   INTEGER NOT NULL,
    person INTEGER NOT NULL REFERENCES person (id),
    PRIMARY KEY (folded, sort, person)
) WITHOUT ROWID;

-- Append-only: names, birth date and sex as they were entered and corrected.
CREATE TABLE demographics_history (
    person       INTEGER NOT NULL REFERENCES person (id),
    number       INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    actor        TEXT    NOT NULL,
    demographics TEXT    NOT NULL,
    PRIMARY KEY (person, number)
) WITHOUT ROWID;
-- Append-only: documents added, numbers linked and unlinked. `change`: document, link, unlink.
CREATE TABLE number_history (
    person INTEGER NOT NULL REFERENCES person (id),
    number INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    actor  TEXT    NOT NULL,
    change TEXT    NOT NULL,
    value  TEXT    NOT NULL,
    PRIMARY KEY (person, number)
) WITHOUT ROWID;
-- Append-only: registration and consent.
CREATE TABLE consent_event (
    person   INTEGER NOT NULL REFERENCES person (id),
    seq      INTEGER NOT NULL,
    kind     TEXT    NOT NULL,
    provider TEXT,
    at       TEXT    NOT NULL,
    policy   TEXT    NOT NULL,
    given_by TEXT    NOT NULL,
    channel  TEXT    NOT NULL,
    actor    TEXT    NOT NULL,
    seal     BLOB    NOT NULL,
    PRIMARY KEY (person, seq)
) WITHOUT ROWID;

CREATE TABLE provider (
    id       TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    snapshot TEXT    NOT NULL,
    seal     BLOB    NOT NULL
) WITHOUT ROWID;
-- Append-only.
CREATE TABLE provider_history (
    provider TEXT    NOT NULL REFERENCES provider (id),
    revision INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    actor    TEXT    NOT NULL,
    snapshot TEXT    NOT NULL,
    PRIMARY KEY (provider, revision)
) WITHOUT ROWID;

-- Registry changes whose waiting messages are to be taken up: of a person or of a provider. `done` is the last message
-- dealt with, `given` the last one handed out.
CREATE TABLE ticket (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    person   INTEGER REFERENCES person (id),
    provider INTEGER REFERENCES word (id),
    done     INTEGER NOT NULL,
    given    INTEGER NOT NULL
);
