-- Reports sent by pointer: tries of a message's pointers, and the documents that came. Not what the log brings, so a
-- rebuild keeps it. The pointer stands as its SHA-256; next_at is the lease of a try that goes on, or the pause after one.
CREATE TABLE document_fetch (
    partition_id INTEGER NOT NULL,
    log_offset   BIGINT  NOT NULL,
    pointer      BYTEA   NOT NULL,
    tries        INTEGER NOT NULL,
    next_at      BIGINT  NOT NULL,
    document     BYTEA,
    PRIMARY KEY (partition_id, log_offset, pointer)
);
CREATE INDEX document_fetch_by_document ON document_fetch (document) WHERE document IS NOT NULL;
