-- Studies that may still grow: the last message that brought an instance of one and when it was received, in microseconds;
-- and whether a report said that the study is complete.
CREATE TABLE imaging_open (
    study        TEXT COLLATE "C" NOT NULL,
    person       BIGINT NOT NULL,
    provider     TEXT COLLATE "C" NOT NULL,
    partition_id INTEGER NOT NULL,
    log_offset   BIGINT NOT NULL,
    at           BIGINT NOT NULL,
    told         BOOLEAN NOT NULL,
    PRIMARY KEY (study, person, provider)
);
CREATE INDEX imaging_open_by_time ON imaging_open (at);
CREATE INDEX imaging_open_told ON imaging_open (at) WHERE told;
