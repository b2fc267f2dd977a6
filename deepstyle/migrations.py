"""The catalog's schema as numbered migrations: each entry runs once, in one transaction, and is never edited again."""

from __future__ import annotations

FIRST = (
    """CREATE TABLE crawls (
        id INTEGER PRIMARY KEY, start_url TEXT NOT NULL, started_at REAL NOT NULL, finished_at REAL)""",
    """CREATE TABLE pages (
        crawl INTEGER NOT NULL REFERENCES crawls(id), url TEXT NOT NULL, parent TEXT, depth INTEGER NOT NULL,
        outcome TEXT NOT NULL DEFAULT 'queued', title TEXT, fetched_at REAL, UNIQUE (crawl, url))""",
    """CREATE TABLE listings (
        crawl INTEGER NOT NULL REFERENCES crawls(id), image_url TEXT NOT NULL, page_url TEXT NOT NULL,
        title TEXT NOT NULL, width_hint INTEGER, outcome TEXT NOT NULL DEFAULT 'queued', UNIQUE (crawl, image_url))""",
    """CREATE TABLE sightings (
        image_url TEXT NOT NULL, page_url TEXT NOT NULL, title TEXT NOT NULL, UNIQUE (image_url, page_url))""",
    """CREATE TABLE fetches (
        id INTEGER PRIMARY KEY, url TEXT NOT NULL, kind TEXT NOT NULL, outcome TEXT NOT NULL, status INTEGER,
        size INTEGER NOT NULL, seconds REAL NOT NULL, sha256 TEXT, detail TEXT NOT NULL, at REAL NOT NULL)""",
    "CREATE INDEX fetches_url ON fetches(url)",
    "CREATE INDEX fetches_sha256 ON fetches(sha256)",
    """CREATE TABLE photos (
        sha256 TEXT PRIMARY KEY, path TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL,
        size INTEGER NOT NULL, dhash TEXT NOT NULL, image_url TEXT NOT NULL, page_url TEXT NOT NULL,
        title TEXT NOT NULL, near_of TEXT REFERENCES photos(sha256), at REAL NOT NULL)""",
    "CREATE INDEX sightings_page ON sightings(page_url)",
    "CREATE INDEX photos_image ON photos(image_url)",
    """CREATE TABLE detected (
        photo TEXT NOT NULL REFERENCES photos(sha256), model TEXT NOT NULL, boxes INTEGER NOT NULL,
        error TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (photo, model))""",
    """CREATE TABLE detections (
        photo TEXT NOT NULL REFERENCES photos(sha256), model TEXT NOT NULL, k INTEGER NOT NULL,
        x0 REAL NOT NULL, y0 REAL NOT NULL, x1 REAL NOT NULL, y1 REAL NOT NULL, label TEXT NOT NULL,
        score REAL NOT NULL, PRIMARY KEY (photo, model, k))""",
    """CREATE TABLE garments (
        photo TEXT NOT NULL REFERENCES photos(sha256), k INTEGER NOT NULL, label TEXT NOT NULL, path TEXT NOT NULL,
        x0 REAL NOT NULL, y0 REAL NOT NULL, x1 REAL NOT NULL, y1 REAL NOT NULL, score REAL NOT NULL,
        width INTEGER NOT NULL, height INTEGER NOT NULL, model TEXT NOT NULL, rule TEXT NOT NULL, at REAL NOT NULL,
        PRIMARY KEY (photo, k))""",
    """CREATE TABLE models (
        name TEXT PRIMARY KEY, kind TEXT NOT NULL, path TEXT NOT NULL, figures TEXT NOT NULL, at REAL NOT NULL)""",
    """CREATE TABLE runs (
        name TEXT PRIMARY KEY, kind TEXT NOT NULL, path TEXT NOT NULL, status TEXT NOT NULL, images INTEGER NOT NULL,
        figures TEXT NOT NULL, at REAL NOT NULL)""",
)

MARKS = (
    """CREATE TABLE excluded (
        photo TEXT NOT NULL REFERENCES photos(sha256), model TEXT NOT NULL, k INTEGER NOT NULL, at REAL NOT NULL,
        PRIMARY KEY (photo, model, k))""",
)

DETAILS = (  # the page that a thumbnail waits for was part of its outcome: "deferred http://..."
    "ALTER TABLE listings ADD COLUMN detail_url TEXT",
    """UPDATE listings SET detail_url = substr(outcome, 10), outcome = 'deferred' WHERE outcome LIKE 'deferred %'""",
)

OWN_PHOTOS = (  # photos from a folder: what its owner says of them, and when a file that was looked at had changed (ns)
    "ALTER TABLE photos ADD COLUMN licence TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE photos ADD COLUMN credit TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE fetches ADD COLUMN mtime INTEGER",
)

FALLBACKS = (
    "ALTER TABLE listings ADD COLUMN fallbacks TEXT NOT NULL DEFAULT ''",
)  # URLs of the same picture, spaces between

RESERVATIONS = ("ALTER TABLE fetches ADD COLUMN reservation TEXT NOT NULL DEFAULT ''",)  # what was read, and where

RIGHTS = (  # what each host's files said last, and what must never come back
    """CREATE TABLE hosts (
        origin TEXT PRIMARY KEY, robots TEXT NOT NULL DEFAULT '', tdmrep TEXT NOT NULL DEFAULT '', at REAL NOT NULL)""",
    """CREATE TABLE forgotten (
        what TEXT PRIMARY KEY, kind TEXT NOT NULL, looks TEXT NOT NULL DEFAULT '', at REAL NOT NULL)""",
    "CREATE INDEX pages_url ON pages(url)",
)

TAGS = (  # what models say of garments; gone when the garment is cut anew
    """CREATE TABLE tags (
        photo TEXT NOT NULL, k INTEGER NOT NULL, kind TEXT NOT NULL, tag TEXT NOT NULL, score REAL NOT NULL,
        model TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (photo, k, kind, tag),
        FOREIGN KEY (photo, k) REFERENCES garments(photo, k) ON DELETE CASCADE)""",
)

SOURCES = (  # what stood beside an address in a list, as JSON; pages as they came, to ask whether they have changed
    "ALTER TABLE listings ADD COLUMN more TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE pages ADD COLUMN more TEXT NOT NULL DEFAULT ''",
    """CREATE TABLE answers (
        url TEXT PRIMARY KEY, etag TEXT NOT NULL, modified TEXT NOT NULL, about TEXT NOT NULL, body BLOB NOT NULL)""",
    "CREATE INDEX listings_outcome ON listings(crawl, outcome)",
    "CREATE INDEX listings_image ON listings(image_url)",
)

SHAPES = (  # which part of a detection's box is garment (shape.py), and of a garment's file; nothing and NULL: unknown
    "ALTER TABLE detections ADD COLUMN shape BLOB NOT NULL DEFAULT x''",
    "ALTER TABLE garments ADD COLUMN share REAL",
)

CROPS = ("ALTER TABLE photos ADD COLUMN inner TEXT NOT NULL DEFAULT ''",)  # the hash of a photo's middle

LED_TO = (
    "ALTER TABLE fetches ADD COLUMN led_to TEXT NOT NULL DEFAULT ''",
)  # addresses that it was sent on to, spaces between

REACH = (
    "ALTER TABLE crawls ADD COLUMN reach TEXT NOT NULL DEFAULT ''",
)  # how far it was let go, as JSON; empty: unknown

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    FIRST, MARKS, DETAILS, OWN_PHOTOS, FALLBACKS, RESERVATIONS, RIGHTS, TAGS, SOURCES, SHAPES, CROPS, LED_TO, REACH,
)  # fmt: skip
