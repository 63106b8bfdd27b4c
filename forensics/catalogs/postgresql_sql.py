"""The catalogue queries of PostgreSQL 13 to 18, and nothing about what their rows mean.

The server's deparsing is what costs, so it is asked only for what the plain columns do not settle. Every value comes as
an integer, a text, a truth value or NULL, so that any driver gives the same rows. They expect an empty
``search_path``: names in deparsed text are then qualified unless they are PostgreSQL's own, and nothing that a user
made can stand in for a catalogue function.
"""

from __future__ import annotations

from collections.abc import Iterable

# The first object identifier that is not the system's own (FirstNormalObjectId in the source of PostgreSQL).
FIRST = 16384

SERVER = (
    "SELECT current_setting('server_version_num')::int, current_setting('server_version'), pg_is_in_recovery(),"
    " current_setting('track_commit_timestamp') = 'on', current_setting('server_encoding')"
)


def closure(only: Iterable[int]) -> str:
    """Return the query for what must be read again when these objects (identifiers of any catalogue) were touched.

    Its rows are (identifier, whether it is to be read): the touched ones, the relations that they belong to, those that
    depend on them directly, and the relations that these refer to, of which just the names are wanted.
    """
    touched = _array(only)
    return f"""WITH wanted AS MATERIALIZED (
        SELECT unnest({touched}) AS w
        UNION SELECT reltype FROM pg_class WHERE oid = ANY ({touched})
        UNION SELECT indrelid FROM pg_index WHERE indexrelid = ANY ({touched})
        UNION SELECT conrelid FROM pg_constraint WHERE oid = ANY ({touched})
        UNION SELECT tgrelid FROM pg_trigger WHERE oid = ANY ({touched})
        UNION SELECT refobjid FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = ANY ({touched})
            AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i')
        UNION SELECT CASE d.classid WHEN 'pg_class'::regclass THEN d.objid
            WHEN 'pg_constraint'::regclass THEN (SELECT conrelid FROM pg_constraint k WHERE k.oid = d.objid)
            WHEN 'pg_rewrite'::regclass THEN (SELECT ev_class FROM pg_rewrite r WHERE r.oid = d.objid)
            WHEN 'pg_trigger'::regclass THEN (SELECT tgrelid FROM pg_trigger t WHERE t.oid = d.objid)
            WHEN 'pg_attrdef'::regclass THEN (SELECT adrelid FROM pg_attrdef f WHERE f.oid = d.objid) END
            FROM pg_depend d WHERE d.refclassid = ANY (ARRAY['pg_class'::regclass, 'pg_type'::regclass,
                'pg_proc'::regclass, 'pg_constraint'::regclass]) AND d.refobjid = ANY ({touched}))
        SELECT w, true FROM wanted WHERE w > 0
        UNION SELECT objid, true FROM pg_depend WHERE refclassid = 'pg_class'::regclass
            AND refobjid = ANY ((SELECT array_agg(w) FROM wanted)::oid[]) AND deptype IN ('a', 'i')
            AND classid = ANY (ARRAY['pg_class'::regclass, 'pg_constraint'::regclass])
        UNION SELECT confrelid, false FROM pg_constraint
            WHERE conrelid = ANY ((SELECT array_agg(w) FROM wanted)::oid[]) AND contype = 'f'
        UNION SELECT inhparent, false FROM pg_inherits
            WHERE inhrelid = ANY ((SELECT array_agg(w) FROM wanted)::oid[])"""


def _array(items: Iterable[int]) -> str:
    return "'{" + ",".join(str(int(item)) for item in sorted(set(items))) + "}'::oid[]"


