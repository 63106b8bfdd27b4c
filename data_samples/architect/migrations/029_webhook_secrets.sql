-- Webhooks are signed, and one hook can listen to several events

ALTER TABLE webhooks ADD COLUMN signing_secret TEXT;
ALTER TABLE webhooks RENAME COLUMN event TO event_types;
