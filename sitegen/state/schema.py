"""The tables of the state. A change of them is a new number: a file with another one is replaced."""

from __future__ import annotations

SCHEMA = 14

TABLES = """
create table meta (name text primary key, value text not null) without rowid;
create table folder (path text primary key, listing blob not null) without rowid;
create table asset (file text primary key, digest text not null) without rowid;

create table article (
    path text primary key, section text not null, address text not null, id_key text not null,
    status text not null, listed integer not null, retired integer not null, id text not null, kind text not null,
    rank integer not null, stamp real not null, digest text not null, item text not null, signed_at text not null,
    retires text not null, picture integer not null, traits text not null, problems text not null, pending integer not null, next_change text,
    unsure integer not null, facts text not null
);
create index article_order on article (section, listed, rank, stamp desc, path);
create index article_address on article (address);
create index article_id_key on article (id_key);
create index article_id on article (id);
create index article_service on article (kind) where kind = 'service';
create index article_retires on article (retires) where retires != '';
create index article_next on article (next_change) where next_change is not null;
create index article_unsure on article (unsure) where unsure;
create table link (file text, path text, primary key (file, path)) without rowid;
create index link_path on link (path);
create table relation (id text, how text, path text, primary key (id, how, path)) without rowid;
create index relation_path on relation (path);
create table attachment (
    file text, path text, digest text not null, place text not null, primary key (file, path)
) without rowid;
create index attachment_path on attachment (path);
create table ledger (file text primary key, section text not null, ids text not null, problems text not null)
    without rowid;
create index ledger_section on ledger (section);
create index ledger_problems on ledger (file) where problems != '';
create table stood (
    file text, path text, id text not null, away integer not null, primary key (file, path)
) without rowid;
create index stood_path on stood (path);
create index stood_away on stood (path) where away;
create table tally (
    section text, severity text, code text, key text, count integer not null,
    primary key (section, severity, code, key)
) without rowid;

create table frame (section text primary key, digest text not null) without rowid;
create table dirty_section (path text primary key) without rowid;
create table dirty_page (file text primary key) without rowid;
create table dirty_attachment (file text primary key) without rowid;

create table page (
    file text primary key, section text not null, key text not null, digest text not null, source text not null,
    problems text not null, made text not null
);
create index page_section on page (section);
create index page_failed on page (section) where key = '';
create index page_problems on page (file) where problems != '';
create table read (target text, file text, found integer not null, primary key (target, file)) without rowid;
create index read_file on read (file);
create index read_missing on read (target) where not found;
create table anchor_link (file text, target text, anchor text, primary key (file, target, anchor)) without rowid;
create table plain (file text primary key, digest text not null) without rowid;
create table site_map (url text primary key, section text not null, changed text not null) without rowid;
create index site_map_section on site_map (section);
create table trouble (owner text primary key, problems text not null) without rowid;
create index article_shown on article (retired, path, digest, stamp) where status = 'shown';
create table search_base (
    path text primary key, number integer not null, place real not null, digest text not null
) without rowid;
create index search_base_place on search_base (place, path, number);
create table search_touched (path text primary key) without rowid;
"""
