-- The sample: people take notes, a note has paragraphs, and Row-Level Security
-- decides who sees what. Runs once, in one transaction, on a new database.

create role authenticator login noinherit;
create role anonymous nologin;
create role authenticated nologin;
grant anonymous, authenticated to authenticator;

-- Who is asking: the claims of the request's token, as the API passes them on.
create schema auth;
grant usage on schema auth to anonymous, authenticated;

create function auth.session() returns jsonb
    language sql stable
    return nullif(current_setting('request.jwt.claims', true), '')::jsonb;

create function auth.user_id() returns text
    language sql stable
    return auth.session() ->> 'sub';

comment on function auth.user_id() is 'The claim "sub" of the request''s token; null without a token.';

create table public.notes (
    id uuid primary key default gen_random_uuid(),
    owner_id text not null default auth.user_id(),
    title text not null default 'untitled note',
    created_at timestamptz default now(),
    updated_at timestamptz default now(),
    shared boolean default false
);

create index owner_idx on public.notes (owner_id);

create table public.paragraphs (
    id uuid primary key default gen_random_uuid(),
    note_id uuid references public.notes (id) on delete cascade,
    content text not null,
    created_at timestamptz default now()
);

create index note_idx on public.paragraphs (note_id);

comment on table public.notes is 'What people write down; readable by all once shared.';
comment on table public.paragraphs is 'The text of a note, piece by piece.';

grant usage on schema public to anonymous, authenticated;
grant select on public.notes, public.paragraphs to anonymous;
grant select, insert, update, delete on public.notes, public.paragraphs to authenticated;

-- What the owner creates later is open to the same roles, row by row as its policies say.
alter default privileges in schema public grant select on tables to anonymous;
alter default privileges in schema public grant select, insert, update, delete on tables to authenticated;
alter default privileges in schema public grant usage on sequences to authenticated;

alter table public.notes enable row level security;
alter table public.paragraphs enable row level security;

create policy "owners do everything with their notes" on public.notes
    to authenticated
    using ((select auth.user_id()) = owner_id)
    with check ((select auth.user_id()) = owner_id);

create policy "shared notes are for all to read" on public.notes
    for select to anonymous, authenticated
    using (shared);

create policy "owners do everything with their notes' paragraphs" on public.paragraphs
    to authenticated
    using (exists (select from public.notes n where n.id = note_id and n.owner_id = (select auth.user_id())))
    with check (exists (select from public.notes n where n.id = note_id and n.owner_id = (select auth.user_id())));

create policy "paragraphs of shared notes are for all to read" on public.paragraphs
    for select to anonymous, authenticated
    using (exists (select from public.notes n where n.id = note_id and n.shared));

with written (owner_id, title, shared, created_at, contents) as (
    values
        ('ada', 'Welcome to Tailrace', true, now() - interval '3 days', array[
            'Every table of the schema public is an endpoint: this one is /notes.',
            'This note is shared, so anyone may read it, token or not.'
        ]),
        ('ada', 'Shopping', false, now() - interval '2 days', array[
            'Bread, olives, coffee.'
        ]),
        ('grace', 'Things to try', true, now() - interval '1 day', array[
            'Choose columns: /notes?select=title,created_at',
            'Filter rows: /notes?title=ilike.*try*',
            'Embed what a foreign key points at: /notes?select=title,paragraphs(content)'
        ]),
        ('grace', 'Diary', false, now(), array[
            'Only grace sees this one.'
        ])
), inserted as (
    insert into public.notes (owner_id, title, shared, created_at, updated_at)
    select owner_id, title, shared, created_at, created_at from written
    returning id, title, created_at
)
insert into public.paragraphs (note_id, content, created_at)
select inserted.id, piece.content, inserted.created_at + piece.position * interval '1 minute'
from inserted
join written using (title)
cross join lateral unnest(written.contents) with ordinality as piece (content, position)
order by inserted.created_at, piece.position;
