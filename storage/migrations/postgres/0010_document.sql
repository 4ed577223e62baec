-- What record versions point to in the blob store: a row for each person and document, added with the first version that
-- does and never removed. And messages that may be too large for the log, by the digest of their bytes (LARGE_MESSAGE_BYTES).
CREATE TABLE document (
    digest BYTEA  NOT NULL,
    person BIGINT NOT NULL,
    PRIMARY KEY (digest, person)
);
INSERT INTO document (digest, person)
    SELECT DISTINCT decode(found[1], 'hex'), person
      FROM record_version, regexp_matches(resource, 'Binary/([0-9a-f]{64})', 'g') AS found;
CREATE INDEX message_large ON message (digest) WHERE bytes > 262144;
