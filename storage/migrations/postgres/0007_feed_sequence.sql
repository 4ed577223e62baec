-- Sequence numbers of feeds (MSH-13): the one last taken, and what came under it, unless that was refused. Not what the log
-- brings, so a rebuild keeps it. And why the latest try to fetch a document failed.
CREATE TABLE feed_sequence (
    feed   TEXT    PRIMARY KEY,
    number BIGINT  NOT NULL,
    digest BYTEA
);
ALTER TABLE document_fetch ADD COLUMN failure TEXT;
