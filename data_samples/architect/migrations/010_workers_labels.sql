-- Workers, and labels for features

CREATE TABLE IF NOT EXISTS workers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    host TEXT,
    status TEXT NOT NULL DEFAULT 'idle'
);

CREATE TABLE IF NOT EXISTS labels (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL COLLATE NOCASE UNIQUE,
    colour TEXT NOT NULL DEFAULT '#888888'
);

CREATE TABLE IF NOT EXISTS feature_labels (
    feature_id INTEGER NOT NULL,
    label_id INTEGER NOT NULL REFERENCES labels (id) ON DELETE CASCADE,
    PRIMARY KEY (feature_id, label_id)
) WITHOUT ROWID;
