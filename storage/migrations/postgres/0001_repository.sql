-- The repository and the registry: records with their history, decisions, audit, offsets, persons, providers, consents.
--
-- Runs inside the schema of the settings, which is the first of the search path. Points in time are microseconds since
-- 1970-01-01 UTC. Records and their versions are partitioned by person, and the person is in each of their keys, so that
-- they can be spread over the nodes of a distributed PostgreSQL. The tables of the hot path carry no foreign keys:
-- `causeway db status --check` looks for rows that point nowhere. Texts a sender chose are escaped where they hold a
-- zero character, which PostgreSQL cannot store.

-- The next offset to process of each partition of the log: the fence of every commit. `token` tells whose commit moved
-- it last, for a commit whose answer was lost.
CREATE TABLE partition_offset (
    partition_id INTEGER PRIMARY KEY,
    next         BIGINT NOT NULL,
    token        UUID
) WITH (fillfactor = 50);

CREATE SEQUENCE message_id;
CREATE SEQUENCE version_id;

-- One row a message. `state`: 0 accepted, 1 withheld, 2 held, 3 rejected, 4 discarded. The columns from `state` on are
-- those of the last step; the steps themselves are in message_step as soon as there is more than one. The versions the
-- step wrote are those of the person from `first_version` to `last_version` that bear the message's number.
CREATE TABLE message (
    partition_id  INTEGER  NOT NULL,
    log_offset    BIGINT   NOT NULL,
    id            BIGINT   NOT NULL,
    trace         UUID     NOT NULL,
    feed          TEXT     NOT NULL,
    provider      TEXT     NOT NULL,
    format        TEXT     NOT NULL,
    sender        TEXT     NOT NULL,
    control_id    TEXT     NOT NULL,
    kind          TEXT     NOT NULL,
    received_at   BIGINT   NOT NULL,
    digest        BYTEA    NOT NULL,
    bytes         BIGINT   NOT NULL,
    reused        BOOLEAN  NOT NULL,
    state         SMALLINT NOT NULL,
    reason        TEXT,
    place         TEXT     NOT NULL,
    person        BIGINT,
    settled_at    BIGINT   NOT NULL,
    created       BIGINT   NOT NULL,
    updated       BIGINT   NOT NULL,
    unchanged     BIGINT   NOT NULL,
    late          BIGINT   NOT NULL,
    first_version BIGINT   NOT NULL,
    last_version  BIGINT   NOT NULL,
    decisions     TEXT     NOT NULL,
    notes         BYTEA,
    steps         INTEGER  NOT NULL,
    PRIMARY KEY (partition_id, log_offset)
);
CREATE UNIQUE INDEX message_by_id ON message (id);
CREATE INDEX message_by_control_id ON message (control_id);
CREATE INDEX message_by_trace ON message (trace);
CREATE INDEX message_by_person ON message (person, id) WHERE person IS NOT NULL;
CREATE INDEX message_by_feed ON message (feed, id);
CREATE INDEX message_by_state ON message (state, id) WHERE state <> 0;
CREATE INDEX message_by_reason ON message (reason, id) WHERE reason IS NOT NULL;
CREATE INDEX message_by_provider ON message (provider, id) WHERE reason IS NOT NULL;
CREATE INDEX message_held ON message (reason, feed, received_at) WHERE state = 2;

-- Every step of a message that had more than one. Append-only.
CREATE TABLE message_step (
    message       BIGINT   NOT NULL,
    number        INTEGER  NOT NULL,
    at            BIGINT   NOT NULL,
    state         SMALLINT NOT NULL,
    reason        TEXT,
    actor         TEXT     NOT NULL,
    comment       TEXT     NOT NULL,
    person        BIGINT,
    first_version BIGINT   NOT NULL,
    last_version  BIGINT   NOT NULL,
    PRIMARY KEY (message, number)
);

-- Lists of mapping notes. They hold no values, so one list serves all messages of one shape. Keyed by SHA-256.
CREATE TABLE note_list (
    digest BYTEA PRIMARY KEY,
    notes  TEXT NOT NULL
);

