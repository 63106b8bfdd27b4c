"""Small chains for SQLite, written by hand: SQL scripts, Python functions, and Alembic."""

from __future__ import annotations

from benchmarks.accuracy.source import Source, alembic, numbered

SHOP = numbered(
    "shop",
    """
-- customers and orders
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    customer_id INTEGER REFERENCES customers(id),
    total NUMERIC DEFAULT 0
);
CREATE INDEX idx_orders_customer ON orders(customer_id);
""",
    "ALTER TABLE customers ADD COLUMN phone TEXT;",
    "CREATE UNIQUE INDEX ux_customers_email ON customers(email) WHERE email IS NOT NULL;",
    """
CREATE TABLE audit (id INTEGER PRIMARY KEY, what TEXT, at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
CREATE TRIGGER trg_orders_audit AFTER INSERT ON orders BEGIN
    INSERT INTO audit (what) VALUES ('order; new');
END;
""",
    "INSERT INTO customers (name, email) VALUES ('a', 'a@x'), ('b', NULL);",
    "CREATE VIEW order_totals AS SELECT customer_id, sum(total) AS total FROM orders GROUP BY customer_id;",
    """
-- total becomes mandatory: rebuild
DROP VIEW order_totals;
CREATE TABLE orders_new (
    id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customers(id),
    total NUMERIC NOT NULL DEFAULT 0,
    status TEXT DEFAULT 'open'
);
INSERT INTO orders_new (id, customer_id, total) SELECT id, customer_id, total FROM orders;
DROP TABLE orders;
ALTER TABLE orders_new RENAME TO orders;
CREATE INDEX idx_orders_customer ON orders(customer_id);
CREATE INDEX idx_orders_status ON orders(status);
CREATE VIEW order_totals AS SELECT customer_id, sum(total) AS total FROM orders GROUP BY customer_id;
""",
    "ALTER TABLE customers RENAME COLUMN phone TO telephone;",
    "-- nothing to do",
    "CREATE INDEX idx_customers_lower ON customers(lower(name));",
    "DROP TABLE audit;\nDROP TRIGGER IF EXISTS trg_orders_audit;",
    "CREATE TABLE audit (id INTEGER PRIMARY KEY, event TEXT NOT NULL, payload TEXT);\n"
    "CREATE INDEX idx_audit_event ON audit(event);",
    "ALTER TABLE audit ADD COLUMN actor TEXT DEFAULT 'system';\nALTER TABLE audit ADD COLUMN host TEXT;",
    "UPDATE customers SET name = upper(name);",
    "ALTER TABLE orders ADD COLUMN note TEXT;\nCREATE INDEX idx_orders_note ON orders(note);",
)

BLOG = numbered(
    "blog",
    "CREATE TABLE IF NOT EXISTS posts (id INTEGER PRIMARY KEY AUTOINCREMENT, title VARCHAR(200) NOT NULL, body TEXT);\n"
    "CREATE TABLE IF NOT EXISTS authors (id INTEGER PRIMARY KEY, nick TEXT UNIQUE);",
    "ALTER TABLE posts ADD COLUMN author_id INTEGER REFERENCES authors(id);\n"
    "CREATE INDEX IF NOT EXISTS idx_posts_author ON posts(author_id);",
    (
        "py",
        '''
"""Tags."""

DESCRIPTION = "Tags"


def upgrade(conn):
    columns = [row[1] for row in conn.execute("PRAGMA table_info(posts)")]
    if "slug" not in columns:
        conn.execute("ALTER TABLE posts ADD COLUMN slug TEXT")
    conn.execute("CREATE TABLE IF NOT EXISTS tags (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)")
    conn.execute("CREATE TABLE post_tags (post_id INTEGER, tag_id INTEGER, PRIMARY KEY (post_id, tag_id))")
''',
    ),
    "INSERT INTO tags (name) VALUES ('news'), ('misc');",
    "ALTER TABLE authors RENAME TO writers;",
    "CREATE TABLE IF NOT EXISTS comments (id INTEGER PRIMARY KEY, post_id INTEGER NOT NULL, text TEXT, "
    "created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);\nCREATE INDEX idx_comments_post ON comments(post_id);",
    "ALTER TABLE comments ADD COLUMN approved BOOLEAN DEFAULT 0;",
    "CREATE INDEX idx_comments_open ON comments(post_id, created_at DESC) WHERE approved = 0;",
    (
        "py",
        '''
"""Slugs become unique, by way of a new table."""


def upgrade(conn):
    cursor = conn.cursor()
    cursor.execute("PRAGMA table_info(tags)")
    if any(row[1] == "colour" for row in cursor.fetchall()):
        return
    cursor.execute("CREATE TABLE tags_new (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, colour TEXT DEFAULT 'red')")
    cursor.execute("INSERT INTO tags_new (id, name) SELECT id, name FROM tags")
    cursor.execute("DROP TABLE tags")
    cursor.execute("ALTER TABLE tags_new RENAME TO tags")
    conn.commit()
''',
    ),
    "ALTER TABLE posts DROP COLUMN body;\nALTER TABLE posts ADD COLUMN content TEXT NOT NULL DEFAULT '';",
    "CREATE VIEW recent AS SELECT p.id, p.title, w.nick FROM posts p LEFT JOIN writers w ON w.id = p.author_id;",
    (
        "py",
        '''
"""Nothing yet."""


def upgrade(conn):
    pass
''',
    ),
    "CREATE TRIGGER trg_posts_slug AFTER INSERT ON posts WHEN new.slug IS NULL BEGIN\n"
    "    UPDATE posts SET slug = lower(new.title) WHERE id = new.id;\nEND;",
)

