-- Local codes that no table of their feed knew when their messages were accepted, for the operators' list. Bounded a feed.
CREATE TABLE unmapped_code (
    feed      TEXT   NOT NULL,
    domain    TEXT   NOT NULL,
    field     TEXT   NOT NULL,
    system    TEXT   NOT NULL,
    code      TEXT   NOT NULL,
    display   TEXT   NOT NULL,
    count     BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    PRIMARY KEY (feed, domain, field, system, code)
);
