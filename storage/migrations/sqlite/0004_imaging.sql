-- Instances that readers find: where each stands, what it is searched by, and its metadata (DICOM JSON, deflated). Written
-- with the study's record. `facts` is JSON; the columns beside it repeat what is searched.
CREATE TABLE imaging_instance (
    partition_id INTEGER NOT NULL,
    log_offset   INTEGER NOT NULL,
    person       INTEGER NOT NULL,
    provider     TEXT    NOT NULL,
    study        TEXT    NOT NULL,
    series       TEXT    NOT NULL,
    instance     TEXT    NOT NULL,
    study_date   TEXT    NOT NULL,
    modality     TEXT    NOT NULL,
    accession    TEXT    NOT NULL,
    patient_id   TEXT    NOT NULL,
    facts        TEXT    NOT NULL,
    metadata     BLOB    NOT NULL
);
CREATE UNIQUE INDEX imaging_instance_by_position ON imaging_instance (partition_id, log_offset);
CREATE INDEX imaging_instance_by_study
    ON imaging_instance (study, series, instance, partition_id, log_offset, person, study_date, modality);
CREATE INDEX imaging_instance_by_accession ON imaging_instance (accession, study, person) WHERE accession <> '';
CREATE INDEX imaging_instance_by_patient ON imaging_instance (patient_id, study, person) WHERE patient_id <> '';

-- What the instances of a study say together, counted anew with each batch that brings some.
CREATE TABLE imaging_study (
    study      TEXT    NOT NULL,
    person     INTEGER NOT NULL,
    date       TEXT    NOT NULL,
    modalities TEXT    NOT NULL,
    series     INTEGER NOT NULL,
    instances  INTEGER NOT NULL,
    PRIMARY KEY (study, person)
) WITHOUT ROWID;
CREATE INDEX imaging_study_by_date ON imaging_study (date DESC, study, person);
CREATE INDEX imaging_study_by_person ON imaging_study (person, date DESC, study);
