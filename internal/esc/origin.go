package esc

// An Origin is where a value was written, and where what is in it was.
type Origin struct {
	Environment string   // the definition, "project/name"
	Begin, End  Position // End is exclusive; zero if it is not known
	Base        *Origin  // what the value overrides; nil if nothing

	Fields map[string]*Origin // of an object, as far as it was written as one
	Items  []*Origin          // of a list
}

// Field returns the origin of a property. What was computed came from where
// the whole did.
func (o *Origin) Field(name string) *Origin {
	if o == nil || o.Fields[name] == nil {
		return o.whole()
	}
	return o.Fields[name]
}

// Item returns the origin of an item, as Field does of a property.
func (o *Origin) Item(i int) *Origin {
	if o == nil || i >= len(o.Items) {
		return o.whole()
	}
	return o.Items[i]
}

// whole is o as the origin of something in it.
func (o *Origin) whole() *Origin {
	if o == nil {
		return nil
	}
	return &Origin{Environment: o.Environment, Begin: o.Begin, End: o.End}
}
