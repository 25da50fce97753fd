// Package audit owns the trail after it is written: openings and refusals of reads, sealing, checkpoints, proofs and the
// verifier. It does not own the records of changes (internal/act inserts them in the change's transaction), nor who may
// read the trail (the read gate).
//
// A record is inserted without a lock on the tenant. The sealer gives it a dense number, chains its hash to the one
// before, and adds a leaf to the tenant's Merkle tree; each minute it signs size and root. docs/audit-format.md says the
// bytes exactly, so that a verifier can be written without this package.
package audit
