// Package read owns reading: a GraphQL selection compiled to authorised SQL and written as JSON.
// It does not own rules of change, nor transports.
package read
