-- Instances that readers find: where each stands, what it is searched by, and its metadata (DICOM JSON, deflated). Written
-- with the study's record. `facts` is JSON; the columns beside it repeat what is searched.
CREATE TABLE imaging_instance (
    partition_id INTEGER NOT NULL,
    log_offset   BIGINT  NOT NULL,
    person       BIGINT  NOT NULL,
    provider     TEXT    COLLATE "C" NOT NULL,
    study        TEXT    COLLATE "C" NOT NULL,
    series       TEXT    COLLATE "C" NOT NULL,
    instance     TEXT    COLLATE "C" NOT NULL,
    study_date   TEXT    COLLATE "C" NOT NULL,
    modality     TEXT    COLLATE "C" NOT NULL,
    accession    TEXT    COLLATE "C" NOT NULL,
    patient_id   TEXT    COLLATE "C" NOT NULL,
    facts        TEXT    COLLATE "C" NOT NULL,
    metadata     BYTEA   NOT NULL
);
CREATE UNIQUE INDEX imaging_instance_by_position ON imaging_instance (partition_id, log_offset);
CREATE INDEX imaging_instance_by_study
    ON imaging_instance (study, series, instance, partition_id, log_offset, person, study_date, modality);
CREATE INDEX imaging_instance_by_accession ON imaging_instance (accession, study, person) WHERE accession <> '';
CREATE INDEX imaging_instance_by_patient ON imaging_instance (patient_id, study, person) WHERE patient_id <> '';

-- What the instances of a study say together, counted anew with each batch that brings some.
CREATE TABLE imaging_study (
    study      TEXT    COLLATE "C" NOT NULL,
    person     BIGINT  NOT NULL,
    date       TEXT    COLLATE "C" NOT NULL,
    modalities TEXT    COLLATE "C" NOT NULL,
    series     BIGINT  NOT NULL,
    instances  BIGINT  NOT NULL,
    PRIMARY KEY (study, person)
);
CREATE INDEX imaging_study_by_date ON imaging_study (date DESC, study, person);
CREATE INDEX imaging_study_by_person ON imaging_study (person, date DESC, study);
