CREATE TABLE answers (
    document INTEGER NOT NULL,
    model INTEGER NOT NULL,
    version INTEGER NOT NULL,
    label INTEGER NOT NULL,
    score DOUBLE NOT NULL,
    source INTEGER NOT NULL,
    PRIMARY KEY (document, model)
)
 WITHOUT ROWID;
CREATE INDEX answers_cell ON answers (source, label, version, document);
CREATE INDEX answers_label ON answers (label, document, model);
CREATE INDEX answers_model ON answers (model, document);
CREATE TABLE cells (
    source INTEGER NOT NULL,
    label INTEGER NOT NULL,
    version INTEGER NOT NULL,
    model INTEGER NOT NULL,
    PRIMARY KEY (source, label, version, model)
)
 WITHOUT ROWID;
CREATE INDEX cells_label ON cells (label, model);
CREATE INDEX cells_model ON cells (model);
CREATE INDEX cells_version ON cells (version, label);
CREATE TABLE counts (
    model INTEGER NOT NULL,
    label INTEGER NOT NULL,
    total INTEGER NOT NULL,
    PRIMARY KEY (model, label)
)
 WITHOUT ROWID;
CREATE TABLE cursors (
    name VARCHAR NOT NULL,
    cursor TEXT NOT NULL,
    PRIMARY KEY (name)
);
CREATE TABLE dead_letters (
    burial INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "key" INTEGER NOT NULL,
    content VARCHAR(32) NOT NULL,
    model VARCHAR NOT NULL,
    id TEXT NOT NULL,
    kind VARCHAR NOT NULL,
    reason TEXT NOT NULL,
    data BLOB NOT NULL,
    source VARCHAR NOT NULL,
    published_at INTEGER,
    buried_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX dead_letters_content ON dead_letters (content, model);
CREATE INDEX dead_letters_key ON dead_letters ("key");
CREATE INDEX dead_letters_kind ON dead_letters (kind);
CREATE INDEX dead_letters_model ON dead_letters (model, burial);
CREATE INDEX dead_letters_source ON dead_letters (source, burial);
CREATE TABLE documents (
    n INTEGER NOT NULL,
    "key" INTEGER NOT NULL,
    id TEXT NOT NULL,
    text TEXT NOT NULL,
    source INTEGER NOT NULL,
    created_at TEXT,
    meta TEXT,
    published_at INTEGER,
    stored_at INTEGER NOT NULL,
    PRIMARY KEY (n)
);
CREATE INDEX documents_key ON documents ("key");
CREATE INDEX documents_source ON documents (source, n);
CREATE TABLE hours (
    model INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    label INTEGER NOT NULL,
    total INTEGER NOT NULL,
    PRIMARY KEY (model, hour, label)
)
 WITHOUT ROWID;
CREATE TABLE names (
    n INTEGER NOT NULL,
    name VARCHAR NOT NULL,
    PRIMARY KEY (n),
    UNIQUE (name)
);
CREATE TABLE predictions (
    document INTEGER NOT NULL,
    version INTEGER NOT NULL,
    label INTEGER NOT NULL,
    score DOUBLE NOT NULL,
    PRIMARY KEY (document, version)
)
 WITHOUT ROWID;
CREATE TABLE spans (
    seconds INTEGER NOT NULL,
    start INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (seconds, start)
)
 WITHOUT ROWID;
CREATE TABLE tombstones (
    "key" INTEGER NOT NULL,
    erased_at INTEGER NOT NULL,
    PRIMARY KEY ("key")
);
CREATE TABLE workers (
    name VARCHAR NOT NULL,
    started_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    state VARCHAR NOT NULL,
    models TEXT NOT NULL,
    counts TEXT NOT NULL,
    metrics BLOB,
    PRIMARY KEY (name)
);
PRAGMA application_id=1212437075;
PRAGMA user_version=4;
