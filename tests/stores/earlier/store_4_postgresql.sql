CREATE TABLE answers (
    document BIGINT NOT NULL,
    model INTEGER NOT NULL,
    version INTEGER NOT NULL,
    label INTEGER NOT NULL,
    score DOUBLE PRECISION NOT NULL,
    source INTEGER NOT NULL,
    PRIMARY KEY (document, model)
);
CREATE INDEX answers_cell ON answers (source, label, version, document);
CREATE INDEX answers_label ON answers (label, document, model);
CREATE INDEX answers_model ON answers (model, document);
CREATE TABLE cells (
    source INTEGER NOT NULL,
    label INTEGER NOT NULL,
    version INTEGER NOT NULL,
    model INTEGER NOT NULL,
    PRIMARY KEY (source, label, version, model)
);
CREATE INDEX cells_label ON cells (label, model);
CREATE INDEX cells_model ON cells (model);
CREATE INDEX cells_version ON cells (version, label);
CREATE TABLE counts (
    model INTEGER NOT NULL,
    label INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    total BIGINT NOT NULL,
    PRIMARY KEY (model, label, slot)
);
CREATE TABLE cursors (
    name VARCHAR NOT NULL,
    cursor TEXT NOT NULL,
    PRIMARY KEY (name)
);
CREATE TABLE dead_letters (
    burial BIGSERIAL NOT NULL,
    key BIGINT NOT NULL,
    content VARCHAR(32) NOT NULL,
    model VARCHAR NOT NULL,
    id TEXT NOT NULL,
    kind VARCHAR NOT NULL,
    reason TEXT NOT NULL,
    data BYTEA NOT NULL,
    source VARCHAR NOT NULL,
    published_at BIGINT,
    buried_at BIGINT NOT NULL,
    PRIMARY KEY (burial)
);
CREATE UNIQUE INDEX dead_letters_content ON dead_letters (content, model);
CREATE INDEX dead_letters_key ON dead_letters (key);
CREATE INDEX dead_letters_kind ON dead_letters (kind);
CREATE INDEX dead_letters_model ON dead_letters (model, burial);
CREATE INDEX dead_letters_source ON dead_letters (source, burial);
CREATE TABLE documents (
    n BIGSERIAL NOT NULL,
    key BIGINT NOT NULL,
    id TEXT NOT NULL,
    text TEXT NOT NULL,
    source INTEGER NOT NULL,
    created_at TEXT,
    meta TEXT,
    published_at BIGINT,
    stored_at BIGINT NOT NULL,
    PRIMARY KEY (n)
);
CREATE UNIQUE INDEX documents_identity ON documents (key, id);
CREATE INDEX documents_source ON documents (source, n);
CREATE TABLE hours (
    model INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    label INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    total BIGINT NOT NULL,
    PRIMARY KEY (model, hour, label, slot)
);
CREATE TABLE names (
    n SERIAL NOT NULL,
    name VARCHAR NOT NULL,
    PRIMARY KEY (n),
    UNIQUE (name)
);
CREATE TABLE predictions (
    document BIGINT NOT NULL,
    version INTEGER NOT NULL,
    label INTEGER NOT NULL,
    score DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (document, version)
);
CREATE TABLE spans (
    seconds INTEGER NOT NULL,
    start INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    first BIGINT NOT NULL,
    last BIGINT NOT NULL,
    PRIMARY KEY (seconds, start, slot)
);
CREATE TABLE tombstones (
    key BIGINT NOT NULL,
    erased_at BIGINT NOT NULL,
    PRIMARY KEY (key)
);
CREATE TABLE workers (
    name VARCHAR NOT NULL,
    started_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    state VARCHAR NOT NULL,
    models TEXT NOT NULL,
    counts TEXT NOT NULL,
    metrics BYTEA,
    PRIMARY KEY (name)
);
CREATE TABLE about (version integer NOT NULL);
INSERT INTO about VALUES (4);
