// Client reads an object again and again, for some seconds, with the AWS SDK
// for Go: client ENDPOINT BUCKET KEY SECONDS.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func main() {
	requests, err := run(context.Background(), os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "client:", err)
		os.Exit(1)
	}
	fmt.Fprintln(os.Stdout, requests)
}

func run(ctx context.Context, args []string) (requests int, err error) {
	if len(args) != 4 {
		return 0, errors.New("usage: client ENDPOINT BUCKET KEY SECONDS")
	}
	seconds, err := strconv.Atoi(args[3])
	if err != nil {
		return 0, err
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion("us-east-1"), config.WithRetryMaxAttempts(1))
	if err != nil {
		return 0, err
	}
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.BaseEndpoint, o.UsePathStyle = &args[0], true })
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(time.Duration(seconds) * time.Second); ; requests++ {
		if _, err := client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String(args[1]), Key: aws.String(args[2])}); err != nil {
			return requests, err
		}
		select {
		case <-end:
			return requests + 1, nil
		case <-tick.C:
		}
	}
}
