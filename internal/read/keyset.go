package read

// past is the keyset condition: rows after the cursor "after" (side true) or before the cursor "before".
func (l *listing) past(after bool) string { return l.keyset(after, after, false) }

// beyond is the opposite, for whether there is more: rows up to and including "after" (side false), or from "before" on.
func (l *listing) beyond(before bool) string { return l.keyset(!before, before, true) }

// keyset compares rows with a cursor: forward means later in the ordering.
func (l *listing) keyset(cursorIsAfter, forward, inclusive bool) string {
	s := l.c.site
	idKind, keyKind := argBeforeID, argBeforeKey
	if cursorIsAfter {
		idKind, keyKind = argAfterID, argAfterKey
	}
	col := l.w.data + "." + l.w.t.Key
	at := l.w.arg(argument{kind: idKind, site: s}) + "::uuid"
	idOp := "<"
	if forward != l.order.IDDesc {
		idOp = ">"
	}
	if inclusive {
		idOp += "="
	}
	if l.order.Expr == "" {
		return col + " " + idOp + " " + at
	}
	key := l.w.arg(argument{kind: keyKind, site: s}) + keyCast(l.order.Kind)
	greater := forward != l.order.Desc
	op := "<"
	if greater {
		op = ">"
	}
	if !l.order.Nullable {
		if l.order.Desc == l.order.IDDesc {
			if inclusive {
				op += "="
			}
			return "(" + l.key + ", " + col + ") " + op + " (" + key + ", " + at + ")"
		}
		return "(" + l.key + " " + op + " " + key + " OR " + l.key + " = " + key + " AND " + col + " " + idOp + " " + at + ")"
	}
	// NULL sorts as if it were larger than everything.
	ties := "(" + l.key + " = " + key + " AND " + col + " " + idOp + " " + at + ")"
	nulls := "(" + l.key + " IS NULL AND " + col + " " + idOp + " " + at + ")"
	if greater {
		return "CASE WHEN " + key + " IS NULL THEN " + nulls + " ELSE " + l.key + " IS NULL OR " + l.key + " > " + key + " OR " + ties + " END"
	}
	return "CASE WHEN " + key + " IS NULL THEN " + l.key + " IS NOT NULL OR " + nulls + " ELSE " + l.key + " < " + key + " OR " + ties + " END"
}

func keyCast(k Kind) string {
	switch k {
	case KindTime:
		return "::timestamptz"
	case KindDate:
		return "::date"
	case KindBool:
		return "::boolean"
	case KindInt, KindBigInt:
		return "::bigint"
	}
	return "::text"
}

func direction(desc bool) string {
	if desc {
		return " DESC"
	}
	return ""
}
