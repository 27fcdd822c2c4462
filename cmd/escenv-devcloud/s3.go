package main

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/escenv/escenv/internal/devcloud"
)

// errNoCredentials is what the AWS CLI says.
var errNoCredentials = errors.New("Unable to locate credentials") //nolint:staticcheck // the words everybody knows

// runS3 lists like "aws s3 ls", for machines without the AWS CLI. It reads the
// standard AWS_* variables and nothing else.
func (p *program) runS3(ctx context.Context, args []string) error {
	f := p.flags("s3")
	f.Usage = func() { fmt.Fprintln(p.stderr, "usage: escenv-devcloud s3 ls [s3://BUCKET[/PREFIX]]") }
	if err := p.parse(f, args, 1, 2); err != nil {
		return err
	}
	if f.Arg(0) != "ls" {
		f.Usage()
		return errUsage
	}
	client, err := p.s3Client()
	if err != nil {
		return err
	}
	if f.NArg() == 1 {
		return p.listBuckets(ctx, client)
	}
	return p.listBucket(ctx, client, f.Arg(1))
}

func (p *program) s3Client() (*devcloud.Client, error) {
	key := devcloud.Key{
		AccessKeyID: p.getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: p.getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: p.getenv("AWS_SESSION_TOKEN"),
	}
	if key.AccessKeyID == "" || key.SecretAccessKey == "" {
		return nil, errNoCredentials
	}
	c := &devcloud.Client{Endpoint: p.getenv("AWS_ENDPOINT_URL"), Region: p.getenv("AWS_REGION"), Key: key, Now: p.now}
	if c.Endpoint == "" {
		return nil, errors.New("AWS_ENDPOINT_URL is not set")
	}
	if c.Region == "" {
		c.Region = defaultRegion
	}
	return c, nil
}

func (p *program) listBuckets(ctx context.Context, c *devcloud.Client) error {
	var answer struct {
		Buckets []struct {
			Name         string
			CreationDate time.Time
		} `xml:"Buckets>Bucket"`
	}
	text, err := c.S3(ctx, "GET", "/", nil)
	if err == nil {
		err = xml.Unmarshal(text, &answer)
	}
	for _, b := range answer.Buckets {
		_, err = fmt.Fprintln(p.stdout, b.CreationDate.Local().Format(time.DateTime), b.Name)
	}
	return err
}

func (p *program) listBucket(ctx context.Context, c *devcloud.Client, address string) error {
	bucket, prefix, _ := strings.Cut(strings.TrimPrefix(address, "s3://"), "/")
	query := url.Values{"list-type": {"2"}, "delimiter": {"/"}, "prefix": {prefix}}
	var answer struct {
		Prefixes []string `xml:"CommonPrefixes>Prefix"`
		Contents []struct {
			Key          string
			Size         int64
			LastModified time.Time
		}
	}
	text, err := c.S3(ctx, "GET", "/"+url.PathEscape(bucket)+"?"+query.Encode(), nil)
	if err == nil {
		err = xml.Unmarshal(text, &answer)
	}
	for _, folder := range answer.Prefixes {
		_, err = fmt.Fprintf(p.stdout, "%30s %s\n", "PRE", strings.TrimPrefix(folder, prefix))
	}
	for _, o := range answer.Contents {
		_, err = fmt.Fprintf(p.stdout, "%s %10d %s\n", o.LastModified.Local().Format(time.DateTime), o.Size, strings.TrimPrefix(o.Key, prefix))
	}
	return err
}
