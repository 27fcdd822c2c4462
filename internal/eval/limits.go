package eval

// What a definition may be at most. Definitions come from other people.
const (
	maxText        = 1 << 20   // bytes of one text
	maxDepth       = 64        // nesting of one text
	maxNodes       = 50_000    // YAML nodes of one text
	maxName        = 4 << 10   // bytes of one key
	maxImports     = 1000      // definitions one run loads
	maxImportDepth = 128       // imports that import
	maxValue       = 256 << 10 // bytes of one string
	maxResult      = 4 << 20   // bytes of a list or object, roughly as JSON
	maxOpens       = 1000      // fn::open that one run opens
	maxNesting     = 256       // nesting of a computed value
	maxSteps       = 400_000   // values one run computes
	maxMade        = 32 << 20  // bytes of all values one run makes of others, or reads to make them
	maxRecursion   = 10_000    // references that lead to references
	maxDiagnostics = 100       // reported in one run
)
