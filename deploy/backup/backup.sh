#!/bin/sh
# Dumps the database into FOLDER/clientele-<time>/ and proves that every row is in it.
#
#   PGHOST=… PGDATABASE=clientele PGUSER=clientele_backup PGPASSFILE=… deploy/backup/backup.sh FOLDER
#
# The connection comes from libpq's own variables, so that no list of processes shows a password. What is written:
#   data.dump    pg_dump's custom format; roles are not in it, deploy/postgres/roles.sql makes them
#   counts.tsv   table <TAB> rows, counted in the snapshot that was dumped
#   SHA256SUMS   of both
# Exit codes: 0 done, 1 failed, 2 wrong use. The folder appears under its name only when all of it is whole.
set -eu
umask 077
[ $# -eq 1 ] || { echo "usage: backup.sh FOLDER" >&2; exit 2; }
into=$1
name=clientele-$(date -u +%Y%m%dT%H%M%SZ)
part=$into/.$name.part
export LC_ALL=C PGAPPNAME=clientele-backup PGTZ=UTC
# shellcheck disable=SC2089
export PGOPTIONS="${PGOPTIONS:-} -c statement_timeout=0 -c lock_timeout=60s"

# SECURITY: row-level security is forced on owners too. A role that it binds would be refused by pg_dump, or, with
# --enable-row-security, dump nothing without a word; neither is a backup.
if [ "$(psql -XAtq -v ON_ERROR_STOP=1 -c 'SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user')" != t ]; then
  echo "错误：此角色受行级安全约束，备份会缺行；请用 roles.sql 建立的 clientele_backup" >&2
  echo "error: row-level security binds this role, rows would be missing; use clientele_backup, made by roles.sql" >&2
  exit 2
fi

mkdir -p "$into"
mkdir "$part"
trap 'rm -rf "$part"' EXIT
trap 'exit 1' INT TERM HUP
export PART="$part"

# One transaction exports its snapshot; pg_dump and the counts both read that snapshot, whatever is written meanwhile.
psql -XAtq -v ON_ERROR_STOP=1 <<'SQL' >/dev/null
BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;
SELECT pg_export_snapshot() AS snapshot \gset
\setenv SNAPSHOT :snapshot
\! pg_dump --format=custom --no-password --lock-wait-timeout=60s --snapshot="$SNAPSHOT" --file="$PART/data.dump" && : > "$PART/dumped"
\getenv part PART
\set counts :part '/counts.tsv'
\pset fieldsep '\t'
\o :counts
SELECT format('SELECT %L, count(*) FROM %I.%I', n.nspname || '.' || c.relname, n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY (n.nspname || '.' || c.relname) COLLATE "C" \gexec
\o
COMMIT;
SQL
[ -e "$part/dumped" ] || { echo "error: pg_dump failed" >&2; exit 1; }
rm "$part/dumped"
[ -s "$part/counts.tsv" ] || { echo "error: the database has no tables" >&2; exit 1; }

# What was written is read back and counted: a dump is a backup only when it holds the rows.
pg_restore --data-only --file=- "$part/data.dump" | awk '
  !inside && /^COPY [^ ]+ .*FROM stdin;$/ { table = $2; rows = 0; inside = 1; next }
  inside && $0 == "\\." { printf "%s\t%d\n", table, rows; inside = 0; next }
  inside { rows++ }' | sort > "$part/dumped.tsv"
if ! cmp -s "$part/counts.tsv" "$part/dumped.tsv"; then
  echo "error: rows in the dump differ from rows in the database (database, dump):" >&2
  diff "$part/counts.tsv" "$part/dumped.tsv" >&2 || true
  exit 1
fi
rm "$part/dumped.tsv"
(cd "$part" && sha256sum data.dump counts.tsv > SHA256SUMS)
sync "$part/data.dump" "$part/counts.tsv" "$part/SHA256SUMS" "$part"
mv "$part" "$into/$name"
awk -F '\t' -v at="$into/$name" '{ rows += $2 } END { printf "%s: %d tables, %d rows\n", at, NR, rows }' "$into/$name/counts.tsv"
