-- Fruit growing, sized for speed comparisons: 100 growers, 10,000 orchards, 5,000 pickers, 40,000 shifts,
-- 10,000 diary entries and 10,000 harvest records that a policy hides from everyone but their owner.
create table growers (id int primary key, name text not null, born date);
create table orchards (
  id int primary key, title text not null, year int not null, rating numeric(3, 1),
  grower_id int references growers, meta jsonb
);
create table pickers (id int primary key, name text not null);
create table shifts (
  orchard_id int references orchards, picker_id int references pickers, task text, primary key (orchard_id, picker_id)
);
create table diary (
  id bigint generated always as identity primary key, owner text, body text, created_at timestamptz default now()
);
create table harvests (id int primary key, owner text not null, body text);

insert into growers select i, 'Grower ' || i, date '1940-01-01' + i * 100 from generate_series(1, 100) i;
insert into orchards
  select i, 'Orchard ' || i, 1950 + i % 75, (i % 100) / 10.0, 1 + i % 100,
    jsonb_build_object('trees', jsonb_build_array('a' || i % 7, 'b' || i % 11))
  from generate_series(1, 10000) i;
insert into pickers select i, 'Picker ' || i from generate_series(1, 5000) i;
insert into shifts
  select o, 1 + (o * 7 + k * 13) % 5000, 'Task ' || k from generate_series(1, 10000) o, generate_series(1, 4) k
  on conflict do nothing;
insert into harvests select i, 'user' || i % 100, 'harvest ' || i from generate_series(1, 10000) i;
insert into diary (owner, body) select 'user' || i % 100, 'entry ' || i from generate_series(1, 10000) i;
create index on orchards (year);
create index on orchards (grower_id);
create index on shifts (picker_id);
create index on harvests (owner);

create function orchards_of(grower int) returns setof orchards language sql stable
  as 'select * from orchards where grower_id = grower';
create function add(a int, b int) returns int language sql immutable as 'select a + b';
alter table harvests enable row level security;
create policy own on harvests using (owner = current_setting('request.jwt.claims', true)::json ->> 'sub');

do $$ begin
  if not exists (select from pg_roles where rolname = 'bench_gate') then
    create role bench_gate login noinherit;
    create role bench_anon nologin;
    grant bench_anon to bench_gate;
  end if;
end $$;
grant usage on schema public to bench_anon;
grant select on growers, orchards, pickers, shifts, harvests to bench_anon;
grant select, insert, update, delete on diary to bench_anon;
