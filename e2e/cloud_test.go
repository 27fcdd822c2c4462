package e2e

import "testing"

// A cloud is an STS and S3 that somebody else wrote and that trusts our
// issuer's tokens for one role.
type cloud struct {
	issuer issuer
	sts    *witness // the agent's endpoint
	s3     string   // the AWS CLI's endpoint
	role   string
	bucket string
}

// definition is what the guide has people write, for the cloud's role.
func (c cloud) definition() string {
	return `values:
  aws:
    login:
      fn::open::aws-login:
        oidc:
          roleArn: ` + c.role + `
          sessionName: escenv
  environmentVariables:
    AWS_ACCESS_KEY_ID: ${aws.login.accessKeyId}
    AWS_SECRET_ACCESS_KEY: ${aws.login.secretAccessKey}
    AWS_SESSION_TOKEN: ${aws.login.sessionToken}
`
}

// person returns somebody with the issuer's key, a definition shop/prod and a
// project directory that names it. settings is the rest of their
// config.yaml.
func (c cloud) person(t *testing.T, settings string) *home {
	t.Helper()
	h := newHome(t, "AWS_ENDPOINT_URL="+c.s3)
	for _, name := range []string{"key.pem", "issuer.json"} {
		h.write("config/escenv/issuer/"+name, c.issuer.read(t, name))
	}
	h.cloud = c
	h.configure(settings)
	h.write("config/escenv/environments/shop/prod.yaml", c.definition())
	h.write("project/.escenv", "shop/prod\n")
	return h
}
