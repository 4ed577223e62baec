-- What operators ruled about the images under a Study, Series or SOP Instance UID: the last row of a UID stands, the others are
-- its history. The log does not hold it. The time is in microseconds.
CREATE TABLE imaging_ruling (
    id      INTEGER PRIMARY KEY,
    uid     TEXT    NOT NULL,
    verdict TEXT    NOT NULL,
    actor   TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    reason  TEXT    NOT NULL
);
CREATE INDEX imaging_ruling_by_uid ON imaging_ruling (uid, id);
CREATE INDEX imaging_instance_by_series ON imaging_instance (series);