LEDGER = numbered(
    "ledger",
    "CREATE TABLE accounts (id INTEGER PRIMARY KEY, code TEXT NOT NULL, kind TEXT CHECK (kind IN ('a', 'b')));\n"
    "CREATE UNIQUE INDEX ux_accounts_code ON accounts(code);",
    "CREATE TABLE entries (id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE, "
    "amount INTEGER NOT NULL CHECK (amount <> 0), booked DATE);",
    "INSERT INTO accounts (code, kind) VALUES ('1000', 'a');\nINSERT INTO entries (account_id, amount) VALUES (1, 5);",
    """
PRAGMA foreign_keys=OFF;
CREATE TABLE accounts_tmp (id INTEGER PRIMARY KEY, code TEXT NOT NULL COLLATE NOCASE,
    kind TEXT CHECK (kind IN ('a', 'b', 'c')), open BOOLEAN NOT NULL DEFAULT 1);
INSERT INTO accounts_tmp (id, code, kind) SELECT id, code, kind FROM accounts;
DROP TABLE accounts;
ALTER TABLE accounts_tmp RENAME TO accounts;
CREATE UNIQUE INDEX ux_accounts_code ON accounts(code);
PRAGMA foreign_keys=ON;
""",
    "CREATE TABLE periods (id INTEGER PRIMARY KEY, name TEXT, closed INTEGER DEFAULT 0);",
    "ALTER TABLE entries ADD COLUMN period_id INTEGER;\nCREATE INDEX idx_entries_period ON entries(period_id);",
    "CREATE VIEW balance AS SELECT account_id, sum(amount) AS amount FROM entries GROUP BY account_id;",
    "CREATE TRIGGER no_zero BEFORE UPDATE ON entries BEGIN\n    SELECT raise(abort, 'zero') WHERE new.amount = 0;\nEND;",
    "DROP VIEW balance;\nCREATE VIEW balance AS SELECT account_id, period_id, sum(amount) AS amount FROM entries GROUP BY 1, 2;",
    "DROP INDEX idx_entries_period;\nCREATE INDEX idx_entries_period ON entries(period_id, booked);",
    "ALTER TABLE periods RENAME TO fiscal_periods;\nALTER TABLE fiscal_periods ADD COLUMN year INTEGER;",
    """
CREATE TABLE entries_new (id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES accounts(id) ON DELETE RESTRICT,
    amount NUMERIC NOT NULL, booked DATE, period_id INTEGER REFERENCES fiscal_periods(id), memo TEXT);
INSERT INTO entries_new (id, account_id, amount, booked, period_id) SELECT id, account_id, amount, booked, period_id FROM entries;
DROP VIEW balance;
DROP TABLE entries;
ALTER TABLE entries_new RENAME TO entries;
CREATE INDEX idx_entries_period ON entries(period_id, booked);
CREATE VIEW balance AS SELECT account_id, period_id, sum(amount) AS amount FROM entries GROUP BY 1, 2;
""",
    "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT);",
    "DROP TABLE notes;",
    "DELETE FROM entries WHERE amount = 0;",
    "CREATE TABLE attachments (entry_id INTEGER NOT NULL, path TEXT NOT NULL, PRIMARY KEY (entry_id, path)) WITHOUT ROWID;",
)