def queries(version: int, only: Iterable[int] | None = None, context: Iterable[int] = ()) -> dict[str, str]:
    """Return the queries by name, for a server of this ``server_version_num``.

    With ``only`` (what `closure` marked as to be read) they read just the groups of these objects, and of the
    relations in ``context`` what a name needs.
    """
    wanted = None if only is None else _array(only)
    shown_too = None if only is None else _array({*only, *context})

    def within(column: str, *, prefix: str = "AND", more: bool = False) -> str:
        return f"{prefix} {column} = ANY ({shown_too if more else wanted})" if wanted else ""

    shown = within("c.oid", more=True)
    return {
        "schemas": (
            "SELECT oid, nspname::text, has_schema_privilege(oid, 'USAGE') FROM pg_namespace"
            r" WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
        ),
        "relations": f"""SELECT c.oid, c.relnamespace, c.relname::text, c.relkind::text,
            c.relpersistence::text, c.relispartition, c.relrowsecurity, c.relforcerowsecurity, c.reloptions::text,
            CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid)
                 WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END,
            CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END,
            {f'c.oid = ANY ({wanted})' if wanted else 'true'}
            FROM pg_class c WHERE c.oid >= {FIRST} AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
            AND c.relpersistence <> 't' {shown}""",
        "columns": f"""SELECT a.attrelid, a.attnum, a.attname::text, a.atttypid, a.atttypmod,
            a.attnotnull, a.attidentity::text, a.attgenerated::text, a.attcollation, a.attislocal OR a.attinhcount = 0
            FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE c.oid >= {FIRST} AND c.relkind IN ('r', 'p', 'f', 'c', 'm') AND c.relpersistence <> 't'
            AND a.attnum > 0 AND NOT a.attisdropped {shown}""",
        # Only a generated column has variables in it, and only then its relation must be looked up.
        "defaults": f"""SELECT adrelid, adnum, pg_get_expr(adbin,
            CASE WHEN adbin::text LIKE '%{{VAR %' THEN adrelid ELSE 0 END)
            FROM pg_attrdef {within('adrelid', prefix='WHERE', more=True)}""",
        "constraints": f"""SELECT oid, conrelid, conname::text, contype::text, condeferrable, condeferred,
            convalidated, conindid, confrelid, confupdtype::text, confdeltype::text, confmatchtype::text,
            connoinherit, conkey::text, confkey::text, {'confdelsetcols::text' if version >= 150000 else 'NULL'},
            {'conenforced, conperiod' if version >= 180000 else 'true, false'},
            CASE contype WHEN 'c' THEN pg_get_expr(conbin, conrelid) WHEN 'x' THEN pg_get_constraintdef(oid) END
            FROM pg_constraint WHERE conrelid >= {FIRST} AND conparentid = 0 AND coninhcount = 0
            AND (contype IN ('p', 'u', 'f', 'c', 'x') OR (contype = 'n' AND NOT convalidated))
            {within('conrelid')}""",
        "indexes": f"""SELECT i.indexrelid, i.indrelid, c.relname::text, c.relam, i.indisunique,
            i.indisvalid, i.indnkeyatts, i.indkey::text, i.indclass::text, i.indoption::text, i.indcollation::text,
            {'i.indnullsnotdistinct' if version >= 150000 else 'false'}, c.reloptions::text,
            CASE WHEN i.indexprs IS NOT NULL THEN pg_get_indexdef(i.indexrelid) END,
            CASE WHEN i.indpred IS NOT NULL THEN pg_get_expr(i.indpred, i.indrelid) END
            FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
            WHERE i.indrelid >= {FIRST} AND NOT c.relispartition AND c.relnamespace <> 'pg_toast'::regnamespace
            AND NOT (i.indisprimary AND i.indnatts = i.indnkeyatts) {within('i.indrelid')}""",
        "sequences": f"""SELECT s.seqrelid, c.relnamespace, c.relname::text, s.seqtypid, s.seqstart,
            s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle, d.refobjid, d.refobjsubid, d.deptype::text,
            c.relpersistence::text
            FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid LEFT JOIN pg_depend d
                ON d.classid = 'pg_class'::regclass AND d.objid = s.seqrelid AND d.objsubid = 0
                AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
            WHERE c.relpersistence <> 't'
            {within('s.seqrelid')} {within('c.oid')} ORDER BY s.seqrelid""",
        "inheritance": f"""SELECT inhrelid, inhparent FROM pg_inherits WHERE inhrelid >= {FIRST}
            {within('inhrelid')} ORDER BY inhrelid, inhseqno""",
        "triggers": f"""SELECT tgrelid, tgname::text, tgenabled::text, tgconstraint <> 0,
            pg_get_triggerdef(oid)
            FROM pg_trigger WHERE NOT tgisinternal AND tgparentid = 0 {within('tgrelid')} ORDER BY oid""",
        "types": f"""SELECT t.oid, t.typnamespace, t.typname::text, t.typtype::text, t.typrelid, t.typnotnull,
            CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod)
                WHEN 'r' THEN (SELECT format_type(r.rngsubtype, NULL) FROM pg_range r WHERE r.rngtypid = t.oid) END,
            CASE WHEN t.typtype = 'd' THEN t.typdefault END,
            CASE WHEN t.typtype = 'd' AND t.typcollation <> b.typcollation THEN t.typcollation ELSE 0 END,
            EXISTS (SELECT FROM pg_type o WHERE o.typname = t.typname AND o.typnamespace = 'pg_catalog'::regnamespace)
            FROM pg_type t LEFT JOIN pg_type b ON b.oid = t.typbasetype LEFT JOIN pg_class c ON c.oid = t.typrelid
            WHERE t.oid >= {FIRST} AND (t.typtype IN ('e', 'd', 'r') OR (t.typtype = 'c' AND c.relkind = 'c'))
            {within('t.oid')} ORDER BY t.oid""",
        "labels": (
            "SELECT enumtypid, enumlabel::text FROM pg_enum"
            + (f" WHERE enumtypid = ANY ({wanted})" if wanted else "")
            + " ORDER BY enumtypid, enumsortorder"
        ),
        "rules": (
            "SELECT contypid, conname::text, pg_get_constraintdef(oid) FROM pg_constraint"
            f" WHERE contypid >= {FIRST} AND contype = 'c'"
            + (f" AND contypid = ANY ({wanted})" if wanted else "")
            + " ORDER BY contypid, conname"
        ),
        "functions": f"""SELECT p.oid, p.pronamespace, p.proname::text, p.prokind::text,
            pg_get_function_identity_arguments(p.oid), l.lanname::text, pg_get_function_result(p.oid),
            CASE WHEN p.prokind IN ('f', 'p', 'w') THEN pg_get_functiondef(p.oid) END
            FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
            JOIN pg_namespace n ON n.oid = p.pronamespace
            WHERE p.oid >= {FIRST} AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
            AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                AND d.deptype IN ('e', 'i'))
            {f'AND p.oid = ANY ({wanted})' if wanted else ''} ORDER BY p.oid""",
        "extensions": (
            "SELECT e.oid, e.extname::text, e.extversion, n.nspname::text FROM pg_extension e"
            " JOIN pg_namespace n ON n.oid = e.extnamespace ORDER BY e.extname"
        ),
        "members": (
            "SELECT d.objid, d.classid = 'pg_class'::regclass FROM pg_extension e JOIN pg_depend d"
            " ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'"
            f" WHERE d.objid >= {FIRST} AND d.classid IN ('pg_class'::regclass, 'pg_type'::regclass)"
        ),
        "comments": f"""SELECT d.classoid::regclass::text, d.objoid, d.objsubid, d.description FROM pg_description d
            WHERE d.objoid >= {FIRST} AND d.classoid IN ('pg_class'::regclass, 'pg_type'::regclass,
                'pg_proc'::regclass, 'pg_constraint'::regclass) {within('d.objoid')}""",
        "others": f"""SELECT
            (SELECT count(*) FROM pg_policy), (SELECT count(*) FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
                WHERE c.oid >= {FIRST} AND r.rulename <> '_RETURN'),
            (SELECT count(*) FROM pg_statistic_ext), (SELECT count(*) FROM pg_event_trigger),
            (SELECT count(*) FROM pg_publication), {_own('pg_operator', 'o')}, {_own('pg_cast', 'o')},
            {_own('pg_proc', 'o', " AND o.prokind = 'a'")}""",
    }


