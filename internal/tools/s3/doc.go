// Package s3 holds the S3 store of internal/blob to a real S3-compatible server, on loopback. It is a module of its own, so
// that the product does not depend on the server; it owns no store.
package s3
