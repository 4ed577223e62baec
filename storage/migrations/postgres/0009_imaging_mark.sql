-- What instances of a study do to each other: those that readers do not find, and those that contradict others with their
-- SOP Instance UID. Most instances are not here. `part` is the study's resource with the one instance alone (JSON, deflated);
-- it is missing in what was stored before.
CREATE TABLE imaging_mark (
    partition_id INTEGER NOT NULL,
    log_offset   BIGINT  NOT NULL,
    person       BIGINT  NOT NULL,
    study        TEXT    COLLATE "C" NOT NULL,
    instance     TEXT    COLLATE "C" NOT NULL,
    hidden       TEXT    COLLATE "C" NOT NULL,
    conflict     TEXT    COLLATE "C" NOT NULL,
    PRIMARY KEY (partition_id, log_offset)
);
CREATE INDEX imaging_mark_hidden ON imaging_mark (study, person) WHERE hidden <> '';
CREATE INDEX imaging_mark_conflict ON imaging_mark (instance, partition_id, log_offset) WHERE conflict <> '';
ALTER TABLE imaging_instance ADD COLUMN part BYTEA;
CREATE INDEX imaging_instance_by_uid ON imaging_instance (instance);
