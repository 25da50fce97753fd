// Package read owns reading: a GraphQL selection compiled once to authorised SQL, bound to tenant, row scopes and field
// masks per request, and written as JSON. It does not own rules of change, the language of rights, nor transports.
package read
