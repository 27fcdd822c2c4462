package awslogin

import (
	"slices"
	"strings"

	"github.com/escenv/escenv/internal/esc"
)

// A partition is one of AWS's separate clouds. The STS of one knows nothing of
// the roles of another.
type partition struct {
	name   string // in an ARN
	prefix string // of its regions
	region string // one of them
}

// partitions lists AWS's. Last is the one whose regions begin with anything
// that no other's do.
func partitions() []partition {
	return []partition{
		{"aws-cn", "cn-", "cn-north-1"},
		{"aws-us-gov", "us-gov-", "us-gov-west-1"},
		{"aws-eusc", "eusc-", "eusc-de-east-1"},
		{"aws-iso", "us-iso-", "us-iso-east-1"},
		{"aws-iso-b", "us-isob-", "us-isob-east-1"},
		{"aws-iso-e", "eu-isoe-", "eu-isoe-west-1"},
		{"aws-iso-f", "us-isof-", "us-isof-south-1"},
		{"aws", "", "us-east-1"},
	}
}

// checkPartition refuses a role that the STS of the configured region cannot
// know. It takes no view on an STS at an endpoint of its own, and on
// partitions that are not AWS's.
func (p *Provider) checkPartition(role esc.Value) error {
	if p.region == "" {
		return nil
	}
	all := partitions()
	has := slices.IndexFunc(all, func(of partition) bool { return strings.HasPrefix(p.region, of.prefix) })
	wants := slices.IndexFunc(all, func(of partition) bool { return strings.HasPrefix(reveal(role), "arn:"+of.name+":") })
	if wants < 0 || wants == has {
		return nil
	}
	return esc.Errorf(esc.Invalid, "the role is in AWS's partition %s, and the STS of %s in %s", all[wants].name, p.region, all[has].name).
		WithHint("write aws: {region: %s}, or another region of %s, in %s", all[wants].region, all[wants].name, p.Settings)
}
