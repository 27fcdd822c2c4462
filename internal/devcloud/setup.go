package devcloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// A Plan is what a person sets up in AWS once: trust in an issuer, a role, and
// something for the role to see.
type Plan struct {
	Account    string
	IssuerURL  string
	Audience   string
	Subject    string // a pattern for StringLike
	Role       string
	MaxSession time.Duration
	Bucket     string
	Objects    map[string]string // what the bucket holds: key to text
}

// A Setup is what came of a Plan.
type Setup struct {
	IssuerURL   string `json:"issuer_url"`
	ProviderARN string `json:"provider_arn"`
	RoleARN     string `json:"role_arn"`
	Bucket      string `json:"bucket"`
}

// Setup carries out a Plan with the root key. What exists already is brought
// up to date.
func (c *Client) Setup(ctx context.Context, p Plan) (*Setup, error) {
	made := &Setup{
		IssuerURL: p.IssuerURL, Bucket: p.Bucket,
		ProviderARN: "arn:aws:iam::" + p.Account + ":oidc-provider/" + providerName(p.IssuerURL),
		RoleARN:     "arn:aws:iam::" + p.Account + ":role/" + p.Role,
	}
	err := c.IAM(ctx, "CreateOpenIDConnectProvider", url.Values{"Url": {p.IssuerURL}, "ClientIDList.member.1": {p.Audience}}, nil)
	if err != nil && !exists(err) {
		return nil, fmt.Errorf("register the issuer %s: %w", p.IssuerURL, err)
	}
	if err := c.setupRole(ctx, p, made); err != nil {
		return nil, fmt.Errorf("make the role %s: %w", p.Role, err)
	}
	if err := c.setupBucket(ctx, p); err != nil {
		return nil, fmt.Errorf("fill the bucket %s: %w", p.Bucket, err)
	}
	return made, nil
}

func exists(err error) bool {
	api, ok := errors.AsType[*APIError](err)
	return ok && (api.Code == "EntityAlreadyExists" || api.Code == "BucketAlreadyExists")
}

func (c *Client) setupRole(ctx context.Context, p Plan, made *Setup) error {
	trust, err := trustPolicy(p, made.ProviderARN)
	if err != nil {
		return err
	}
	err = c.IAM(ctx, "CreateRole", url.Values{
		"RoleName": {p.Role}, "AssumeRolePolicyDocument": {trust},
		"MaxSessionDuration": {strconv.Itoa(int(p.MaxSession / time.Second))},
	}, nil)
	if exists(err) {
		err = c.IAM(ctx, "UpdateAssumeRolePolicy", url.Values{"RoleName": {p.Role}, "PolicyDocument": {trust}}, nil)
	}
	if err != nil {
		return err
	}
	return c.IAM(ctx, "PutRolePolicy", url.Values{"RoleName": {p.Role}, "PolicyName": {"s3"}, "PolicyDocument": {readOnly(p.Bucket)}}, nil)
}

func trustPolicy(p Plan, providerARN string) (string, error) {
	name := providerName(p.IssuerURL)
	type object = map[string]any
	text, err := json.Marshal(object{"Version": "2012-10-17", "Statement": []object{{
		"Effect": "Allow", "Principal": object{"Federated": providerARN}, "Action": assumeAction,
		"Condition": object{
			"StringEquals": object{name + ":aud": p.Audience},
			"StringLike":   object{name + ":sub": p.Subject},
		},
	}}})
	return string(text), err
}

// readOnly lets a role list buckets and read one.
func readOnly(bucket string) string {
	return `{"Version":"2012-10-17","Statement":[
{"Effect":"Allow","Action":["s3:ListAllMyBuckets","s3:GetBucketLocation"],"Resource":"*"},
{"Effect":"Allow","Action":["s3:ListBucket","s3:GetObject"],"Resource":["arn:aws:s3:::` + bucket + `","arn:aws:s3:::` + bucket + `/*"]}]}`
}

func (c *Client) setupBucket(ctx context.Context, p Plan) error {
	if _, err := c.S3(ctx, http.MethodPut, "/"+p.Bucket, nil); err != nil && !exists(err) {
		return err
	}
	for key, text := range p.Objects {
		path := &url.URL{Path: "/" + p.Bucket + "/" + key}
		if _, err := c.S3(ctx, http.MethodPut, path.EscapedPath(), []byte(text)); err != nil {
			return err
		}
	}
	return nil
}
