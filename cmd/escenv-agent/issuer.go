package main

import (
	"context"
	"path/filepath"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/identity"
	"github.com/escenv/escenv/internal/wire"
)

func (k *keeper) issuerInit(_ context.Context, args wire.IssuerInitArgs) (*wire.IssuerResult, error) {
	return describe(identity.InitIssuer(k.dirs.issuer(), args.URL))
}

func (k *keeper) issuerShow(context.Context, none) (*wire.IssuerResult, error) {
	return describe(identity.OpenIssuer(k.dirs.issuer()))
}

func describe(i *identity.Issuer, err error) (*wire.IssuerResult, error) {
	if err != nil {
		return nil, err
	}
	return &wire.IssuerResult{URL: i.URL, KeyID: i.KeyID, KeyFile: i.KeyFile}, nil
}

func (k *keeper) issuerPublish(_ context.Context, args wire.IssuerPublishArgs) (*wire.IssuerPublishResult, error) {
	if !filepath.IsAbs(args.Dir) {
		return nil, esc.Errorf(esc.Invalid, "the directory to publish to is not absolute")
	}
	i, err := identity.OpenIssuer(k.dirs.issuer())
	if err != nil {
		return nil, err
	}
	files, err := i.Publish(args.Dir)
	return &wire.IssuerPublishResult{URL: i.URL, Files: files}, err
}