-- Keyed hashes of the identifiers of withheld and held messages, to find them again when their person joins.
CREATE TABLE waiting (
    subject BIGINT NOT NULL,
    message BIGINT NOT NULL,
    PRIMARY KEY (subject, message)
);
CREATE INDEX waiting_by_message ON waiting (message);

-- How many messages of a feed are in a state. Written last in a transaction, behind the lock on the head of the audit.
CREATE TABLE feed_count (
    feed             TEXT     NOT NULL,
    state            SMALLINT NOT NULL,
    count            BIGINT   NOT NULL,
    last_received_at BIGINT,
    PRIMARY KEY (feed, state)
) WITH (fillfactor = 50);

CREATE TABLE paused_feed (
    feed TEXT PRIMARY KEY
);

-- Every version of every record, in order of storing. Append-only. `former` is the version stored before; `rank`, `at`
-- and `log_offset` are the version's clock; `content` is a digest of domain, retraction and resource.
CREATE TABLE record_version (
    person        BIGINT   NOT NULL,
    id            BIGINT   NOT NULL,
    domain        TEXT     NOT NULL,
    record_key    TEXT     NOT NULL,
    number        BIGINT   NOT NULL,
    former        BIGINT,
    retracted     BOOLEAN  NOT NULL,
    rank          SMALLINT NOT NULL,
    at            BIGINT   NOT NULL,
    log_offset    BIGINT   NOT NULL,
    clinical_date TEXT,
    level         SMALLINT NOT NULL,
    message       BIGINT   NOT NULL,
    stored_at     BIGINT   NOT NULL,
    content       BYTEA    NOT NULL,
    resource      TEXT     NOT NULL,
    PRIMARY KEY (person, id)
) PARTITION BY HASH (person);

-- One small row a record: which version is the current one, with what is needed to judge the next one. `place` is made
-- of the record key and grows with the numbers in it.
CREATE TABLE record (
    person     BIGINT   NOT NULL,
    place      BYTEA    NOT NULL,
    domain     TEXT     NOT NULL,
    current    BIGINT   NOT NULL,
    latest     BIGINT   NOT NULL,
    versions   BIGINT   NOT NULL,
    retracted  BOOLEAN  NOT NULL,
    rank       SMALLINT NOT NULL,
    at         BIGINT   NOT NULL,
    log_offset BIGINT   NOT NULL,
    content    BYTEA    NOT NULL,
    PRIMARY KEY (person, place)
) PARTITION BY HASH (person);

DO $$
BEGIN
    FOR part IN 0..7 LOOP
        EXECUTE format('CREATE TABLE record_version_%s PARTITION OF record_version '
                       'FOR VALUES WITH (MODULUS 8, REMAINDER %s)', part, part);
        EXECUTE format('CREATE TABLE record_%s PARTITION OF record '
                       'FOR VALUES WITH (MODULUS 8, REMAINDER %s) WITH (fillfactor = 90)', part, part);
    END LOOP;
END
$$;

-- How many current records of a domain there are that were not taken back. Written as feed_count.
CREATE TABLE record_count (
    domain TEXT PRIMARY KEY,
    count  BIGINT NOT NULL
) WITH (fillfactor = 50);

-- The audit: `hash` is SHA-256 over 0x00, seq, the hash before and `entry`, which is canonical JSON. The other columns
-- repeat what the entry says, for searching. Append-only, and nobody but its owner may do more.
CREATE TABLE audit (
    seq    BIGINT PRIMARY KEY,
    at     BIGINT NOT NULL,
    action TEXT   NOT NULL,
    person BIGINT,
    hash   BYTEA  NOT NULL,
    entry  TEXT   NOT NULL
);
CREATE INDEX audit_by_person ON audit (person, seq) WHERE person IS NOT NULL;
CREATE INDEX audit_by_action ON audit (action, seq) WHERE action <> 'deposit';
CREATE TABLE audit_head (
    one  BOOLEAN PRIMARY KEY CHECK (one),
    seq  BIGINT NOT NULL,
    hash BYTEA  NOT NULL
) WITH (fillfactor = 50);
INSERT INTO audit_head (one, seq, hash) VALUES (TRUE, 0, decode(repeat('00', 32), 'hex'));

