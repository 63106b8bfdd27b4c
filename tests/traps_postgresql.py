"""Traps of PostgreSQL; see `traps`.

Many are false alarms of other tools: sqlalchemy/alembic#1106, #1165, #1166, #1291, #1479, #428 and prisma/orm#9467, #25477 (defaults,
serials and indexes that come back with every run), pgadmin-org/pgadmin4#7335 and planetscale/migration-scripts#75 (lists of values
after a dump), SweetSophia/noosphere#297 and ariga/atlas#3242 (parentheses of AND), Noveum/orbit#477 (a cast that does count),
pgplex/pgschema#445 (functions in checks), nullptrlabs/pgmodeler#1975 and djrobstep/migra#89 (functions), djrobstep/migra#137 (sequences).
"""

from __future__ import annotations

from traps import Trap

_TRIGGER = "CREATE FUNCTION ${t}_f() RETURNS trigger LANGUAGE plpgsql AS 'begin return new; end'; CREATE TABLE $t (a integer, b text); "
_LONG = "x" * 63

POSTGRESQL = {
    "type synonyms": Trap(
        "CREATE TABLE $t (a int4, b decimal(5, 2), c varchar(3), d float8, e bool, f timestamptz, g char)",
        "CREATE TABLE $t (a integer, b numeric(5,2), c character varying(3), d double precision, e boolean,"
        " f timestamp(6) with time zone, g character(1))",
        "CREATE TABLE $t (a integer, b numeric(5,3), c varchar(3), d float8, e bool, f timestamptz, g char)", "b",
    ),
    "type arguments": Trap(
        "CREATE TABLE $t (a varchar, b numeric, c time)", "CREATE TABLE $t (a character varying, b decimal, c time(6))",
        "CREATE TABLE $t (a varchar(20), b numeric, c time)", "a",
    ),
    "default with a cast": Trap(
        "CREATE TABLE $t (a text DEFAULT 'x', b varchar(9) DEFAULT 'y', c char(1) DEFAULT 'N', d jsonb DEFAULT '{}')",
        "CREATE TABLE $t (a text DEFAULT 'x'::character varying, b varchar(9) DEFAULT ('y'::text), c char(1) DEFAULT 'N'::varchar,"
        " d jsonb DEFAULT '{}'::jsonb)",
        "CREATE TABLE $t (a text DEFAULT 'x', b varchar(9) DEFAULT 'y', c char(1) DEFAULT 'Y', d jsonb DEFAULT '{}')", "c",
    ),
    "default number": Trap(
        "CREATE TABLE $t (a integer DEFAULT -1, b numeric(6,2) DEFAULT 0, c bigint DEFAULT 5)",
        "CREATE TABLE $t (a integer DEFAULT '-1'::integer, b numeric(6,2) DEFAULT 0.00, c bigint DEFAULT '5'::bigint)",
        "CREATE TABLE $t (a integer DEFAULT 1, b numeric(6,2) DEFAULT 0, c bigint DEFAULT 5)", "a",
    ),
    "default text digits": Trap(
        "CREATE TABLE $t (a text DEFAULT '0')", "CREATE TABLE $t (a text DEFAULT '0'::text)", "CREATE TABLE $t (a text DEFAULT '0.0')", "a"
    ),
    "default truth": Trap(
        "CREATE TABLE $t (a boolean DEFAULT false NOT NULL)", "CREATE TABLE $t (a boolean NOT NULL DEFAULT 'f')",
        "CREATE TABLE $t (a boolean DEFAULT true NOT NULL)", "a",
    ),
    "default null": Trap(
        "CREATE TABLE $t (a varchar(9), b timestamp)", "CREATE TABLE $t (a varchar(9) DEFAULT NULL, b timestamp DEFAULT NULL)",
        "CREATE TABLE $t (a varchar(9) DEFAULT 'NULL', b timestamp)", "a",
    ),
    "default of now": Trap(
        "CREATE TABLE $t (a timestamptz DEFAULT now(), b timestamp DEFAULT now(), c date DEFAULT CURRENT_DATE)",
        "CREATE TABLE $t (a timestamptz DEFAULT CURRENT_TIMESTAMP, b timestamp DEFAULT (now())::timestamp, c date DEFAULT now())",
        "CREATE TABLE $t (a timestamptz DEFAULT clock_timestamp(), b timestamp DEFAULT now(), c date DEFAULT CURRENT_DATE)", "a",
    ),
    "default of now with precision": Trap(
        "CREATE TABLE $t (a timestamp(3) DEFAULT CURRENT_TIMESTAMP)", "CREATE TABLE $t (a timestamp(3) DEFAULT LOCALTIMESTAMP(3))",
        "CREATE TABLE $t (a timestamp(3) DEFAULT LOCALTIMESTAMP(0))", "a",
    ),
    "default of now in a zone": Trap(
        "CREATE TABLE $t (a timestamp DEFAULT timezone('utc', now()))",
        "CREATE TABLE $t (a timestamp DEFAULT (CURRENT_TIMESTAMP AT TIME ZONE 'utc'))", "CREATE TABLE $t (a timestamp DEFAULT now())", "a",
    ),
    "default of a computed time": Trap(
        "CREATE TABLE $t (a timestamptz DEFAULT date_trunc('month', now()) + interval '1 day')",
        "CREATE TABLE $t (a timestamptz DEFAULT (date_trunc('month'::text, CURRENT_TIMESTAMP) + '1 day'::interval))",
        "CREATE TABLE $t (a timestamptz DEFAULT date_trunc('month', now()) + interval '2 days')", "a",
    ),
    "default of a setting": Trap(
        "CREATE TABLE $t (a text DEFAULT current_setting('app.tenant'))",
        "CREATE TABLE $t (a text DEFAULT current_setting('app.tenant'::text)::text)",
        "CREATE TABLE $t (a text DEFAULT current_setting('app.tenant', true))", "a",
    ),
    "default array": Trap(
        "CREATE TABLE $t (a text[] DEFAULT '{}', b integer[] DEFAULT '{1,2}')",
        "CREATE TABLE $t (a text[] DEFAULT ARRAY[]::text[], b integer[] DEFAULT ARRAY[1, 2])",
        "CREATE TABLE $t (a text[] DEFAULT '{}', b integer[] DEFAULT '{2,1}')", "b",
    ),
    "default enum": Trap(
        "CREATE TYPE ${t}_e AS ENUM ('a', 'b'); CREATE TABLE $t (a ${t}_e DEFAULT 'a')",
        "CREATE TYPE ${t}_e AS ENUM ('a', 'b'); CREATE TABLE $t (a public.${t}_e DEFAULT ('a'::text)::${t}_e)",
        "CREATE TYPE ${t}_e AS ENUM ('a', 'b'); CREATE TABLE $t (a ${t}_e DEFAULT 'b')", "a",
    ),
    "serial and identity": Trap(
        "CREATE TABLE $t (id serial PRIMARY KEY)", "CREATE TABLE $t (id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY)",
        "CREATE TABLE $t (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY)", "id",
    ),
    "serial by hand": Trap(
        "CREATE TABLE $t (id serial)",
        "CREATE SEQUENCE ${t}_own AS integer; CREATE TABLE $t (id integer NOT NULL DEFAULT nextval('public.${t}_own'::regclass));"
        " ALTER SEQUENCE ${t}_own OWNED BY $t.id",
        "CREATE SEQUENCE ${t}_own AS integer; CREATE TABLE $t (id integer NOT NULL DEFAULT nextval('${t}_own'))", "id",
    ),
    "serial made wider": Trap(
        "CREATE TABLE $t (id bigserial)", "CREATE TABLE $t (id serial); ALTER TABLE $t ALTER id TYPE bigint",
        "CREATE TABLE $t (id serial)", "id"
    ),
    "serial in another schema": Trap(
        "CREATE SCHEMA ${t}_s; CREATE TABLE ${t}_s.one (id serial)",
        "CREATE SCHEMA ${t}_s; CREATE SEQUENCE ${t}_s.q; CREATE TABLE ${t}_s.one (id integer NOT NULL DEFAULT nextval('${t}_s.q'));"
        " ALTER SEQUENCE ${t}_s.q OWNED BY ${t}_s.one.id",
        "CREATE SCHEMA ${t}_s; CREATE TABLE ${t}_s.one (id integer NOT NULL)", "id",
    ),
    "owner of a sequence": Trap(
        "CREATE SEQUENCE ${t}_s; CREATE TABLE $t (a integer)",
        "CREATE SEQUENCE ${t}_s START WITH 1 INCREMENT BY 1 NO MINVALUE NO MAXVALUE CACHE 1; CREATE TABLE $t (a integer)",
        "CREATE TABLE $t (a integer); CREATE SEQUENCE ${t}_s OWNED BY $t.a", "owner_of_a_sequence_s",
    ),
    "counters": Trap(
        "CREATE SEQUENCE ${t}_s; CREATE TABLE $t (id serial)",
        "CREATE SEQUENCE ${t}_s; SELECT setval('${t}_s', 99); CREATE TABLE $t (id serial); INSERT INTO $t VALUES (DEFAULT), (DEFAULT);"
        " DELETE FROM $t; ANALYZE $t",
        "CREATE SEQUENCE ${t}_s INCREMENT 5; CREATE TABLE $t (id serial)", "counters_s",
    ),
    "key and its index": Trap(
        "CREATE TABLE $t (a integer PRIMARY KEY, b integer UNIQUE)",
        "CREATE TABLE $t (a integer NOT NULL, b integer); CREATE UNIQUE INDEX ${t}_1 ON $t (a); CREATE UNIQUE INDEX ${t}_2 ON $t (b);"
        " ALTER TABLE $t ADD CONSTRAINT ${t}_pk PRIMARY KEY USING INDEX ${t}_1, ADD UNIQUE USING INDEX ${t}_2",
        "CREATE TABLE $t (a integer PRIMARY KEY, b integer); CREATE UNIQUE INDEX ${t}_2 ON $t (b)", "key_and_its_index_2",
    ),
    "naming conventions": Trap(
        "CREATE TABLE ${t}_p (a integer PRIMARY KEY); CREATE TABLE $t (a integer UNIQUE CHECK (a > 0) REFERENCES ${t}_p)",
        "CREATE TABLE ${t}_p (a integer, CONSTRAINT pk_$t PRIMARY KEY (a)); CREATE TABLE $t (a integer, CONSTRAINT uq_$t UNIQUE (a),"
        " CONSTRAINT ck_$t CHECK ((a > 0)), CONSTRAINT fk_$t FOREIGN KEY (a) REFERENCES ${t}_p (a) MATCH SIMPLE ON DELETE NO ACTION)",
        "CREATE TABLE ${t}_p (a integer PRIMARY KEY); CREATE TABLE $t (a integer UNIQUE CHECK (a > 0) REFERENCES ${t}_p ON DELETE CASCADE)",
        "naming_conventions_a_fkey",
    ),
    "index named anew": Trap(
        "CREATE TABLE $t (a text); CREATE INDEX ${t}_i ON $t (a)", "CREATE TABLE $t (a text); CREATE INDEX ix_${t}_a ON $t (a)",
        "CREATE TABLE $t (a text); CREATE UNIQUE INDEX ix_${t}_a ON $t (a)", "ix_index_named_anew_a",
    ),
    "long identifiers": Trap(
        f"CREATE TABLE $t ({_LONG}tail integer)", f"CREATE TABLE $t ({_LONG}another integer)",
        f"CREATE TABLE $t ({_LONG[:-1]} integer)", _LONG[:-1],
    ),
    "not null under a name": Trap(
        "CREATE TABLE $t (a integer NOT NULL, b integer)",
        "CREATE TABLE ${t}_old (a integer CONSTRAINT ${t}_nn NOT NULL, b integer); ALTER TABLE ${t}_old RENAME TO $t",
        "CREATE TABLE $t (a integer NOT NULL, b integer NOT NULL)", "b",
    ),
    "collations": Trap(
        'CREATE TABLE $t (a text, b text COLLATE "C")', 'CREATE TABLE $t (a text COLLATE "default", b text COLLATE pg_catalog."C")',
        'CREATE TABLE $t (a text COLLATE "POSIX", b text COLLATE "C")', "a",
    ),
    "list in a check": Trap(
        "CREATE TABLE $t (a varchar(9), b integer, CHECK (a IN ('x', 'y')), CHECK (b BETWEEN 1 AND 5 AND a <> ''))",
        "CREATE TABLE $t (a varchar(9), b integer, CHECK ((a)::text = ANY (ARRAY[('x'::character varying)::text, ('y'::varchar)::text])),"
        " CHECK ((b >= 1) AND (b <= 5) AND ((a)::text <> ''::text)))",
        "CREATE TABLE $t (a varchar(9), b integer, CHECK (a IN ('x', 'Y')), CHECK (b BETWEEN 1 AND 5 AND a <> ''))",
        "list_in_a_check_a_check",
    ),
    "parentheses in a check": Trap(
        "CREATE TABLE $t (a integer, CHECK (a > 1 AND (a < 9 AND a <> 5)))",
        "CREATE TABLE $t (a integer, CHECK (((a > 1) AND (a < 9)) AND a != 5))",
        "CREATE TABLE $t (a integer, CHECK (a > 1 AND (a < 9 OR a <> 5)))", "parentheses_in_a_check_a_check",
    ),
    "cast that counts": Trap(
        "CREATE TABLE $t (a text, CHECK (a::integer > 1))", "CREATE TABLE $t (a text, CHECK ((CAST((a) AS int4)) > 1))",
        "CREATE TABLE $t (a text, CHECK (a::numeric > 1))", "cast_that_counts_a_check",
    ),
    "function in a check": Trap(
        "CREATE FUNCTION ${t}_f(x integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'select x > 0'; CREATE TABLE $t (a integer,"
        " CHECK (${t}_f(a)))",
        "CREATE FUNCTION ${t}_f(x integer) RETURNS bool IMMUTABLE LANGUAGE sql AS $$$$select x > 0$$$$;"
        " CREATE TABLE $t (a integer, CHECK (public.${t}_f(a)))",
        "CREATE FUNCTION ${t}_f(x integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'select x > 0';"
        " CREATE TABLE $t (a integer, CHECK (${t}_f(a + 1)))", "function_in_a_check_a_check",
    ),
    "generated column": Trap(
        "CREATE TABLE $t (a text, b text GENERATED ALWAYS AS (lower(a) || 'x') STORED)",
        "CREATE TABLE $t (a text, b text GENERATED ALWAYS AS ((LOWER(a) || 'x'::text)) STORED)",
        "CREATE TABLE $t (a text, b text GENERATED ALWAYS AS (lower(a) || 'y') STORED)", "b",
    ),
    "expression index": Trap(
        "CREATE TABLE $t (a text, j jsonb); CREATE INDEX ${t}_i ON $t (lower(a)); CREATE INDEX ${t}_j ON $t ((j->>'k'))",
        'CREATE TABLE $t (a text, j jsonb); CREATE INDEX ${t}_i ON $t USING btree (lower(a) COLLATE "default" text_ops ASC NULLS LAST);'
        " CREATE INDEX ${t}_j ON $t (((j ->> 'k'::text)))",
        "CREATE TABLE $t (a text, j jsonb); CREATE INDEX ${t}_i ON $t (lower(a)); CREATE INDEX ${t}_j ON $t ((j->'k'))",
        "expression_index_j",
    ),
    "partial index": Trap(
        "CREATE TABLE $t (a varchar(9), b boolean); CREATE INDEX ${t}_i ON $t (a) WHERE a IN ('x', 'y') AND b IS NOT NULL",
        "CREATE TABLE $t (a varchar(9), b boolean); CREATE INDEX ${t}_i ON $t (a) WHERE ((a)::text = ANY (ARRAY[('x'::varchar)::text,"
        " ('y'::varchar)::text])) AND (b NOTNULL)",
        "CREATE TABLE $t (a varchar(9), b boolean); CREATE INDEX ${t}_i ON $t (a) WHERE a IN ('x', 'y') OR b IS NOT NULL",
        "partial_index_i",
    ),
    "operator class": Trap(
        "CREATE TABLE $t (a varchar(9), j jsonb); CREATE INDEX ${t}_i ON $t (a); CREATE INDEX ${t}_j ON $t USING gin (j)",
        "CREATE TABLE $t (a varchar(9), j jsonb); CREATE INDEX ${t}_i ON $t (a varchar_ops);"
        " CREATE INDEX ${t}_j ON $t USING gin (j jsonb_ops)",
        "CREATE TABLE $t (a varchar(9), j jsonb); CREATE INDEX ${t}_i ON $t (a varchar_pattern_ops); CREATE INDEX ${t}_j ON $t USING"
        " gin (j)",
        "operator_class_i",
    ),
    "included columns": Trap(
        "CREATE TABLE $t (a integer, b integer, c integer); CREATE INDEX ${t}_i ON $t (a) INCLUDE (b, c)",
        "CREATE TABLE $t (a integer, b integer, c integer); CREATE INDEX ${t}_i ON $t (a) INCLUDE (c, b) WITH (fillfactor = 90)",
        "CREATE TABLE $t (a integer, b integer, c integer); CREATE INDEX ${t}_i ON $t (a, b) INCLUDE (c)", "included_columns_i",
    ),
    "invalid index": Trap(
        "CREATE TABLE $t (a integer); CREATE INDEX ${t}_i ON $t (a)",
        "CREATE TABLE $t (a integer); CREATE INDEX ${t}_i ON $t (a); REINDEX INDEX ${t}_i; CLUSTER $t USING ${t}_i",
        "CREATE TABLE $t (a integer); CREATE INDEX ${t}_i ON $t (a);"
        " UPDATE pg_index SET indisvalid = false WHERE indexrelid = '${t}_i'::regclass", "invalid_index_i",
    ),
    "validated later": Trap(
        "CREATE TABLE $t (a integer, CHECK (a > 0))",
        "CREATE TABLE $t (a integer); ALTER TABLE $t ADD CONSTRAINT ${t}_c CHECK (a > 0) NOT VALID; ALTER TABLE $t VALIDATE"
        " CONSTRAINT ${t}_c",
        "CREATE TABLE $t (a integer); ALTER TABLE $t ADD CHECK (a > 0) NOT VALID", "validated_later_a_check",
    ),
    "order of columns": Trap(
        "CREATE TABLE $t (a integer, b text)", "CREATE TABLE $t (x integer, b text, a integer); ALTER TABLE $t DROP x",
        "CREATE TABLE $t (b integer, a text)", "a",
    ),
    "order of enum values": Trap(
        "CREATE TYPE $t AS ENUM ('a', 'b', 'c')", "CREATE TYPE $t AS ENUM ('a', 'c'); ALTER TYPE $t ADD VALUE 'b' BEFORE 'c'",
        "CREATE TYPE $t AS ENUM ('a', 'c', 'b')", "order_of_enum_values",
    ),
    "enum in another schema": Trap(
        "CREATE SCHEMA ${t}_s; CREATE TYPE ${t}_s.kind AS ENUM ('a'); CREATE TABLE $t (a ${t}_s.kind DEFAULT 'a')",
        "CREATE SCHEMA ${t}_s; CREATE TYPE ${t}_s.kind AS ENUM ('a'); CREATE TABLE $t (a \"${t}_s\".kind DEFAULT 'a'::${t}_s.kind)",
        "CREATE SCHEMA ${t}_s; CREATE TYPE ${t}_s.kind AS ENUM ('a'); CREATE TYPE ${t}_kind AS ENUM ('a');"
        " CREATE TABLE $t (a ${t}_kind DEFAULT 'a')", "a",
    ),
    "partition attached": Trap(
        "CREATE TABLE $t (a integer NOT NULL, b integer, PRIMARY KEY (a)) PARTITION BY LIST (a);"
        " CREATE TABLE ${t}_1 PARTITION OF $t FOR VALUES IN (1, 2); CREATE INDEX ${t}_i ON $t (b)",
        "CREATE TABLE $t (a integer NOT NULL, b integer, PRIMARY KEY (a)) PARTITION BY LIST (a);"
        " CREATE TABLE ${t}_1 (a integer NOT NULL, b integer, PRIMARY KEY (a)); CREATE INDEX ${t}_1i ON ${t}_1 (b);"
        " ALTER TABLE $t ATTACH PARTITION ${t}_1 FOR VALUES IN (2, 1); CREATE INDEX ${t}_i ON ONLY $t (b);"
        " ALTER INDEX ${t}_i ATTACH PARTITION ${t}_1i",
        "CREATE TABLE $t (a integer NOT NULL, b integer, PRIMARY KEY (a)) PARTITION BY LIST (a);"
        " CREATE TABLE ${t}_1 PARTITION OF $t FOR VALUES IN (1); CREATE INDEX ${t}_i ON $t (b)", "partition_attached_1",
    ),
    "inherited table": Trap(
        "CREATE TABLE ${t}_p (a integer DEFAULT 1, CONSTRAINT ${t}_c CHECK (a > 0)); CREATE TABLE $t (b integer) INHERITS (${t}_p)",
        "CREATE TABLE ${t}_p (a integer DEFAULT 1, CONSTRAINT ${t}_c CHECK (a > 0)); CREATE TABLE $t (LIKE ${t}_p INCLUDING ALL, b"
        " integer);"
        " ALTER TABLE $t INHERIT ${t}_p",
        "CREATE TABLE ${t}_p (a integer DEFAULT 1, CONSTRAINT ${t}_c CHECK (a > 0));"
        " CREATE TABLE $t (a integer DEFAULT 2, b integer) INHERITS (${t}_p)", "a",
    ),
    "unlogged": Trap(
        "CREATE TABLE $t (a integer)", "CREATE UNLOGGED TABLE $t (a integer); ALTER TABLE $t SET LOGGED",
        "CREATE UNLOGGED TABLE $t (a integer)",
        "unlogged",
    ),
    "reprinted view": Trap(
        "CREATE TABLE $t (a integer, b varchar(9)); CREATE VIEW ${t}_v AS SELECT a, now() AS at FROM $t WHERE b IN ('x', 'y')",
        "CREATE TABLE $t (a integer, b varchar(9)); CREATE VIEW ${t}_v AS SELECT $t.a, CURRENT_TIMESTAMP AS at FROM public.$t AS $t"
        " WHERE (($t.b)::text = ANY (ARRAY[('x'::character varying)::text, ('y'::character varying)::text]))",
        "CREATE TABLE $t (a integer, b varchar(9)); CREATE VIEW ${t}_v AS SELECT a, now() AS at FROM $t WHERE b IN ('x', 'z')",
        "reprinted_view_v",
    ),
    "options of a view": Trap(
        "CREATE TABLE $t (a integer); CREATE VIEW ${t}_v WITH (security_barrier) AS SELECT a FROM $t",
        "CREATE TABLE $t (a integer); CREATE VIEW ${t}_v WITH (security_barrier = on) AS SELECT a FROM $t",
        "CREATE TABLE $t (a integer); CREATE VIEW ${t}_v WITH (security_barrier = off) AS SELECT a FROM $t", "options_of_a_view_v",
    ),
    "reprinted function": Trap(
        "CREATE FUNCTION $t(a integer DEFAULT NULL) RETURNS integer LANGUAGE plpgsql AS $$$$begin\n  return 1;\nend$$$$",
        "CREATE OR REPLACE FUNCTION public.$t(IN a int4 = NULL::integer) RETURNS int4 AS $$body$$begin\r\n  return 1;  \r\nend$$body$$"
        " LANGUAGE 'plpgsql' VOLATILE COST 100",
        "CREATE FUNCTION $t(a integer DEFAULT NULL) RETURNS integer LANGUAGE plpgsql AS $$$$begin\n  return 2;\nend$$$$",
        "reprinted_function(a integer)",
    ),
    "reprinted trigger": Trap(
        _TRIGGER + "CREATE TRIGGER ${t}_g BEFORE UPDATE OF a, b ON $t FOR EACH ROW WHEN (new.a > 1) EXECUTE FUNCTION ${t}_f()",
        _TRIGGER + "CREATE TRIGGER ${t}_g BEFORE UPDATE OF b, a ON public.$t FOR ROW WHEN ((NEW.a > 1)) EXECUTE PROCEDURE public.${t}_f()",
        _TRIGGER + "CREATE TRIGGER ${t}_g BEFORE UPDATE OF a, b ON $t FOR EACH ROW WHEN (new.a > 2) EXECUTE FUNCTION ${t}_f()",
        "reprinted_trigger_g",
    ),
    "row security off": Trap(
        "CREATE TABLE $t (a integer)", "CREATE TABLE $t (a integer); ALTER TABLE $t ENABLE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;"
        " ALTER TABLE $t ALTER a SET STATISTICS 50, SET (fillfactor = 70); COMMENT ON TABLE $t IS 'x'; GRANT SELECT ON $t TO PUBLIC",
        "CREATE TABLE $t (a integer); ALTER TABLE $t ENABLE ROW LEVEL SECURITY", "row_security_off",
    ),
    "owned by an extension": Trap(
        "CREATE TABLE $t (a integer)",
        "CREATE TABLE $t (a integer); CREATE TABLE ${t}_m (a integer); ALTER EXTENSION plpgsql ADD TABLE ${t}_m",
        "CREATE TABLE $t (a integer); CREATE TABLE ${t}_m (a integer)", "owned_by_an_extension_m",
    ),
    "domain": Trap(
        "CREATE DOMAIN $t AS varchar(9) DEFAULT 'a' CHECK (VALUE IN ('a', 'b'))",
        "CREATE DOMAIN $t AS character varying(9) DEFAULT 'a'::character varying CONSTRAINT ${t}_c CHECK (((VALUE)::text ="
        " ANY (ARRAY[('a'::varchar)::text, ('b'::varchar)::text])))",
        "CREATE DOMAIN $t AS varchar(9) DEFAULT 'a' CHECK (VALUE IN ('a', 'c'))", "domain",
    ),
}  # fmt: skip
