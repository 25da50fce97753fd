// Package file owns files: tickets for uploads, receiving, quarantine and scanning, links for downloads, and the marks on
// what is lent. It does not own who may: services decide that, before a ticket or a link and again at every click.
//
// The way of a file. A service calls Ticket inside its act: a row in state awaiting, and a secret for the sender. The
// sender PUTs the bytes to /files/{id} with the secret in the header Upload-Ticket; they become quarantined when size,
// hash and type are those of the ticket. Run scans what is quarantined: clean or infected. Link gives whoever may read a
// file a URL that is good for a minute; GET asks Web.Decide again, records the opening through Web.Opened, and serves
// ranges of the bytes, with the reader's name on every page where Decide says so. What is refused on the way is recorded
// through Web.Refused. Verify hashes what is stored.
//
//	awaiting -> quarantined -> clean | infected ; awaiting and infected -> gone
package file
