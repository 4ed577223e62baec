-- Numbers of messages and versions are given by the block: a value of a sequence is the last of 64 numbers. A program of the
-- version before, which goes on while this is done, takes each value for one number, which is in no other block.
ALTER SEQUENCE message_id MINVALUE 0 INCREMENT BY 64;
ALTER SEQUENCE version_id MINVALUE 0 INCREMENT BY 64;
-- The first block of a sequence that has given nothing yet begins at 1.
SELECT setval('message_id', 0) FROM message_id WHERE NOT is_called;
SELECT setval('version_id', 0) FROM version_id WHERE NOT is_called;
