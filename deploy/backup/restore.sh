#!/bin/sh
# Restores a folder made by backup.sh into the empty database that roles.sql made, and proves that every row is there.
#
#   PGHOST=… PGDATABASE=clientele PGPASSFILE=… deploy/backup/restore.sh FOLDER/clientele-<time>
#
# It restores as clientele_owner and counts as clientele_backup (the owner sees no row through row-level security); the
# password file has a line for each. All or nothing: one transaction.
# Exit codes: 0 done, 1 failed, 2 wrong use.
set -eu
umask 077
[ $# -eq 1 ] && [ -f "$1/data.dump" ] && [ -f "$1/counts.tsv" ] || { echo "usage: restore.sh BACKUP" >&2; exit 2; }
from=$1
: "${PGDATABASE:?set PGDATABASE to the empty database}"
export LC_ALL=C PGAPPNAME=clientele-restore PGTZ=UTC
owner=clientele_owner backup=clientele_backup

(cd "$from" && sha256sum --check --quiet SHA256SUMS) || { echo "error: the backup was changed or damaged" >&2; exit 1; }

tables="FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
there=$(PGUSER=$backup psql -XAtq -v ON_ERROR_STOP=1 -c "SELECT count(*) $tables")
if [ "$there" != 0 ]; then
  echo "错误：目标数据库不是空的（$there 张表）；请用 roles.sql 新建" >&2
  echo "error: the database is not empty ($there tables); have roles.sql make a new one" >&2
  exit 2
fi

# Rights on tables come with the dump; roles and their passwords do not.
PGUSER=$owner pg_restore --no-password --exit-on-error --single-transaction --dbname="$PGDATABASE" "$from/data.dump"

counted=$(mktemp)
trap 'rm -f "$counted"' EXIT
PGUSER=$backup psql -XAtq -v ON_ERROR_STOP=1 > "$counted" <<SQL
\pset fieldsep '\t'
SELECT format('SELECT %L, count(*) FROM %I.%I', n.nspname || '.' || c.relname, n.nspname, c.relname) $tables
ORDER BY (n.nspname || '.' || c.relname) COLLATE "C" \gexec
SQL
if ! cmp -s "$from/counts.tsv" "$counted"; then
  echo "error: rows restored differ from rows backed up (backup, database):" >&2
  diff "$from/counts.tsv" "$counted" >&2 || true
  exit 1
fi
PGUSER=$owner psql -Xq -v ON_ERROR_STOP=1 -c "SET client_min_messages = 'error'" -c ANALYZE
awk -F '\t' -v at="$PGDATABASE" '{ rows += $2 } END { printf "%s: %d tables, %d rows, as backed up\n", at, NR, rows }' "$counted"
