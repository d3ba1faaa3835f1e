-- One row for each write that a caller has asked for, by the id that the caller chose.
CREATE TABLE entry (
    organisation TEXT NOT NULL, -- ODS code
    request      TEXT NOT NULL, -- UUID
    method       TEXT NOT NULL,
    digest       BLOB NOT NULL, -- HMAC of the request's digest
    state        TEXT NOT NULL CHECK (state IN ('RECORDED', 'SENT', 'UNKNOWN', 'SETTLED')),
    recorded_at  INTEGER NOT NULL, -- nanoseconds since 1970, UTC, as are the others
    sent_at      INTEGER NOT NULL DEFAULT 0,
    settled_at   INTEGER NOT NULL DEFAULT 0,
    payload      BLOB, -- sealed; what reconciliation needs, until the write is settled
    answer       BLOB, -- sealed
    failed       INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (organisation, request)
) STRICT;

CREATE INDEX entry_recorded_at ON entry (recorded_at);
CREATE INDEX entry_sent ON entry (state) WHERE state = 'SENT';
