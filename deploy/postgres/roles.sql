-- The database roles and the database of Clientele, on a server of one's own. It is the only thing that a superuser runs;
-- everything after it is `clientele migrate`, which connects as clientele_owner.
--
--   psql -X -f deploy/postgres/roles.sql "host=… user=postgres dbname=postgres"
--
-- Passwords are at least 16 characters and come as psql variables (-v owner_password=…) or, so that no list of processes
-- shows them, from the environment:
--   CLIENTELE_OWNER_PASSWORD CLIENTELE_APP_PASSWORD CLIENTELE_AUTHN_PASSWORD CLIENTELE_SYSTEM_PASSWORD
--   CLIENTELE_BACKUP_PASSWORD   optional: makes the role that deploy/backup/ dumps with
--   CLIENTELE_DATABASE          optional: the name of the database, clientele when unset
-- It can be run again: what is there stays, attributes and grants are put right, passwords are set anew (rotation).

\set ON_ERROR_STOP on
\set QUIET on
\if :{?database}
\else
  \set database clientele
  \getenv database CLIENTELE_DATABASE
\endif
\if :{?owner_password}
\else
  \set owner_password ''
  \getenv owner_password CLIENTELE_OWNER_PASSWORD
\endif
\if :{?app_password}
\else
  \set app_password ''
  \getenv app_password CLIENTELE_APP_PASSWORD
\endif
\if :{?authn_password}
\else
  \set authn_password ''
  \getenv authn_password CLIENTELE_AUTHN_PASSWORD
\endif
\if :{?system_password}
\else
  \set system_password ''
  \getenv system_password CLIENTELE_SYSTEM_PASSWORD
\endif
\if :{?backup_password}
\else
  \set backup_password ''
  \getenv backup_password CLIENTELE_BACKUP_PASSWORD
\endif

-- SECURITY: statements with passwords stay out of the server's log, whatever it is set to, and are stored as SCRAM.
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';
SET password_encryption = 'scram-sha-256';

SELECT least(length(:'owner_password'), length(:'app_password'), length(:'authn_password'), length(:'system_password')) >= 16
       AND length(:'backup_password') NOT BETWEEN 1 AND 15 AS strong,
       :'backup_password' <> '' AS with_backup \gset
\if :strong
\else
  DO $$ BEGIN RAISE EXCEPTION 'set owner_password, app_password, authn_password and system_password, each of 16 characters or more (backup_password may be left out)'; END $$;
\endif

-- Two runs at a time wait for each other; the lock is that of the program's own bootstrap.
SELECT pg_advisory_lock(hashtextextended('clientele.bootstrap', 0)) AS locked \gset

SELECT format('CREATE ROLE %I', name)
FROM unnest(ARRAY['clientele_owner', 'clientele_app', 'clientele_authn', 'clientele_system']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec

-- The owner owns the schema and runs migrations. The other three own nothing; the program refuses to start with more.
ALTER ROLE clientele_owner  LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS INHERIT PASSWORD :'owner_password';
ALTER ROLE clientele_app    LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS INHERIT PASSWORD :'app_password';
ALTER ROLE clientele_authn  LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS INHERIT PASSWORD :'authn_password';
ALTER ROLE clientele_system LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS INHERIT PASSWORD :'system_password';

SELECT format('CREATE DATABASE %I OWNER clientele_owner TEMPLATE template0 ENCODING ''UTF8'' LC_COLLATE ''C.UTF-8'' LC_CTYPE ''C.UTF-8''', :'database')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec

SELECT pg_get_userbyid(datdba) = 'clientele_owner' AND pg_encoding_to_char(encoding) = 'UTF8' AS ours
FROM pg_database WHERE datname = :'database' \gset
\if :ours
\else
  DO $$ BEGIN RAISE EXCEPTION 'the database exists and is not clientele_owner''s in UTF8: name another one'; END $$;
\endif

REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO clientele_app, clientele_authn, clientele_system;

-- SECURITY: row-level security is forced on the owner too, so a whole dump needs a role that bypasses it. This one reads
-- everything and writes nothing; its password opens every tenant's data and belongs to the backup machine alone.
\if :with_backup
  SELECT 'CREATE ROLE clientele_backup' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'clientele_backup') \gexec
  ALTER ROLE clientele_backup LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION BYPASSRLS INHERIT PASSWORD :'backup_password';
  ALTER ROLE clientele_backup SET default_transaction_read_only = on;
  GRANT pg_read_all_data TO clientele_backup;
  GRANT CONNECT ON DATABASE :"database" TO clientele_backup;
\endif

SELECT pg_advisory_unlock(hashtextextended('clientele.bootstrap', 0)) AS unlocked \gset
\echo roles and database are in place: :database
