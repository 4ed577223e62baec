-- Which instances are kept in a blob: asked before one that nothing points to is removed.
CREATE INDEX imaging_instance_by_blob ON imaging_instance (json_extract(facts, '$.blob'));
