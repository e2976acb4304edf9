-- What the sections on size need, apart from the works' schema, so that its OpenAPI document stays as small as it was
-- when PostgREST's ratios were recorded.
create schema growth;
set search_path = growth;
create table ledger (id int primary key, account text not null, booked date not null, amount numeric(12, 2), memo text);
create table wide (id int primary key);
do $$ begin
  for n in 1..100 loop execute format('alter table wide add c%s int not null default %s', n, n); end loop;
  for n in reverse 6..0 loop
    execute format('create table link_%s (id int primary key, next int %s)', n,
      case when n < 6 then 'references link_' || n + 1 end);
    execute format('insert into link_%s select i, i from generate_series(1, 1000) i', n);
  end loop;
end $$;
insert into wide select generate_series(1, 100);
create function nap(seconds float) returns text language plpgsql
  as $$ begin perform pg_sleep(seconds); return 'rested'; end $$;
grant usage on schema growth to bench_anon;
grant select on all tables in schema growth to bench_anon;
