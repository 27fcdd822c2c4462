package awslogin

import "github.com/escenv/escenv/internal/schema"

// Outputs describes what Open returns, for references to it to be checked.
func (*Provider) Outputs() *schema.Schema {
	text := schema.Of("string")
	return schema.Object(map[string]*schema.Schema{
		"accessKeyId": text, "secretAccessKey": text, "sessionToken": text, "expiration": text,
	})
}
