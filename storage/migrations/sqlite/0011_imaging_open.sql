-- Studies that may still grow: the last message that brought an instance of one and when it was received, in microseconds;
-- and whether a report said that the study is complete.
CREATE TABLE imaging_open (
    study        TEXT NOT NULL,
    person       INTEGER NOT NULL,
    provider     TEXT NOT NULL,
    partition_id INTEGER NOT NULL,
    log_offset   INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    told         INTEGER NOT NULL,
    PRIMARY KEY (study, person, provider)
) WITHOUT ROWID;
CREATE INDEX imaging_open_by_time ON imaging_open (at);
CREATE INDEX imaging_open_told ON imaging_open (at) WHERE told = 1;
