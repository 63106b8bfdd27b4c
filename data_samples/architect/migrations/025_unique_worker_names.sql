-- A worker's name is unique on its host

CREATE UNIQUE INDEX ux_workers_name ON workers (name, host);
