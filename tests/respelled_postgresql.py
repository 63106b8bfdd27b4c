"""Random tables of PostgreSQL out of features, each in several equal spellings and in several that are something else.

``{t}`` is the table, which has the columns ``a integer``, ``b text``, ``c varchar(9)``, ``at timestamptz``, ``j jsonb``, ``n boolean``.
"""

from __future__ import annotations

import random
from typing import NamedTuple


class Feature(NamedTuple):
    """Statements of one meaning, and statements of others, all run after the table was made."""

    same: tuple[str, ...]
    other: tuple[str, ...]


COLUMNS = (
    ("a integer", "a int4", "a INT"),
    ("b text", 'b text COLLATE "default"', '"b" text'),
    ("c varchar(9)", "c character varying(9)"),
    ("at timestamptz", "at timestamp(6) with time zone"),
    ("j jsonb", "j jsonb DEFAULT NULL"),
    ("n boolean", "n bool"),
)
_FUNCTION = "CREATE FUNCTION {t}_f() RETURNS trigger LANGUAGE plpgsql AS 'begin return new; end'; "
_PARENT = "CREATE TABLE {t}_p (x integer PRIMARY KEY, y integer UNIQUE); "

FEATURES = {
    "list": Feature(
        (
            "ALTER TABLE {t} ADD CHECK (c IN ('x', 'y'))",
            "ALTER TABLE {t} ADD CONSTRAINT {t}_k CHECK (c = ANY (ARRAY['x', 'y']))",
            "ALTER TABLE {t} ADD CHECK ((c)::text = ANY (ARRAY[('x'::character varying)::text, ('y'::character varying)::text]))",
            "ALTER TABLE {t} ADD CHECK (((c)::text = ANY ((ARRAY['x'::varchar, 'y'::varchar])::text[])))",
        ),
        (
            "ALTER TABLE {t} ADD CHECK (c NOT IN ('x', 'y'))",
            "ALTER TABLE {t} ADD CHECK (c IN ('x', 'y', 'z'))",
            "SELECT 1",
        ),
    ),
    "no list": Feature(
        ("ALTER TABLE {t} ADD CHECK (a NOT IN (1, 2))", "ALTER TABLE {t} ADD CHECK (a <> ALL (ARRAY[1, 2]))"),
        ("ALTER TABLE {t} ADD CHECK (a <> ANY (ARRAY[1, 2]))",),
    ),
    "conditions": Feature(
        (
            "ALTER TABLE {t} ADD CHECK (a BETWEEN 1 AND 5 AND b <> '' AND n)",
            "ALTER TABLE {t} ADD CHECK (a >= 1 AND (a <= 5 AND (b != '' AND n)))",
            "ALTER TABLE {t} ADD CHECK ((a >= 1) AND (a <= 5) AND (b <> ''::text) AND (n))",
        ),
        (
            "ALTER TABLE {t} ADD CHECK (a >= 1 AND (a <= 5 OR (b != '' AND n)))",
            "ALTER TABLE {t} ADD CHECK (a > 1 AND a <= 5 AND b <> '' AND n)",
        ),
    ),
    "alternatives": Feature(
        (
            "ALTER TABLE {t} ADD CHECK (a = 1 OR b LIKE 'x%' OR n IS NULL)",
            "ALTER TABLE {t} ADD CHECK (a = 1 OR (b ~~ 'x%' OR n ISNULL))",
        ),
        (
            "ALTER TABLE {t} ADD CHECK (a = 1 OR (b LIKE 'x%' AND n IS NULL))",
            "ALTER TABLE {t} ADD CHECK (a = 1 OR b LIKE 'X%' OR n IS NULL)",
        ),
    ),
    "trimmed": Feature(
        (
            "ALTER TABLE {t} ADD CHECK (trim(b) <> '')",
            "ALTER TABLE {t} ADD CHECK (btrim(b) <> ''::text)",
            "ALTER TABLE {t} ADD CHECK (TRIM(BOTH FROM b) <> '')",
        ),
        (
            "ALTER TABLE {t} ADD CHECK (trim(LEADING FROM b) <> '')",
            "ALTER TABLE {t} ADD CHECK (trim(BOTH 'x' FROM b) <> '')",
        ),
    ),
    "unique": Feature(
        (
            "ALTER TABLE {t} ADD UNIQUE (a, b)",
            "ALTER TABLE {t} ADD CONSTRAINT {t}_u UNIQUE (a, b) NOT DEFERRABLE",
            "CREATE UNIQUE INDEX {t}_u ON {t} (a, b); ALTER TABLE {t} ADD UNIQUE USING INDEX {t}_u",
        ),
        (
            "ALTER TABLE {t} ADD UNIQUE (b, a)",
            "CREATE UNIQUE INDEX {t}_u ON {t} (a, b)",
            "ALTER TABLE {t} ADD UNIQUE NULLS NOT DISTINCT (a, b)",
        ),
    ),
    "key": Feature(
        (
            "ALTER TABLE {t} ADD PRIMARY KEY (a)",
            "ALTER TABLE {t} ALTER a SET NOT NULL, ADD CONSTRAINT {t}_pk PRIMARY KEY (a)",
        ),
        ("ALTER TABLE {t} ADD PRIMARY KEY (a, b)", "ALTER TABLE {t} ALTER a SET NOT NULL"),
    ),
    "reference": Feature(
        (
            _PARENT + "ALTER TABLE {t} ADD FOREIGN KEY (a) REFERENCES {t}_p",
            _PARENT
            + "ALTER TABLE {t} ADD CONSTRAINT {t}_r FOREIGN KEY (a) REFERENCES public.{t}_p (x) MATCH SIMPLE ON UPDATE NO ACTION"
            " NOT VALID;"
            " ALTER TABLE {t} VALIDATE CONSTRAINT {t}_r",
        ),
        (
            _PARENT + "ALTER TABLE {t} ADD FOREIGN KEY (a) REFERENCES {t}_p (y)",
            _PARENT + "ALTER TABLE {t} ADD FOREIGN KEY (a) REFERENCES {t}_p NOT VALID",
            _PARENT + "ALTER TABLE {t} ADD FOREIGN KEY (a) REFERENCES {t}_p ON DELETE SET NULL",
            _PARENT,
        ),
    ),
    "index": Feature(
        (
            "CREATE INDEX {t}_i ON {t} (a, c DESC)",
            'CREATE INDEX {t}_i ON {t} USING btree (a int4_ops ASC, c COLLATE "default" varchar_ops DESC NULLS FIRST)',
            "CREATE INDEX {t}_x ON {t} (a, c DESC); ALTER INDEX {t}_x RENAME TO {t}_i",
            "CREATE INDEX {t}_other ON {t} (a, c DESC)",
        ),
        (
            "CREATE INDEX {t}_i ON {t} (a, c)",
            "CREATE INDEX {t}_i ON {t} (c DESC, a)",
            "CREATE INDEX {t}_i ON {t} (a, c text_pattern_ops DESC)",
            'CREATE INDEX {t}_i ON {t} (a, c COLLATE "C" DESC)',
        ),
    ),
    "expression": Feature(
        (
            "CREATE INDEX {t}_e ON {t} (lower(b), (j->>'k')) WHERE c IN ('x', 'y') AND n",
            "CREATE INDEX {t}_e ON {t} (lower(b) text_ops, ((j ->> 'k'::text))) WHERE ((c)::text = ANY (ARRAY[('x'::varchar)::text,"
            " ('y'::varchar)::text])) AND (n)",
        ),
        (
            "CREATE INDEX {t}_e ON {t} (lower(b), (j->'k')) WHERE c IN ('x', 'y') AND n",
            "CREATE INDEX {t}_e ON {t} (lower(b), (j->>'k')) WHERE c IN ('x', 'y')",
            "CREATE INDEX {t}_e ON {t} (lower(b) varchar_pattern_ops, (j->>'k')) WHERE c IN ('x', 'y') AND n",
        ),
    ),
    "inverted": Feature(
        (
            "CREATE INDEX {t}_g ON {t} USING gin (j)",
            "CREATE INDEX {t}_g ON {t} USING GIN (j jsonb_ops) WITH (fastupdate = off)",
        ),
        ("CREATE INDEX {t}_g ON {t} USING gin (j jsonb_path_ops)",),
    ),
    "serial": Feature(
        (
            "ALTER TABLE {t} ADD id serial",
            "ALTER TABLE {t} ADD id integer GENERATED BY DEFAULT AS IDENTITY",
            "CREATE SEQUENCE {t}_s; ALTER TABLE {t} ADD id int NOT NULL DEFAULT nextval('{t}_s'); ALTER SEQUENCE {t}_s OWNED BY {t}.id",
        ),
        (
            "ALTER TABLE {t} ADD id bigserial",
            "ALTER TABLE {t} ADD id integer GENERATED ALWAYS AS IDENTITY",
            "CREATE SEQUENCE {t}_s; ALTER TABLE {t} ADD id int NOT NULL DEFAULT nextval('{t}_s')",
        ),
    ),
    "generated": Feature(
        (
            "ALTER TABLE {t} ADD g integer GENERATED ALWAYS AS (a * 2 + 1) STORED",
            "ALTER TABLE {t} ADD g int GENERATED ALWAYS AS (((a * 2) + 1)) STORED",
        ),
        (
            "ALTER TABLE {t} ADD g integer GENERATED ALWAYS AS (a * (2 + 1)) STORED",
            "ALTER TABLE {t} ADD g integer DEFAULT 1",
        ),
    ),
    "default of text": Feature(
        (
            "ALTER TABLE {t} ALTER b SET DEFAULT 'it''s'",
            "ALTER TABLE {t} ALTER b SET DEFAULT E'it\\'s'::varchar",
            "ALTER TABLE {t} ALTER b SET DEFAULT ('it''s'::text)",
        ),
        ("ALTER TABLE {t} ALTER b SET DEFAULT 'its'", "ALTER TABLE {t} ALTER b SET DEFAULT upper('it''s')"),
    ),
    "default of a time": Feature(
        (
            "ALTER TABLE {t} ALTER at SET DEFAULT now() - interval '1 day'",
            "ALTER TABLE {t} ALTER at SET DEFAULT (CURRENT_TIMESTAMP - '1 day'::interval)",
            "ALTER TABLE {t} ALTER at SET DEFAULT transaction_timestamp() - CAST('1 day' AS interval)",
        ),
        (
            "ALTER TABLE {t} ALTER at SET DEFAULT statement_timestamp() - interval '1 day'",
            "ALTER TABLE {t} ALTER at SET DEFAULT now() - interval '2 days'",
        ),
    ),
    "default of a number": Feature(
        (
            "ALTER TABLE {t} ALTER a SET DEFAULT -1",
            "ALTER TABLE {t} ALTER a SET DEFAULT '-1'",
            "ALTER TABLE {t} ALTER a SET DEFAULT (-1)::integer",
        ),
        ("ALTER TABLE {t} ALTER a SET DEFAULT 1", "ALTER TABLE {t} ALTER a SET DEFAULT 1 - 1"),
    ),
    "array": Feature(
        (
            "ALTER TABLE {t} ADD r text[] DEFAULT '{{x,y}}'",
            "ALTER TABLE {t} ADD r text[] DEFAULT ARRAY['x', 'y']",
            "ALTER TABLE {t} ADD r text ARRAY DEFAULT ARRAY['x'::text, 'y']",
        ),
        ("ALTER TABLE {t} ADD r text[] DEFAULT ARRAY['y', 'x']", "ALTER TABLE {t} ADD r varchar[] DEFAULT '{{x,y}}'"),
    ),
    "enum": Feature(
        (
            "CREATE TYPE kinds.{t}_e AS ENUM ('a', 'b'); ALTER TABLE {t} ADD k kinds.{t}_e DEFAULT 'a'",
            "CREATE TYPE kinds.{t}_e AS ENUM ('b'); ALTER TYPE kinds.{t}_e ADD VALUE 'a' BEFORE 'b'; ALTER TABLE {t} ADD k kinds.{t}_e;"
            " COMMIT; ALTER TABLE {t} ALTER k SET DEFAULT 'a'::text::kinds.{t}_e",
        ),
        (
            "CREATE TYPE kinds.{t}_e AS ENUM ('b', 'a'); ALTER TABLE {t} ADD k kinds.{t}_e DEFAULT 'a'",
            "CREATE TYPE {t}_e AS ENUM ('a', 'b'); ALTER TABLE {t} ADD k {t}_e DEFAULT 'a'",
        ),
    ),
    "view": Feature(
        (
            "CREATE VIEW {t}_v AS SELECT a, c FROM {t} WHERE c IN ('x', 'y') AND (a > 1 AND n)",
            "CREATE VIEW {t}_v (a, c) AS SELECT {t}.a, {t}.c FROM public.{t} AS {t} WHERE (({t}.c)::text = ANY (ARRAY[('x'::varchar)::text,"
            " ('y'::varchar)::text])) AND {t}.a > 1 AND {t}.n",
        ),
        (
            "CREATE VIEW {t}_v AS SELECT a, c FROM {t} WHERE c IN ('x', 'y') AND (a > 1 OR n)",
            "CREATE VIEW {t}_v AS SELECT a, c FROM {t} WHERE c IN ('x', 'Y') AND a > 1 AND n",
            "CREATE MATERIALIZED VIEW {t}_v AS SELECT a, c FROM {t} WHERE c IN ('x', 'y') AND (a > 1 AND n)",
        ),
    ),
    "joined view": Feature(
        (
            "CREATE VIEW {t}_w AS SELECT x.a, y.b FROM {t} x JOIN {t} y ON x.a = y.a ORDER BY x.a",
            "CREATE VIEW {t}_w AS SELECT x.a AS a, y.b FROM public.{t} AS x INNER JOIN {t} AS y ON (x.a = y.a) ORDER BY 1 ASC",
        ),
        (
            "CREATE VIEW {t}_w AS SELECT x.a, y.b FROM {t} x LEFT JOIN {t} y ON x.a = y.a ORDER BY x.a",
            "CREATE VIEW {t}_w AS SELECT x.a, y.b FROM {t} x JOIN {t} y ON x.a = y.a ORDER BY x.a DESC",
        ),
    ),
    "trigger": Feature(
        (
            _FUNCTION
            + "CREATE TRIGGER {t}_g BEFORE INSERT OR UPDATE OF a, b ON {t} FOR EACH ROW WHEN (new.a > 1 AND (new.n AND new.b"
            " <> '')) EXECUTE FUNCTION {t}_f('x')",
            _FUNCTION.replace("'", "$own$")
            + "CREATE TRIGGER {t}_g BEFORE UPDATE OF b, a OR INSERT ON public.{t} FOR ROW WHEN ((new.a >"
            " 1) AND new.n AND (new.b <> ''::text))"
            " EXECUTE PROCEDURE {t}_f('x')",
        ),
        (
            _FUNCTION
            + "CREATE TRIGGER {t}_g AFTER INSERT OR UPDATE OF a, b ON {t} FOR EACH ROW WHEN (new.a > 1 AND (new.n AND new.b <>"
            " '')) EXECUTE FUNCTION {t}_f('x')",
            _FUNCTION
            + "CREATE TRIGGER {t}_g BEFORE INSERT OR UPDATE OF a, b ON {t} FOR EACH ROW WHEN (new.a > 1 AND (new.n AND new.b"
            " <> '')) EXECUTE FUNCTION {t}_f('X')",
        ),
    ),
    "partitions": Feature(
        (
            "CREATE TABLE {t}_l (a integer, b text CHECK (b <> '')) PARTITION BY LIST (b); CREATE TABLE {t}_l1 PARTITION OF {t}_l FOR"
            " VALUES IN ('x', 'y, z');"
            " CREATE INDEX {t}_li ON {t}_l (a)",
            "CREATE TABLE {t}_l (b text, a int4, CHECK (b <> '')) PARTITION BY LIST (b); CREATE INDEX {t}_li ON {t}_l (a);"
            " CREATE TABLE {t}_l1 (a integer, b text, CONSTRAINT {t}_l_b_check CHECK (b <> '')); ALTER TABLE {t}_l ATTACH PARTITION"
            " {t}_l1 FOR VALUES IN ('y, z', 'x')",
        ),
        (
            "CREATE TABLE {t}_l (a integer, b text CHECK (b <> '')) PARTITION BY LIST (b); CREATE TABLE {t}_l1 PARTITION OF {t}_l FOR"
            " VALUES IN ('x', 'y');"
            " CREATE INDEX {t}_li ON {t}_l (a)",
            "CREATE TABLE {t}_l (a integer, b text CHECK (b <> '')) PARTITION BY LIST (b); CREATE TABLE {t}_l1 PARTITION OF {t}_l FOR"
            " VALUES IN ('x', 'y, z');"
            " CREATE INDEX {t}_li ON {t}_l1 (a)",
        ),
    ),
    "function": Feature(
        (
            "CREATE FUNCTION {t}_h(x integer, y text DEFAULT NULL) RETURNS TABLE (z integer) LANGUAGE sql STABLE STRICT AS $$select x\n"
            " where y = 'A'$$",
            "CREATE FUNCTION public.{t}_h(IN x int4, y text = NULL::text) RETURNS TABLE (z int) AS $q$select x \r\n where y = 'A'\n$q$"
            " LANGUAGE sql"
            " RETURNS NULL ON NULL INPUT STABLE ROWS 1000 COST 100",
        ),
        (
            "CREATE FUNCTION {t}_h(x integer, y text DEFAULT NULL) RETURNS TABLE (z integer) LANGUAGE sql STABLE STRICT AS $$select x\n"
            " where y = 'a'$$",
            "CREATE FUNCTION {t}_h(x integer, y text DEFAULT 'x') RETURNS TABLE (z integer) LANGUAGE sql STABLE STRICT AS $$select x\n"
            " where y = 'A'$$",
            "CREATE FUNCTION {t}_h(x integer, y text DEFAULT NULL) RETURNS TABLE (z integer) LANGUAGE sql IMMUTABLE STRICT AS $$select"
            " x\n where y = 'A'$$",
        ),
    ),
    "query in a function": Feature(
        (
            "CREATE FUNCTION {t}_q(x varchar) RETURNS boolean LANGUAGE sql RETURN x IN ('a', 'b') AND (x <> '' AND now() > 'epoch')",
            "CREATE FUNCTION {t}_q(x varchar) RETURNS bool LANGUAGE sql RETURN ((x)::text = ANY (ARRAY[('a'::varchar)::text,"
            " ('b'::varchar)::text]))"
            " AND ((x)::text <> ''::text) AND (CURRENT_TIMESTAMP > '1970-01-01 00:00:00+00'::timestamptz)",
        ),
        (
            "CREATE FUNCTION {t}_q(x varchar) RETURNS boolean LANGUAGE sql RETURN x IN ('a', 'c') AND (x <> '' AND now() > 'epoch')",
        ),
    ),
    "domain": Feature(
        (
            "CREATE DOMAIN {t}_d AS varchar(9) DEFAULT 'a' CHECK (VALUE IN ('a', 'b')) CHECK (VALUE <> '')",
            "CREATE DOMAIN {t}_d AS character varying(9) DEFAULT 'a'::text CONSTRAINT y CHECK ((VALUE)::text <> ''::text) CONSTRAINT x"
            " CHECK ((VALUE)::text ="
            " ANY (ARRAY[('a'::varchar)::text, ('b'::varchar)::text]))",
        ),
        (
            "CREATE DOMAIN {t}_d AS varchar(9) DEFAULT 'a' CHECK (VALUE IN ('a', 'b'))",
            "CREATE DOMAIN {t}_d AS varchar(9) NOT NULL DEFAULT 'a' CHECK (VALUE IN ('a', 'b')) CHECK (VALUE <> '')",
        ),
    ),
}


def tables(count: int) -> dict[str, tuple[str, ...]]:
    """Return random tables as the features that they have; in all of them every feature is there several times."""
    chance = random.Random(count)
    names = list(FEATURES)
    return {f"t{number}": tuple(chance.sample(names, chance.randint(3, 7))) for number in range(count)}


def script(table: str, features: tuple[str, ...], seed: int | None = None, wrong: bool = False) -> list[str]:
    """Return what makes a table: in the first spelling without a seed, else in some other; ``wrong``: one feature is something else."""
    chance = random.Random(seed)
    plain = seed is None
    columns = [each[0] if plain else chance.choice(each) for each in COLUMNS]
    if not plain:
        chance.shuffle(columns)
    chosen = [FEATURES[name].same[0] if plain else chance.choice(FEATURES[name].same) for name in features]
    if wrong:
        at = chance.randrange(len(features))
        chosen[at] = chance.choice(FEATURES[features[at]].other)
    if not plain:
        chance.shuffle(chosen)
    made = f"CREATE TABLE {table} ({', '.join(columns)})"
    # What is sent at once is one transaction, and a new value of an enum can only be used in the next.
    return [made, *(piece for text in chosen for piece in text.format(t=table).split(" COMMIT; "))]