-- Persons. `snapshot` is the person with documents, linked numbers and standing, as JSON; `revision` grows with every
-- change of it. The tables after it are the history it is made from. `seal` covers number and snapshot.
CREATE TABLE person (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ehr_number TEXT UNIQUE,
    revision   BIGINT NOT NULL,
    snapshot   TEXT   NOT NULL,
    seal       BYTEA  NOT NULL
) WITH (fillfactor = 80);
CREATE TABLE person_name (
    person BIGINT PRIMARY KEY REFERENCES person (id),
    folded TEXT NOT NULL
);
-- What finds a person for a message: `sort` 0 document, 1 linked number, 2 look-alike key; `key` is a hash.
CREATE TABLE subject (
    key    BIGINT   NOT NULL,
    sort   SMALLINT NOT NULL,
    person BIGINT   NOT NULL REFERENCES person (id),
    PRIMARY KEY (key, sort, person)
);
CREATE INDEX subject_by_person ON subject (person);
-- A document or a linked number is one person's, also when two processes give it away at once.
CREATE UNIQUE INDEX subject_one_owner ON subject (key, sort) WHERE sort < 2;
-- Numbers as people type them, for finding persons: `sort` as above.
CREATE TABLE person_number (
    folded TEXT     NOT NULL,
    sort   SMALLINT NOT NULL,
    person BIGINT   NOT NULL REFERENCES person (id),
    PRIMARY KEY (folded, sort, person)
);

-- Append-only: names, birth date and sex as they were entered and corrected.
CREATE TABLE demographics_history (
    person       BIGINT  NOT NULL REFERENCES person (id),
    number       INTEGER NOT NULL,
    at           BIGINT  NOT NULL,
    actor        TEXT    NOT NULL,
    demographics TEXT    NOT NULL,
    PRIMARY KEY (person, number)
);
-- Append-only: documents added, numbers linked and unlinked. `change`: document, link, unlink.
CREATE TABLE number_history (
    person BIGINT  NOT NULL REFERENCES person (id),
    number INTEGER NOT NULL,
    at     BIGINT  NOT NULL,
    actor  TEXT    NOT NULL,
    change TEXT    NOT NULL,
    value  TEXT    NOT NULL,
    PRIMARY KEY (person, number)
);
-- Append-only: registration and consent.
CREATE TABLE consent_event (
    person   BIGINT NOT NULL REFERENCES person (id),
    seq      BIGINT NOT NULL,
    kind     TEXT   NOT NULL,
    provider TEXT,
    at       TEXT   NOT NULL,
    policy   TEXT   NOT NULL,
    given_by TEXT   NOT NULL,
    channel  TEXT   NOT NULL,
    actor    TEXT   NOT NULL,
    seal     BYTEA  NOT NULL,
    PRIMARY KEY (person, seq)
);

CREATE TABLE provider (
    id       TEXT PRIMARY KEY,
    revision BIGINT NOT NULL,
    snapshot TEXT   NOT NULL,
    seal     BYTEA  NOT NULL
) WITH (fillfactor = 50);
-- Append-only.
CREATE TABLE provider_history (
    provider TEXT   NOT NULL REFERENCES provider (id),
    revision BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    actor    TEXT   NOT NULL,
    snapshot TEXT   NOT NULL,
    PRIMARY KEY (provider, revision)
);

-- Registry changes whose waiting messages are to be taken up: of a person or of a provider. `done` is the last message
-- dealt with, `given` the last one handed out; `beside` are the commits that were under way when the ticket was opened, and
-- may still store messages that were decided without knowing of the change.
CREATE TABLE ticket (
    id       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person   BIGINT REFERENCES person (id),
    provider TEXT,
    done     BIGINT NOT NULL,
    given    BIGINT NOT NULL,
    beside   TEXT[] NOT NULL
);
CREATE INDEX ticket_by_person ON ticket (person);

-- Which process works on which partition of the log, and which processes live. By the clock of the database.
CREATE TABLE partition_lease (
    partition  INTEGER PRIMARY KEY,
    owner      UUID        NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
) WITH (fillfactor = 50);
CREATE TABLE worker (
    owner   UUID PRIMARY KEY,
    seen_at TIMESTAMPTZ NOT NULL
) WITH (fillfactor = 50);
