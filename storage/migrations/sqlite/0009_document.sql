-- What record versions point to in the blob store: a row for each person and document, added with the first version that
-- does and never removed. And messages that may be too large for the log, by the digest of their bytes (LARGE_MESSAGE_BYTES).
CREATE TABLE document (
    digest BLOB    NOT NULL,
    person INTEGER NOT NULL,
    PRIMARY KEY (digest, person)
) WITHOUT ROWID;
WITH RECURSIVE found (person, rest) AS (
    SELECT person, substr(resource, instr(resource, 'Binary/') + 7) FROM record_version WHERE instr(resource, 'Binary/') > 0
    UNION ALL
    SELECT person, substr(rest, instr(rest, 'Binary/') + 7) FROM found WHERE instr(rest, 'Binary/') > 0
)
INSERT OR IGNORE INTO document (digest, person)
    SELECT unhex(substr(rest, 1, 64)), person FROM found WHERE length(unhex(substr(rest, 1, 64))) = 32;
CREATE INDEX message_large ON message (digest) WHERE bytes > 262144;
