-- Which instances are kept in a blob: asked before one that nothing points to is removed. Reading JSON is not immutable here,
-- as an index needs it; `facts` is written without spaces, and nothing before the address can look like it.
CREATE INDEX imaging_instance_by_blob ON imaging_instance (substring(facts FROM '"blob":"([0-9a-f]{64})"'));
