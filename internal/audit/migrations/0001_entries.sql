-- One row for each entry. seq has no gaps. "bytes" is the entry itself; the other columns repeat what it is found by.
CREATE TABLE entry (
    seq          INTEGER PRIMARY KEY,
    at           INTEGER NOT NULL, -- nanoseconds since 1970, UTC
    kind         TEXT NOT NULL,
    call         TEXT NOT NULL,    -- empty for SYSTEM
    organisation TEXT NOT NULL,    -- the caller's ODS code, or empty
    person       BLOB,             -- HMAC of the user's id and its system
    patient      BLOB,             -- HMAC of the NHS number
    bytes        BLOB NOT NULL
) STRICT;

CREATE INDEX entry_at ON entry (at);
CREATE INDEX entry_call ON entry (call);
CREATE INDEX entry_organisation ON entry (organisation) WHERE organisation <> '';
CREATE INDEX entry_person ON entry (person) WHERE person IS NOT NULL;
CREATE INDEX entry_patient ON entry (patient) WHERE patient IS NOT NULL;

-- Every other id by which a call can be found: its trace id and the ids that were sent to the Spine.
CREATE TABLE alias (
    id   TEXT NOT NULL,
    call TEXT NOT NULL,
    PRIMARY KEY (id, call)
) STRICT, WITHOUT ROWID;

-- Calls with an ATTEMPT and no OUTCOME, so that recovery need not read the whole trail.
CREATE TABLE unended (
    call TEXT PRIMARY KEY,
    seq  INTEGER NOT NULL -- of the ATTEMPT
) STRICT, WITHOUT ROWID;