FORUM = alembic(
    "forum",
    """
op.create_table("users", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(50), nullable=False))
op.create_table("threads", sa.Column("id", sa.Integer, primary_key=True), sa.Column("title", sa.String(100)),
                sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id")))
op.create_index("ix_threads_user", "threads", ["user_id"])
""",
    'op.add_column("users", sa.Column("email", sa.String(120)))',
    """
with op.batch_alter_table("users") as batch:
    batch.alter_column("email", existing_type=sa.String(120), nullable=False, server_default="")
    batch.create_unique_constraint("uq_users_email", ["email"])
""",
    'op.execute("UPDATE users SET name = trim(name)")',
    """
op.create_table("messages", sa.Column("id", sa.Integer, primary_key=True), sa.Column("thread_id", sa.Integer, nullable=False),
                sa.Column("text", sa.Text), sa.Column("sent", sa.DateTime, server_default=sa.func.now()))
op.create_index("ix_messages_thread", "messages", ["thread_id"])
op.create_index("ix_messages_sent", "messages", ["sent"])
""",
    """
with op.batch_alter_table("messages") as batch:
    batch.add_column(sa.Column("author_id", sa.Integer))
    batch.create_foreign_key("fk_messages_author", "users", ["author_id"], ["id"])
""",
    "pass",
    """
with op.batch_alter_table("threads") as batch:
    batch.alter_column("title", new_column_name="subject", existing_type=sa.String(100))
""",
    'op.rename_table("messages", "posts")',
    """
with op.batch_alter_table("posts") as batch:
    batch.drop_index("ix_messages_sent")
    batch.alter_column("text", existing_type=sa.Text, type_=sa.String(2000))
""",
    'op.create_index("ux_users_name", "users", [sa.text("lower(name)")], unique=True)',
    'op.add_column("threads", sa.Column("pinned", sa.Boolean, nullable=False, server_default=sa.false()))',
    'op.drop_index("ix_threads_user", table_name="threads")',
    'op.execute("CREATE VIEW busy AS SELECT thread_id, count(*) AS posts FROM posts GROUP BY thread_id")',
)

DEPOT = alembic(
    "depot",
    'op.create_table("items", sa.Column("id", sa.Integer, primary_key=True), sa.Column("sku", sa.String(20), unique=True))',
    """
inspector = sa.inspect(op.get_bind())
if "places" not in inspector.get_table_names():
    op.create_table("places", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(40)))
""",
    """
columns = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("items")}
if "weight" not in columns:
    op.add_column("items", sa.Column("weight", sa.Float))
""",
    """
with op.batch_alter_table("items") as batch:
    batch.add_column(sa.Column("place_id", sa.Integer, nullable=True))
    batch.create_index("ix_items_place", ["place_id"])
""",
    """
op.create_table("moves", sa.Column("id", sa.Integer, primary_key=True), sa.Column("item_id", sa.Integer), sa.Column("n", sa.Integer))
op.bulk_insert(sa.table("places", sa.column("name")), [{"name": "north"}, {"name": "south"}])
""",
    """
with op.batch_alter_table("moves", recreate="always") as batch:
    batch.alter_column("n", new_column_name="quantity", existing_type=sa.Integer, nullable=False, server_default="1")
    batch.create_check_constraint("ck_quantity", "quantity > 0")
""",
    'op.drop_table("moves")',
    """
op.create_table("transfers", sa.Column("id", sa.Integer, primary_key=True), sa.Column("item_id", sa.Integer, sa.ForeignKey("items.id")),
                sa.Column("quantity", sa.Integer))
op.create_index("ix_transfers_item", "transfers", ["item_id"])
""",
    """
with op.batch_alter_table("items") as batch:
    batch.drop_column("weight")
""",
    'op.add_column("transfers", sa.Column("note", sa.String(80)))',
)

CHAINS: tuple[Source, ...] = (SHOP, BLOG, LEDGER, FORUM, DEPOT)
