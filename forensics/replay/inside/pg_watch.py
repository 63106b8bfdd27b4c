"""What every scratch database has before anything else: event triggers that note which objects a step touches.

The identifiers stand in a setting of the session, which is rolled back with what was touched. ``*`` means everything.
"""

from __future__ import annotations

SETTING = "forensics.touched"

# Which catalogues must be looked at: most steps touch nothing but relations.
_KIND = """CASE classid::pg_catalog.regclass::text WHEN 'pg_type' THEN 't' WHEN 'pg_proc' THEN 'p'
    WHEN 'pg_namespace' THEN 'n' WHEN 'pg_extension' THEN 'n' ELSE '' END"""

# Where what was dropped belonged to a table that is still there (a constraint, a default, a trigger), that is noted too.
INSTALL = f"""
CREATE FUNCTION pg_catalog.forensics_note(note text) RETURNS void LANGUAGE sql AS $$
  SELECT pg_catalog.set_config('{SETTING}',
    coalesce(pg_catalog.current_setting('{SETTING}', true), '') || note, false) $$;
CREATE FUNCTION pg_catalog.forensics_ended() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_catalog.forensics_note(coalesce((SELECT pg_catalog.string_agg(CASE
    WHEN command_tag IN ('ALTER SCHEMA', 'ALTER EXTENSION', 'ALTER TYPE', 'ALTER DOMAIN', 'ALTER FUNCTION')
    THEN '*' ELSE objid::text || ' ' || {_KIND} END || ' ', '') FROM pg_catalog.pg_event_trigger_ddl_commands()), ''));
END $$;
CREATE FUNCTION pg_catalog.forensics_dropped() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_catalog.forensics_note(coalesce((SELECT pg_catalog.string_agg(
    objid::text || ' ' || {_KIND} || ' ' || CASE WHEN pg_catalog.cardinality(address_names) > 2 THEN coalesce(pg_catalog.to_regclass(
      pg_catalog.quote_ident(address_names[1]) || '.' || pg_catalog.quote_ident(address_names[2]))::oid::text, '') || ' '
    ELSE '' END, '') FROM pg_catalog.pg_event_trigger_dropped_objects() WHERE NOT is_temporary), ''));
END $$;
CREATE EVENT TRIGGER forensics_ended ON ddl_command_end EXECUTE FUNCTION pg_catalog.forensics_ended();
CREATE EVENT TRIGGER forensics_dropped ON sql_drop EXECUTE FUNCTION pg_catalog.forensics_dropped();
"""


class Touched:
    """What a note says: ``oids`` are the objects, ``kinds`` the letters of their catalogues; ``whole`` means all."""

    def __init__(self, text: str, whole: bool = False) -> None:
        words = set(text.split())
        self.whole = whole or "*" in words
        self.oids = sorted(int(word) for word in words if word.isdigit())
        self.kinds = {word for word in words if word.isalpha()}

    def __bool__(self) -> bool:
        return self.whole or bool(self.oids)
