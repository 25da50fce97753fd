// Package read owns reading: a GraphQL selection compiled once to authorised SQL, bound to tenant, row scopes and field
// masks per request, and written as JSON. It does not own rules of change, the language of rights, nor transports.
//
// The way of a query: the type table (types*.go, roots.go) says what there is and which field group decides about it; a
// document shape becomes a Plan (plan.go, shape.go), which knows no tenant and no rights; under an actor's rights the plan
// becomes statements and the programs that write their rows (render.go, row.go, block.go, page.go, strategy.go); a request
// binds arguments, sends one pipeline per level in one snapshot, and writes the answer (args.go, run.go, emit.go).
//
// What the SDL leaves to the gate:
//   - Arguments are judged whether or not rows are met: an invalid one gives one error at the field's path, without list indices.
//   - asOf shows rows of then; whether they are seen is decided on the row as it is now. A row that is gone is not seen.
//   - An order that is asked for needs the filter right, and leaves out rows without it. A default order on a group that is
//     hidden falls back to the order by id; where rights differ per row, hidden keys sort as if they were missing.
//   - Cursors are good for one tenant and one ordering.
package read
