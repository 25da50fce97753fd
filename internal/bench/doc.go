// Command bench measures the product against a floor: a hand-written net/http and pgx server with the same walls, doing the
// same work for the same answers. It prints a table of ratios for people to read and asserts no time.
// It does not own what is right: tests do; it only refuses to compare two servers that answer differently.
package main
