package product

import (
	"os"
	"runtime/debug"
)

// heapGrowth is by how much, in percent of what lives, the heap grows before it is collected. Requests leave much behind and
// little of a server lives on: Go's own 100 spends about a tenth of the processor on marking the same schema, plans and
// tables again and again. GOMEMLIMIT still bounds the whole.
const heapGrowth = 400

// TuneCollector sets the garbage collector of a serving process, unless the operator has with GOGC.
func TuneCollector() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
}
