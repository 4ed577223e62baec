-- The roles a production installation keeps apart. An administrator runs this once, and again after each upgrade, as the
-- owner of the schema (or a superuser); put the name of your schema for "causeway":
--
--   psql --set=ON_ERROR_STOP=1 --file=roles.sql "$URL"
--
-- The owner is the role that migrates: it alone may change the schema. Make login roles of your own and grant each the one
-- it needs, as in `CREATE ROLE hub LOGIN PASSWORD '…' IN ROLE causeway_ingest`. `causeway db migrate` runs as the owner.

-- causeway_ingest: what `causeway serve` needs to write. It adds to the audit and to the histories and never changes them.
-- causeway_read: reads everything but writes nothing, for reports. What it reads leaves no audit line: give it to few.
-- causeway_audit: reads the audit only, for the auditor.
DO $$
DECLARE
    wanted TEXT;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['causeway_ingest', 'causeway_read', 'causeway_audit'] LOOP
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        END IF;
    END LOOP;
END
$$;

GRANT USAGE ON SCHEMA "causeway" TO causeway_ingest, causeway_read, causeway_audit;
GRANT SELECT ON ALL TABLES IN SCHEMA "causeway" TO causeway_ingest, causeway_read;
GRANT SELECT ON "causeway".audit, "causeway".audit_head TO causeway_audit;

GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA "causeway" TO causeway_ingest;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA "causeway" TO causeway_read;

-- Append-only.
GRANT INSERT ON
    "causeway".audit, "causeway".record_version, "causeway".message_step, "causeway".note_list,
    "causeway".document, "causeway".demographics_history, "causeway".number_history, "causeway".consent_event, "causeway".provider_history,
    "causeway".imaging_ruling
    TO causeway_ingest;

-- Changed by what comes.
GRANT INSERT, UPDATE ON
    "causeway".partition_offset, "causeway".message, "causeway".feed_count, "causeway".record, "causeway".record_count,
    "causeway".person, "causeway".person_name, "causeway".provider, "causeway".unmapped_code, "causeway".document_fetch
    TO causeway_ingest;
GRANT UPDATE ON "causeway".audit_head TO causeway_ingest;

-- Notes that are done with.
GRANT INSERT, UPDATE, DELETE ON
    "causeway".waiting, "causeway".paused_feed, "causeway".subject, "causeway".person_number, "causeway".ticket,
    "causeway".partition_lease, "causeway".worker, "causeway".imaging_instance, "causeway".imaging_study,
    "causeway".imaging_mark, "causeway".imaging_open, "causeway".feed_sequence, "causeway".commitment
    TO causeway_ingest;
