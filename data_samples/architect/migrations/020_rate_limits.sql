-- Rate limits of the API

CREATE TABLE IF NOT EXISTS rate_limits (
    client TEXT NOT NULL,
    window_start TIMESTAMP NOT NULL,
    hits INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (client, window_start)
);
