-- Writes PgBouncer's auth_file; run by a superuser, again after every rotation of a password:
--   psql -XAtq -f deploy/pgbouncer/userlist.sql -o /etc/pgbouncer/userlist.txt "host=… user=postgres dbname=postgres"
-- The owner and the backup role are left out on purpose: they connect to the server itself.
SELECT format('"%s" "%s"', rolname, rolpassword) FROM pg_authid
WHERE rolname IN ('clientele_app', 'clientele_authn', 'clientele_system') AND rolpassword LIKE 'SCRAM-SHA-256$%' ORDER BY rolname;