def _own(catalogue: str, name: str, more: str = "") -> str:
    """Return a subquery that counts what belongs neither to an extension nor to another object."""
    return (
        f"(SELECT count(*) FROM {catalogue} {name} WHERE {name}.oid >= {FIRST}{more} AND NOT EXISTS (SELECT FROM"
        f" pg_depend d WHERE d.classid = '{catalogue}'::regclass AND d.objid = {name}.oid AND d.deptype IN ('e', 'i')))"
    )


def type_query(pairs: Iterable[tuple[int, int]]) -> str:
    """Return the query that names these types (identifier and modifier)."""
    values = ", ".join(f"({int(oid)}, {int(modifier)})" for oid, modifier in sorted(pairs))
    return (
        "SELECT t.oid, v.m, format_type(t.oid, v.m), t.typcollation, n.nspname = 'public' AND EXISTS (SELECT FROM"
        " pg_type o WHERE o.typname = COALESCE(e.typname, t.typname) AND o.typnamespace = 'pg_catalog'::regnamespace)"
        f" FROM (VALUES {values}) v(t, m) JOIN pg_type t ON t.oid = v.t::oid"
        " LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A' JOIN pg_namespace n ON n.oid = t.typnamespace"
    )


def class_query(classes: Iterable[int], collations: Iterable[int], methods: Iterable[int]) -> str:
    """Return the query that names operator classes (with whether they are the default), collations and methods."""
    lists = ["'{" + ",".join(str(int(oid)) for oid in sorted(items)) + "}'::oid[]"
             for items in (classes, collations, methods)]  # fmt: skip
    return (
        "SELECT 'class', o.oid, n.nspname::text, o.opcname::text, o.opcdefault FROM pg_opclass o"
        f" JOIN pg_namespace n ON n.oid = o.opcnamespace WHERE o.oid = ANY ({lists[0]})"
        " UNION ALL SELECT 'collation', c.oid, n.nspname::text, c.collname::text, false FROM pg_collation c"
        f" JOIN pg_namespace n ON n.oid = c.collnamespace WHERE c.oid = ANY ({lists[1]})"
        f" UNION ALL SELECT 'method', oid, '', amname::text, false FROM pg_am WHERE oid = ANY ({lists[2]})"
    )

